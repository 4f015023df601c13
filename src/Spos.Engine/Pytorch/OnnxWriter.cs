using Spos.Engine.Autograd;
using Spos.Engine.Files;
using Spos.Engine.Graphs;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes single paths as ONNX graphs (github.com/onnx/onnx, onnx.proto and Operators.md): input "images" [batch, 3, S, S], or with
/// preprocessing "pictures" [batch, height, width, 3]; output "logits" [batch, classes], the batch's size open.
/// </summary>
public static class OnnxWriter
{
    private const int IrVersion = 8;

    /// <summary>Of ONNX's operators.</summary>
    internal const int OpsetVersion = 17;

    /// <summary>The names of the input, floats [batch, 3, S, S] that are preprocessed already, and of the output.</summary>
    public const string Images = "images", Logits = "logits";

    /// <summary>The name of the input of a graph that preprocesses pictures itself: bytes [batch, height, width, 3], red first.</summary>
    public const string Pictures = "pictures";

    /// <summary>The entry of metadata_props that names the input.</summary>
    public const string InputName = "input";

    /// <summary>Writes a graph, whole or not at all.</summary>
    /// <param name="record">What the file says of the network, as metadata_props; null for nothing.</param>
    /// <param name="keepBatchNorm">Whether batch norm stays a node; else it is folded into the convolutions' weights.</param>
    /// <param name="takesPictures">Whether the graph preprocesses pictures as the record says, which then must be there.</param>
    /// <exception cref="ArgumentException">The network is a supernet.</exception>
    public static void Save(
        string path, Session session, ShuffleNetV2OneShot network, bool keepBatchNorm, ExportRecord? record = null,
        bool takesPictures = false)
    {
        byte[] model = Bytes(session, network, keepBatchNorm, record, takesPictures);
        AtomicFile.Write(path, stream => stream.Write(model));
    }

    /// <summary>What <see cref="Save"/> writes.</summary>
    /// <inheritdoc cref="Save"/>
    public static byte[] Bytes(
        Session session, ShuffleNetV2OneShot network, bool keepBatchNorm, ExportRecord? record = null, bool takesPictures = false)
    {
        if (network.Path == null) throw new ArgumentException("Only a single path can be a graph.");
        if (takesPictures && record == null) throw new ArgumentException("Nobody says how pictures are preprocessed.");
        string input = takesPictures ? Pictures : Images;
        return ProtocolMessage.Of(m =>
        {
            m.Int(1, IrVersion);
            m.Text(2, "Spos");
            m.Message(7, GraphOf(session, network, keepBatchNorm, takesPictures ? record : null));
            m.Message(8, ProtocolMessage.Of(o => o.Int(2, OpsetVersion)));
            if (record == null) return;
            foreach ((string name, string value) in record.ToMetadata().Append(new(InputName, input)))
            {
                m.Message(14, ProtocolMessage.Of(p =>
                {
                    p.Text(1, name);
                    p.Text(2, value);
                }));
            }
        });
    }

    // With the preprocessing of the record; null for none.
    private static byte[] GraphOf(Session session, ShuffleNetV2OneShot network, bool keepBatchNorm, ExportRecord? preprocessing)
    {
        var tensors = OfficialTensors.Of(network).ToDictionary(t => t.Name);
        float[] Values(string name) => tensors[name].ToTorch(tensors[name].Tensor.Download(session.Stream));
        var onnx = new OnnxGraph();
        (string Prefix, Graph Graph)[] parts = [.. NetworkGraph.PartsOf(network.Spec, network.Path!)];
        NetworkSpec spec = network.Spec;
        string x = preprocessing == null ? Images : OnnxPreprocessing.Add(onnx, Pictures, preprocessing);
        foreach ((int index, (string prefix, Graph graph)) in parts.Index())
        {
            x = Add(onnx, graph, prefix, x, Values, keepBatchNorm, index == parts.Length - 1 ? Logits : null);
        }
        byte[] input = preprocessing == null
            ? OnnxGraph.Value(Images, OnnxGraph.Float, ["batch", "3", $"{spec.ImageSize}", $"{spec.ImageSize}"])
            : OnnxGraph.Value(Pictures, OnnxGraph.UInt8, ["batch", "height", "width", "3"]);
        return onnx.Build("ShuffleNetV2OneShot", input, OnnxGraph.Value(Logits, OnnxGraph.Float, ["batch", $"{spec.Classes}"]));
    }

    // Adds the nodes of a part and returns its result.
    private static string Add(
        OnnxGraph onnx, Graph graph, string prefix, string input, Func<string, float[]> values, bool keepBatchNorm, string? output)
    {
        string[] results = [input, .. new string[graph.Nodes.Length]];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            GraphNode node = graph.Nodes[i];
            string name = prefix + node.Name;
            string[] inputs = [.. node.Inputs.Select(value => results[value])];
            Func<OpTensor, float[]> Of(string owner) => tensor => values($"{owner}.{tensor.Name}");
            if (!keepBatchNorm && node.Op is ConvolutionOp convolution && NormAfter(graph, i) is { } norm)
            {
                string normName = prefix + norm.Name;
                (double[] scale, float[] shift) = ((BatchNormOp)norm.Op).Fold(Of(normName));
                // The batch norm's result is the convolution's now.
                results[i + 1] = results[i + 2] = convolution.ToOnnx(
                    onnx, name, normName, inputs, Of(name)(convolution.Tensors[0]), scale, shift);
                i++;
                continue;
            }
            results[i + 1] = node.Op.ToOnnx(onnx, name, inputs, Of(name), i == graph.Nodes.Length - 1 ? output : null);
        }
        return results[^1];
    }

    // The next node, if it is a batch norm of this one's result, which nobody else takes.
    private static GraphNode? NormAfter(Graph graph, int node)
    {
        if (node + 1 == graph.Nodes.Length || graph.Nodes[node + 1] is not { Op: BatchNormOp } next || next.Inputs[0] != node + 1)
        {
            return null;
        }
        return graph.Nodes.Count(other => other.Inputs.Contains(node + 1)) == 1 ? next : null;
    }
}
