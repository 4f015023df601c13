using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>A linear layer without bias over channels of 1×1: y[o] = Σ w[o, i] · x[i].</summary>
public sealed record LinearOp(int Inputs, int Outputs) : GraphOp
{
    public override ImmutableArray<OpTensor> Tensors => [Weight];

    private OpTensor Weight => new("weight", [Outputs, Inputs], IsTrained: true);

    public override string PytorchModule => $"nn.Linear({Inputs}, {Outputs}, bias=False)";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) =>
        Only(inputs) == new FeatureShape(Inputs, 1, 1)
            ? new FeatureShape(Outputs, 1, 1)
            : throw new ArgumentException($"{inputs[0]} goes into a linear layer of {Inputs}.");

    public override long MultiplyAddsOf(ReadOnlySpan<FeatureShape> inputs) => Weight.Count;

    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        graph.Node(
            "Gemm", [inputs[0], graph.Weight($"{name}.{Weight.Name}", Weight.Sizes, values(Weight))], output,
            OnnxGraph.Attribute("transB", 1));

    internal override object NewState(string name, ParameterGroup group) =>
        group.Add($"{name}.{Weight.Name}", new Shape(1, 1, Inputs, Outputs), decays: true);

    internal override IEnumerable<Tensor> ArraysOf(object state) => [((Parameter)state).Value];

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        PointwiseConvolution.Forward(pass, inputs[0], (Parameter)state!);
}
