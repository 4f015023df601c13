using System.Globalization;
using Spos.Engine.Files;

namespace Spos.Engine.Logs;

/// <summary>
/// What TensorBoard's page HPARAMS reads of a folder, there called a session: messages in the metadata of two summaries
/// (tensorboard/plugins/hparams/plugin_data.proto, metadata.py). There is none of an experiment: TensorBoard takes the first that it finds
/// for all folders, options and all, while without one it makes its own of all sessions, and of all their scalars.
/// </summary>
internal static class HyperparameterSession
{
    /// <summary>The tags of the two summaries.</summary>
    public const string StartTag = "_hparams_/session_start_info", EndTag = "_hparams_/session_end_info";

    // Field numbers of SummaryMetadata, its PluginData, HParamsPluginData, SessionStartInfo, SessionEndInfo, and of an entry of a map.
    private const int PluginData = 1, DataClass = 4, PluginName = 1, Content = 2;
    private const int StartInfo = 3, EndInfo = 4;
    private const int Options = 1, StartTime = 5, Status = 1, EndTime = 2, Key = 1, Value = 2;

    // Of google.protobuf.Value.
    private const int NumberValue = 2, StringValue = 3, BoolValue = 4;

    // Of TensorProto and TensorShapeProto.
    private const int Type = 1, Shape = 2, Float = 1, FloatValue = 5, Dimension = 2, Size = 1;

    private const int ClassOfTensors = 2, StatusSuccess = 1;

    /// <summary>The tensor that the summaries have, since all have one: a zero.</summary>
    public static byte[] NoTensor { get; } = ProtocolMessage.Of(tensor =>
    {
        tensor.Int(Type, Float);
        tensor.Message(Shape, ProtocolMessage.Of(shape => shape.Message(Dimension, ProtocolMessage.Of(size => size.Int(Size, 1)))));
        tensor.Float(FloatValue, 0);
    });

    /// <summary>The metadata of a session's start.</summary>
    /// <param name="time">In seconds since 1970.</param>
    public static byte[] Start(IEnumerable<KeyValuePair<string, string>> options, double time) => Metadata(StartInfo, info =>
    {
        foreach ((string name, string text) in options)
        {
            info.Message(Options, ProtocolMessage.Of(entry =>
            {
                entry.Text(Key, name);
                entry.Message(Value, ProtocolMessage.Of(value => Write(value, text)));
            }));
        }
        info.Double(StartTime, time);
    });

    /// <summary>The metadata of a session's end that was reached.</summary>
    public static byte[] Success(double time) => Metadata(EndInfo, info =>
    {
        info.Int(Status, StatusSuccess);
        info.Double(EndTime, time);
    });

    private static void Write(ProtocolMessage value, string text)
    {
        if (bool.TryParse(text, out bool isTrue)) value.Int(BoolValue, isTrue ? 1 : 0);
        else if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
        {
            value.Double(NumberValue, number);
        }
        else value.Text(StringValue, text);
    }

    // The version of the plug-in's data is 0, which is not written.
    private static byte[] Metadata(int field, Action<ProtocolMessage> info)
    {
        byte[] content = ProtocolMessage.Of(data => data.Message(field, ProtocolMessage.Of(info)));
        return ProtocolMessage.Of(metadata =>
        {
            metadata.Message(PluginData, ProtocolMessage.Of(plugin =>
            {
                plugin.Text(PluginName, "hparams");
                plugin.Message(Content, content);
            }));
            metadata.Int(DataClass, ClassOfTensors);
        });
    }
}
