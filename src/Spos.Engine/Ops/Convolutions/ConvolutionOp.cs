using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// A convolution of square kernels without bias, padded by half a kernel, so that only the stride changes the size: y[o] = Σ w[o, i, ky,
/// kx] · x[i], over the inputs of o's group. With one group it takes all inputs, with as many groups as inputs it is depthwise.
/// </summary>
public sealed record ConvolutionOp(int Inputs, int Outputs, int Kernel, int Stride, int Groups) : GraphOp
{
    public static ConvolutionOp Pointwise(int inputs, int outputs) => new(inputs, outputs, 1, 1, 1);

    public static ConvolutionOp Depthwise(int channels, int kernel, int stride) => new(channels, channels, kernel, stride, channels);

    public override ImmutableArray<OpTensor> Tensors => [Weight];

    private OpTensor Weight => new("weight", [Outputs, Inputs / Groups, Kernel, Kernel], IsTrained: true);

    public override string PytorchModule =>
        $"nn.Conv2d({Inputs}, {Outputs}, {Kernel}{(Stride > 1 ? $", stride={Stride}" : "")}{(Kernel > 1 ? $", padding={Kernel / 2}" : "")}"
        + $"{(Groups > 1 ? $", groups={Groups}" : "")}, bias=False)";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs)
    {
        FeatureShape x = Only(inputs);
        if (x.Channels != Inputs) throw new ArgumentException($"{x.Channels} channels go into a convolution of {Inputs}.");
        return new FeatureShape(Outputs, (x.Height - 1) / Stride + 1, (x.Width - 1) / Stride + 1);
    }

    public override long MultiplyAddsOf(ReadOnlySpan<FeatureShape> inputs)
    {
        FeatureShape y = OutputOf(inputs);
        return Weight.Count * y.Height * y.Width;
    }

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        Node(graph, [inputs[0], graph.Weight($"{name}.{Weight.Name}", Weight.Sizes, values(Weight))], output);

    /// <summary>As <see cref="GraphOp.ToOnnx"/>, with the batch norm after it in its weights: y = scale · (w ∗ x) + shift.</summary>
    /// <param name="norm">The batch norm's name, which the bias is called after.</param>
    internal string ToOnnx(
        OnnxGraph graph, string name, string norm, IReadOnlyList<string> inputs, float[] weight, double[] scale, float[] shift)
    {
        int perOutput = weight.Length / Outputs;
        float[] scaled = [.. weight.Select((w, i) => (float)(w * scale[i / perOutput]))];
        string kernel = graph.Weight($"{name}.{Weight.Name}", Weight.Sizes, scaled);
        return Node(graph, [inputs[0], kernel, graph.Weight($"{norm}.folded", [Outputs], shift)], null);
    }

    private string Node(OnnxGraph graph, IReadOnlyList<string> inputs, string? output)
    {
        int padding = Kernel / 2;
        return graph.Node(
            "Conv", inputs, output,
            OnnxGraph.Attribute("kernel_shape", [Kernel, Kernel]), OnnxGraph.Attribute("strides", [Stride, Stride]),
            OnnxGraph.Attribute("pads", [padding, padding, padding, padding]), OnnxGraph.Attribute("group", Groups));
    }

    // The number of groups alone does not tell the kind: a depthwise convolution of one channel has one group.
    internal ConvolutionKind Kind => this switch
    {
        { Kernel: 1, Stride: 1, Groups: 1 } => ConvolutionKind.Pointwise,
        { Kernel: 3 or 5 or 7, Stride: 1 or 2 } when Groups == Inputs && Outputs == Inputs => ConvolutionKind.Depthwise,
        { Inputs: 3, Kernel: 3, Stride: 2, Groups: 1 } => ConvolutionKind.Stem,
        _ => throw new NotSupportedException($"No kernel computes {PytorchModule}."),
    };

    /// <summary>The convolution of an input [N, H, W, any number of channels, of which it takes its own].</summary>
    internal ConvolutionShape ShapeOn(Shape input) => new(Kind, input.WithChannels(Inputs), Outputs, Kernel, Stride);

    /// <exception cref="NotSupportedException">No kernel computes it.</exception>
    internal override object NewState(string name, ParameterGroup group)
    {
        _ = Kind;
        return group.Add($"{name}.{Weight.Name}", new Shape(Kernel, Kernel, Inputs / Groups, Outputs), decays: true);
    }

    internal override IEnumerable<Tensor> ArraysOf(object state) => [((Parameter)state).Value];

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        Convolution.Forward(pass, ShapeOn(inputs[0].Shape), inputs[0], (Parameter)state!);
}
