using System.Buffers.Binary;
using Google.Protobuf;

namespace Spos.Engine.Tests.Logs;

/// <summary>One event of a TensorBoard file.</summary>
internal sealed record Event(
    double WallTime, long Step, string? FileVersion, int? SessionStatus, IReadOnlyList<(string Tag, float Value)> Scalars);

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
                    scalars.AddRange(ParseSummary(input.ReadBytes().ToByteArray()));
                    break;
                case (7, WireFormat.WireType.LengthDelimited):
                    status = ParseStatus(input.ReadBytes().ToByteArray());
                    break;
                default:
                    throw new InvalidDataException($"field {tag}");
            }
        }
        return new Event(wallTime, step, version, status, scalars);
    }

    private static List<(string, float)> ParseSummary(byte[] message)
    {
        var scalars = new List<(string, float)>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag && tag != 0)
        {
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), tag);
            using var value = new CodedInputStream(input.ReadBytes().ToByteArray());
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), value.ReadTag());
            string name = value.ReadString();
            Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.Fixed32), value.ReadTag());
            scalars.Add((name, value.ReadFloat()));
            Assert.True(value.IsAtEnd);
        }
        return scalars;
    }

    private static int ParseStatus(byte[] message)
    {
        using var input = new CodedInputStream(message);
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.Varint), input.ReadTag());
        return input.ReadEnum();
    }
}
