using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;

namespace Spos.Engine.Tests.Logs;

/// <summary>One event of a TensorBoard file.</summary>
internal sealed record Event(
    double WallTime, long Step, string? FileVersion, int? SessionStatus, IReadOnlyList<(string Tag, float Value)> Scalars,
    IReadOnlyList<Summarised> Others);

/// <summary>A summary's value that is no scalar: a picture, or what HPARAMS shows.</summary>
/// <param name="Image">Height, width, colour space and encoded bytes of Summary.Image.</param>
/// <param name="Tensor">The fields of its TensorProto.</param>
/// <param name="Plugin">The plug-in's name, and the content that is its own.</param>
internal sealed record Summarised(
    string Tag, (long Height, long Width, long Colours, byte[] Encoded)? Image, ILookup<int, object>? Tensor,
    (string Name, byte[] Content, long DataClass)? Plugin);

/// <summary>
/// Reads TensorBoard's event files as its own reader does (tensorflow/core/lib/io/record_reader.cc, core/util/event.proto), with a
/// checksum that is computed bit by bit. A wrong length, checksum or field is an error.
/// </summary>
internal static class EventFile
{
    public static List<Event> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        var events = new List<Event>();
        for (int at = 0; at < bytes.Length;)
        {
            ReadOnlySpan<byte> length = bytes.AsSpan(at, 8);
            Check(length, bytes.AsSpan(at + 8, 4));
            int count = checked((int)BinaryPrimitives.ReadInt64LittleEndian(length));
            ReadOnlySpan<byte> data = bytes.AsSpan(at + 12, count);
            Check(data, bytes.AsSpan(at + 12 + count, 4));
            events.Add(Parse(data.ToArray()));
            at += count + 16;
        }
        return events;
    }

    /// <summary>CRC-32C: reflected, polynomial 0x1EDC6F41, all ones before and after.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }

    private static void Check(ReadOnlySpan<byte> data, ReadOnlySpan<byte> stored)
    {
        uint crc = Crc32C(data), masked = ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
        Assert.Equal(masked, BinaryPrimitives.ReadUInt32LittleEndian(stored));
    }

    private static Event Parse(byte[] message)
    {
        double wallTime = 0;
        long step = 0;
        string? version = null;
        int? status = null;
        var scalars = new List<(string, float)>();
        var others = new List<Summarised>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag && tag != 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.Fixed64):
                    wallTime = input.ReadDouble();
                    break;
                case (2, WireFormat.WireType.Varint):
                    step = input.ReadInt64();
                    break;
                case (3, WireFormat.WireType.LengthDelimited):
                    version = input.ReadString();
                    break;
                case (5, WireFormat.WireType.LengthDelimited):
                    ParseSummary(input.ReadBytes().ToByteArray(), scalars, others);
                    break;
                case (7, WireFormat.WireType.LengthDelimited):
                    status = ParseStatus(input.ReadBytes().ToByteArray());
                    break;
                default:
                    throw new InvalidDataException($"field {tag}");
            }
        }
        return new Event(wallTime, step, version, status, scalars, others);
    }

    /// <summary>
    /// The fields of a message, by number: numbers as longs or doubles, floats, and what has a length, a message too, as bytes.
    /// </summary>
    public static ILookup<int, object> Fields(byte[] message)
    {
        var fields = new List<(int Number, object Value)>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag && tag != 0)
        {
            fields.Add((WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => input.ReadInt64(),
                WireFormat.WireType.Fixed64 => input.ReadDouble(),
                WireFormat.WireType.Fixed32 => input.ReadFloat(),
                WireFormat.WireType.LengthDelimited => input.ReadBytes().ToByteArray(),
                _ => throw new InvalidDataException($"field {tag}"),
            }));
        }
        return fields.ToLookup(field => field.Number, field => field.Value);
    }

    /// <summary>A text that is a field of a message.</summary>
    public static string Text(ILookup<int, object> fields, int number) => Encoding.UTF8.GetString((byte[])fields[number].Single());

    // Summary, Summary.Value, Summary.Image and SummaryMetadata of tensorboard/compat/proto/summary.proto.
    private static void ParseSummary(byte[] message, List<(string, float)> scalars, List<Summarised> others)
    {
        foreach (object each in Fields(message)[1])
        {
            ILookup<int, object> value = Fields((byte[])each);
            Assert.All(value, field => Assert.Contains(field.Key, new[] { 1, 2, 4, 8, 9 }));
            string tag = Text(value, 1);
            // A value is one of these.
            Assert.Single(value[2].Concat(value[4]).Concat(value[8]));
            ILookup<int, object>? tensor = value[8].Select(one => Fields((byte[])one)).SingleOrDefault();
            if (value[2].Any()) scalars.Add((tag, (float)value[2].Single()));
            else others.Add(new Summarised(tag, ImageIn(value), tensor, PluginIn(value)));
        }
    }

    private static (long, long, long, byte[])? ImageIn(ILookup<int, object> value)
    {
        if (!value[4].Any()) return null;
        ILookup<int, object> image = Fields((byte[])value[4].Single());
        return ((long)image[1].Single(), (long)image[2].Single(), (long)image[3].Single(), (byte[])image[4].Single());
    }

    private static (string, byte[], long)? PluginIn(ILookup<int, object> value)
    {
        if (!value[9].Any()) return null;
        ILookup<int, object> metadata = Fields((byte[])value[9].Single()), plugin = Fields((byte[])metadata[1].Single());
        return (Text(plugin, 1), (byte[])plugin[2].Single(), (long)metadata[4].Single());
    }

    private static int ParseStatus(byte[] message)
    {
        using var input = new CodedInputStream(message);
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.Varint), input.ReadTag());
        return input.ReadEnum();
    }
}
