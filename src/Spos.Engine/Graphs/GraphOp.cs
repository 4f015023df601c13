using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Graphs;

/// <summary>
/// What a node of a graph computes: the rule of its shape, its cost, the arrays that it has, its forms in ONNX and
/// in PyTorch, and how it is run.
/// </summary>
public abstract record GraphOp
{
    /// <summary>The shape of the result.</summary>
    /// <exception cref="ArgumentException">The inputs do not fit.</exception>
    public abstract FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs);

    /// <summary>Multiply-adds for one image, as the paper counts FLOPs: those of convolutions and linear layers.</summary>
    public virtual long MultiplyAddsOf(ReadOnlySpan<FeatureShape> inputs) => 0;

    /// <summary>The arrays of the op, in the order of PyTorch's state dict.</summary>
    public virtual ImmutableArray<OpTensor> Tensors => [];

    /// <summary>The module of torch.nn that computes it, as Python writes it; null where an expression does.</summary>
    public virtual string? PytorchModule => null;

    /// <summary>The Python expression of the result, where there is no module.</summary>
    /// <param name="inputs">The expressions of the inputs.</param>
    public virtual string PytorchExpression(IReadOnlyList<string> inputs) =>
        throw new NotSupportedException($"{GetType().Name} is a module in PyTorch.");

    /// <summary>Adds the op to an ONNX graph and returns the name of its result there.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="inputs">The names of the inputs in the graph.</param>
    /// <param name="values">The values of the node's tensors, in PyTorch's order.</param>
    /// <param name="output">The name that the result is to have, if it matters.</param>
    internal abstract string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null);

    /// <summary>What the op has of its own in a network: parameters, which it adds to a group, and statistics; null for none.</summary>
    /// <param name="name">The node's name in the network.</param>
    internal virtual object? NewState(string name, ParameterGroup group) => null;

    /// <summary>The device's arrays of what <see cref="NewState"/> has made, in the order of <see cref="Tensors"/>.</summary>
    internal virtual IEnumerable<Tensor> ArraysOf(object state) => [];

    /// <summary>Runs the op, and records its backward pass where the pass has a tape.</summary>
    /// <param name="inputs">Borrowed.</param>
    /// <param name="state">What <see cref="NewState"/> has made.</param>
    internal abstract Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state);

    /// <summary>A Python expression as what a larger one works on: in parentheses where it has an operator outside of any.</summary>
    protected static string Operand(string expression)
    {
        int depth = 0;
        foreach (char c in expression)
        {
            if (c is '(' or '[') depth++;
            else if (c is ')' or ']') depth--;
            else if (c == ' ' && depth == 0) return $"({expression})";
        }
        return expression;
    }

    /// <summary>The one input of an op that takes one.</summary>
    protected static FeatureShape Only(ReadOnlySpan<FeatureShape> inputs) =>
        inputs.Length == 1 ? inputs[0] : throw new ArgumentException($"{inputs.Length} inputs, where one is taken.");
}
