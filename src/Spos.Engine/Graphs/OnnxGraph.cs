using System.Globalization;
using System.Runtime.InteropServices;
using Spos.Engine.Files;

namespace Spos.Engine.Graphs;

/// <summary>Puts an ONNX graph together: onnx.proto's messages (github.com/onnx/onnx), by their field numbers.</summary>
internal sealed class OnnxGraph
{
    /// <summary>Types of elements, as TensorProto.DataType numbers them.</summary>
    public const int Float = 1, UInt8 = 2, Int32 = 6, Int64 = 7, Double = 11;

    private const int FloatAttribute = 1, IntAttribute = 2, IntsAttribute = 7;

    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _weights = [];
    private readonly HashSet<string> _constants = [];
    private int _values;

    /// <summary>Adds a node of Operators.md and returns the name of its result.</summary>
    /// <param name="output">The name that the result is to have; null for one that is made.</param>
    public string Node(string type, IReadOnlyList<string> inputs, string? output = null, params byte[][] attributes)
    {
        output ??= $"value{_values++}";
        _nodes.Add(ProtocolMessage.Of(n =>
        {
            foreach (string input in inputs) n.Text(1, input);
            n.Text(2, output);
            n.Text(3, output);
            n.Text(4, type);
            foreach (byte[] attribute in attributes) n.Message(5, attribute);
        }));
        return output;
    }

    /// <summary>Adds an array of floats and returns its name.</summary>
    public string Weight(string name, IReadOnlyList<long> sizes, float[] values)
    {
        _weights.Add(Tensor(name, sizes, Float, MemoryMarshal.AsBytes(values.AsSpan())));
        return name;
    }

    /// <summary>A whole number as an array of one; one of each name is kept.</summary>
    public string Constant(string name, long value) => Constant<long>(name, Int64, value);

    /// <summary>An array of a type of <see cref="Float"/> and so on; one of each name is kept.</summary>
    public string Constant<T>(string name, int type, params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        if (_constants.Add(name)) _weights.Add(Tensor(name, [values.Length], type, MemoryMarshal.AsBytes(values)));
        return name;
    }

    /// <summary>A whole number that is no array; one of each name is kept.</summary>
    public string Scalar(string name, long value)
    {
        if (_constants.Add(name)) _weights.Add(Tensor(name, [], Int64, BitConverter.GetBytes(value)));
        return name;
    }

    /// <summary>The graph as a message.</summary>
    /// <param name="input">Its input, and <paramref name="output"/> its result, as <see cref="Value"/> makes them.</param>
    public byte[] Build(string name, byte[] input, byte[] output) => ProtocolMessage.Of(g =>
    {
        foreach (byte[] node in _nodes) g.Message(1, node);
        g.Text(2, name);
        foreach (byte[] weight in _weights) g.Message(5, weight);
        g.Message(11, input);
        g.Message(12, output);
    });

    /// <summary>An input or a result of a graph.</summary>
    /// <param name="type">Such as <see cref="Float"/>.</param>
    /// <param name="sizes">Numbers, and names of those that are open.</param>
    public static byte[] Value(string name, int type, IEnumerable<string> sizes)
    {
        byte[] shape = ProtocolMessage.Of(s =>
        {
            foreach (string size in sizes)
            {
                s.Message(1, ProtocolMessage.Of(d =>
                {
                    if (long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long number)) d.Int(1, number);
                    else d.Text(2, size);
                }));
            }
        });
        byte[] tensor = ProtocolMessage.Of(t =>
        {
            t.Int(1, type);
            t.Message(2, shape);
        });
        return ProtocolMessage.Of(v =>
        {
            v.Text(1, name);
            v.Message(2, ProtocolMessage.Of(t => t.Message(1, tensor)));
        });
    }

    public static byte[] Attribute(string name, long value) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        a.Int(3, value);
        a.Int(20, IntAttribute);
    });

    public static byte[] Attribute(string name, long[] values) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        foreach (long value in values) a.Int(8, value);
        a.Int(20, IntsAttribute);
    });

    public static byte[] AttributeOf(string name, float value) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        a.Float(2, value);
        a.Int(20, FloatAttribute);
    });

    private static byte[] Tensor(string name, IReadOnlyList<long> sizes, int type, ReadOnlySpan<byte> data)
    {
        byte[] raw = data.ToArray();
        return ProtocolMessage.Of(t =>
        {
            foreach (long size in sizes) t.Int(1, size);
            t.Int(2, type);
            t.Text(8, name);
            t.Message(9, raw);
        });
    }
}
