using Spos.Engine.Autograd;
using Spos.Engine.Tensors;

namespace Spos.Engine.Nn;

/// <summary>
/// A trained array: its value, its gradient and its momentum. They are views of the arrays of its
/// <see cref="ParameterGroup"/>.
/// </summary>
public sealed class Parameter
{
    internal Parameter(ParameterGroup group, string name, Shape shape, bool decays)
    {
        Group = group;
        Name = name;
        Shape = shape;
        Decays = decays;
    }

    /// <summary>The name in the official checkpoints, such as "features.3.0.branch_main.0.weight".</summary>
    public string Name { get; }

    /// <summary>
    /// Convolutions lie as [kernel height, kernel width, in, out] (depthwise: in = 1), linear weights as [in, out], batch
    /// norm vectors as [C].
    /// </summary>
    public Shape Shape { get; }

    /// <summary>Whether weight decay applies: to convolution and linear weights only.</summary>
    public bool Decays { get; }

    public ParameterGroup Group { get; }

    public Tensor Value { get; internal set; }

    public Tensor Gradient { get; internal set; }

    public Tensor Momentum { get; internal set; }

    /// <summary>Whether <see cref="Gradient"/> holds a sum to add to; otherwise a backward writes over it.</summary>
    public bool HasGradient { get; set; }

    /// <summary>
    /// Whether the launch that follows adds to the gradient, by its parameter `accumulate`, or writes over it. The one after that adds.
    /// </summary>
    internal bool Accumulates(Session session)
    {
        session.Recording?.Vary("accumulate");
        bool adds = HasGradient;
        HasGradient = true;
        return adds;
    }
}
