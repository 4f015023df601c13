using Spos.Engine.Tensors;

namespace Spos.Engine.Autograd;

/// <summary>
/// The backward of one op. It holds references to what it needs and to the op's outputs; disposing of it lets them go.
/// </summary>
public abstract class BackwardStep(params ReadOnlySpan<Tensor> outputs) : IDisposable
{
    private readonly List<Tensor> _held = [];

    /// <summary>What the gradients of the outputs are kept under.</summary>
    internal long[] Outputs { get; } = IdentitiesOf(outputs);

    /// <summary>
    /// Adds the gradients of the inputs to <paramref name="gradients"/>, given those of the outputs (in the order of the
    /// constructor). The op may write over them: no one else holds them.
    /// </summary>
    public abstract void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients);

    /// <summary>Keeps a reference until the step is disposed of.</summary>
    protected Tensor Hold(Tensor tensor)
    {
        Tensor held = tensor.Retain();
        _held.Add(held);
        return held;
    }

    /// <summary>Takes over a reference until the step is disposed of.</summary>
    protected Tensor Take(Tensor tensor)
    {
        _held.Add(tensor);
        return tensor;
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what is held.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (Tensor tensor in _held) tensor.Dispose();
        _held.Clear();
    }

    private static long[] IdentitiesOf(ReadOnlySpan<Tensor> tensors)
    {
        long[] identities = new long[tensors.Length];
        for (int i = 0; i < tensors.Length; i++) identities[i] = tensors[i].Identity;
        return identities;
    }
}
