using Google.Protobuf.WellKnownTypes;

namespace Spos.Engine.Tests.Logs;

/// <summary>What TensorBoard's page HPARAMS reads of an event file (tensorboard/plugins/hparams/plugin_data.proto).</summary>
/// <param name="Options">Doubles, truth values and texts, by name; null without a start.</param>
/// <param name="Ends">The status of each end, with its step: 1 is success.</param>
internal sealed record HyperparameterReader(
    IReadOnlyDictionary<string, object>? Options, double? StartTime, IReadOnlyList<(long Step, long Status)> Ends)
{
    public static HyperparameterReader Of(IEnumerable<Event> events)
    {
        Dictionary<string, object>? options = null;
        double? time = null;
        var ends = new List<(long, long)>();
        foreach (Event one in events)
        {
            foreach (Summarised value in one.Others.Where(other => other.Plugin != null))
            {
                ((string plugin, byte[] content, long dataClass), ILookup<int, object> tensor) = (value.Plugin!.Value, value.Tensor!);
                // DATA_CLASS_TENSOR, and a float of the shape [1], as TensorBoard's own summaries have.
                Assert.Equal(("hparams", 2, 1L, 0f), (plugin, dataClass, (long)tensor[1].Single(), (float)tensor[5].Single()));
                ILookup<int, object> data = EventFile.Fields(content);
                // The version is 0, as a missing one; one kind of data follows.
                int kind = Assert.Single(data).Key;
                ILookup<int, object> info = EventFile.Fields((byte[])data[kind].Single());
                if (value.Tag == "_hparams_/session_start_info")
                {
                    Assert.Equal(3, kind);
                    options = info[1].ToDictionary(
                        entry => EventFile.Text(EventFile.Fields((byte[])entry), 1), entry => ValueOf(EventFile.Fields((byte[])entry)));
                    time = (double)info[5].Single();
                }
                else
                {
                    Assert.Equal(("_hparams_/session_end_info", 4), (value.Tag, kind));
                    Assert.True((double)info[2].Single() > 0);
                    ends.Add((one.Step, (long)info[1].Single()));
                }
            }
        }
        return new HyperparameterReader(options, time, ends);
    }

    private static object ValueOf(ILookup<int, object> entry)
    {
        Value value = Value.Parser.ParseFrom((byte[])entry[2].Single());
        return value.KindCase switch
        {
            Value.KindOneofCase.NumberValue => value.NumberValue,
            Value.KindOneofCase.BoolValue => value.BoolValue,
            Value.KindOneofCase.StringValue => value.StringValue,
            _ => throw new InvalidDataException($"{value.KindCase}"),
        };
    }
}
