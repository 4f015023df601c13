using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes single paths as ONNX graphs (github.com/onnx/onnx, onnx.proto and Operators.md): input "images" [batch, 3, S, S],
/// output "logits" [batch, classes], the batch's size open.
/// </summary>
public static class OnnxWriter
{
    private const int IrVersion = 8, OpsetVersion = 17;

    /// <summary>Writes a graph, whole or not at all.</summary>
    /// <param name="record">What the file says of the network, as metadata_props; null for nothing.</param>
    /// <param name="keepBatchNorm">Whether batch norm stays a node; else it is folded into the convolutions' weights.</param>
    /// <exception cref="ArgumentException">The network is a supernet.</exception>
    public static void Save(string path, Session session, ShuffleNetV2OneShot network, bool keepBatchNorm, ExportRecord? record = null)
    {
        if (network.Path == null) throw new ArgumentException("Only a single path can be a graph.");
        var graph = new Graph(session, network, keepBatchNorm);
        byte[] model = ProtocolMessage.Of(m =>
        {
            m.Int(1, IrVersion);
            m.Text(2, "Spos");
            m.Message(7, graph.Build());
            m.Message(8, ProtocolMessage.Of(o => o.Int(2, OpsetVersion)));
            foreach ((string name, string value) in record?.ToMetadata() ?? new Dictionary<string, string>())
            {
                m.Message(14, ProtocolMessage.Of(p =>
                {
                    p.Text(1, name);
                    p.Text(2, value);
                }));
            }
        });
        AtomicFile.Write(path, stream => stream.Write(model));
    }

    private sealed class Graph(Session session, ShuffleNetV2OneShot network, bool keepBatchNorm)
    {
        private readonly Dictionary<string, OfficialTensor> _tensors = OfficialTensors.Of(network).ToDictionary(t => t.Name);
        private readonly List<byte[]> _nodes = [];
        private readonly List<byte[]> _weights = [];
        private int _values;

        public byte[] Build()
        {
            string x = Unit(network.Units.First(), "images");
            for (int block = 0; block < network.Spec.Blocks; block++) x = Block(network.OperationAt(block, (Choice)network.Path!.Blocks[block]), x);
            x = Unit(network.Units.Last(), x);
            x = Node("GlobalAveragePool", [x]);
            x = Node("Flatten", [x]);
            OfficialTensor linear = _tensors[network.Classifier.Name];
            _nodes.Add(NodeMessage("Gemm", [x, Weight(linear.Name, linear.Sizes, Values(linear))], "logits", Attribute("transB", 1)));
            NetworkSpec spec = network.Spec;
            return ProtocolMessage.Of(g =>
            {
                foreach (byte[] node in _nodes) g.Message(1, node);
                g.Text(2, "ShuffleNetV2OneShot");
                foreach (byte[] weight in _weights) g.Message(5, weight);
                g.Message(11, Value("images", 3, spec.ImageSize, spec.ImageSize));
                g.Message(12, Value("logits", spec.Classes));
            });
        }

        private string Block(Operation operation, string x)
        {
            string passed, main;
            if (operation.Block.Stride == 1)
            {
                // Channel shuffle: even channels pass, odd ones go through.
                passed = EverySecondChannel(x, 0);
                main = Branch(operation.Main, EverySecondChannel(x, 1));
            }
            else
            {
                passed = Branch(operation.Projection, x);
                main = Branch(operation.Main, x);
            }
            return Node("Concat", [passed, main], Attribute("axis", 1));
        }

        private string Branch(IReadOnlyList<ConvolutionUnit> units, string x) => units.Aggregate(x, (value, unit) => Unit(unit, value));

        private string Unit(ConvolutionUnit unit, string x)
        {
            OfficialTensor weight = _tensors[unit.Weight.Name];
            BatchNormLayer layer = unit.BatchNorm;
            float[] Vector(string part, float otherwise) => _tensors.TryGetValue($"{layer.Name}.{part}", out OfficialTensor? tensor) ? Values(tensor) : [.. Enumerable.Repeat(otherwise, layer.Channels)];
            float[] values = Values(weight), gamma = Vector("weight", 1), beta = Vector("bias", 0), mean = Vector("running_mean", 0), variance = Vector("running_var", 1);
            int kernel = unit.Spec.Kernel, stride = unit.Spec.Stride;
            byte[][] attributes =
            [
                Attribute("kernel_shape", [kernel, kernel]), Attribute("strides", [stride, stride]),
                Attribute("pads", [kernel / 2, kernel / 2, kernel / 2, kernel / 2]),
                Attribute("group", unit.Spec.Kind == Ops.Convolutions.ConvolutionKind.Depthwise ? unit.Spec.Input : 1),
            ];
            string y;
            long[] vector = [layer.Channels];
            if (keepBatchNorm)
            {
                y = Node("Conv", [x, Weight(weight.Name, weight.Sizes, values)], attributes);
                string Part(string name, float[] part) => Weight($"{layer.Name}.{name}", vector, part);
                y = Node("BatchNormalization", [y, Part("weight", gamma), Part("bias", beta), Part("running_mean", mean), Part("running_var", variance)], AttributeOf("epsilon", BatchNormLayer.Epsilon));
            }
            else
            {
                float[] bias = new float[layer.Channels];
                int perOutput = values.Length / layer.Channels;
                for (int c = 0; c < layer.Channels; c++)
                {
                    double scale = gamma[c] / Math.Sqrt(variance[c] + (double)BatchNormLayer.Epsilon);
                    for (int k = 0; k < perOutput; k++) values[c * perOutput + k] = (float)(values[c * perOutput + k] * scale);
                    bias[c] = (float)(beta[c] - mean[c] * scale);
                }
                y = Node("Conv", [x, Weight(weight.Name, weight.Sizes, values), Weight($"{layer.Name}.folded", vector, bias)], attributes);
            }
            return unit.Spec.Rectify ? Node("Relu", [y]) : y;
        }

        private string EverySecondChannel(string x, int first) =>
            Node("Slice", [x, Constant($"from{first}", first), Constant("end", int.MaxValue), Constant("channels", 1), Constant("two", 2)]);

        private string Constant(string name, long value)
        {
            string full = $"slice.{name}";
            if (_constants.Add(full)) _weights.Add(TensorMessage(full, [1], Int64, BitConverter.GetBytes(value)));
            return full;
        }

        private readonly HashSet<string> _constants = [];

        private float[] Values(OfficialTensor tensor) => tensor.ToTorch(tensor.Tensor.Download(session.Stream));

        private string Weight(string name, long[] sizes, float[] values)
        {
            _weights.Add(TensorMessage(name, sizes, Float, MemoryMarshal.AsBytes(values.AsSpan())));
            return name;
        }

        private string Node(string type, string[] inputs, params byte[][] attributes)
        {
            string output = $"value{_values++}";
            _nodes.Add(NodeMessage(type, inputs, output, attributes));
            return output;
        }
    }

    // ---- onnx.proto's messages, by their field numbers
    private const int Float = 1, Int64 = 7;
    private const int FloatAttribute = 1, IntAttribute = 2, IntsAttribute = 7;

    private static byte[] NodeMessage(string type, string[] inputs, string output, params byte[][] attributes) => ProtocolMessage.Of(n =>
    {
        foreach (string input in inputs) n.Text(1, input);
        n.Text(2, output);
        n.Text(3, output);
        n.Text(4, type);
        foreach (byte[] attribute in attributes) n.Message(5, attribute);
    });

    private static byte[] Attribute(string name, long value) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        a.Int(3, value);
        a.Int(20, IntAttribute);
    });

    private static byte[] Attribute(string name, long[] values) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        foreach (long value in values) a.Int(8, value);
        a.Int(20, IntsAttribute);
    });

    private static byte[] AttributeOf(string name, float value) => ProtocolMessage.Of(a =>
    {
        a.Text(1, name);
        a.Float(2, value);
        a.Int(20, FloatAttribute);
    });

    private static byte[] TensorMessage(string name, long[] sizes, int type, ReadOnlySpan<byte> data)
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

    // A value of floats [batch, sizes].
    private static byte[] Value(string name, params long[] sizes)
    {
        byte[] shape = ProtocolMessage.Of(s =>
        {
            s.Message(1, ProtocolMessage.Of(d => d.Text(2, "batch")));
            foreach (long size in sizes) s.Message(1, ProtocolMessage.Of(d => d.Int(1, size)));
        });
        byte[] tensor = ProtocolMessage.Of(t =>
        {
            t.Int(1, Float);
            t.Message(2, shape);
        });
        return ProtocolMessage.Of(v =>
        {
            v.Text(1, name);
            v.Message(2, ProtocolMessage.Of(t => t.Message(1, tensor)));
        });
    }
}
