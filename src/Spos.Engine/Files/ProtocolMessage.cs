using Google.Protobuf;

namespace Spos.Engine.Files;

/// <summary>One message of protocol buffers, written field by field.</summary>
internal sealed class ProtocolMessage
{
    private readonly CodedOutputStream _out;

    private ProtocolMessage(CodedOutputStream output) => _out = output;

    /// <summary>The bytes of the message that <paramref name="write"/> writes.</summary>
    public static byte[] Of(Action<ProtocolMessage> write)
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true)) write(new ProtocolMessage(output));
        return memory.ToArray();
    }

    public void Int(int field, long value)
    {
        _out.WriteTag(field, WireFormat.WireType.Varint);
        _out.WriteInt64(value);
    }

    public void Float(int field, float value)
    {
        _out.WriteTag(field, WireFormat.WireType.Fixed32);
        _out.WriteFloat(value);
    }

    public void Double(int field, double value)
    {
        _out.WriteTag(field, WireFormat.WireType.Fixed64);
        _out.WriteDouble(value);
    }

    public void Text(int field, string value)
    {
        _out.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _out.WriteString(value);
    }

    public void Message(int field, byte[] value)
    {
        _out.WriteTag(field, WireFormat.WireType.LengthDelimited);
        _out.WriteBytes(UnsafeByteOperations.UnsafeWrap(value));
    }
}
