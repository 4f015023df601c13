using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Nn;

/// <summary>
/// The parameters that are always used together (the stem, one operation of one choice block, the classifier), in one
/// array each for values, gradients and momenta: an optimizer step of a group is a launch or two.
/// </summary>
public sealed class ParameterGroup : IDisposable
{
    private readonly List<Parameter> _parameters = [];
    private Tensor[] _arrays = [];

    /// <summary>In the order they were added.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>The leading floats of each array, to which weight decay applies; the rest are batch norm's.</summary>
    public long DecayedLength { get; private set; }

    /// <summary>Floats in each array.</summary>
    public long Length { get; private set; }

    public Tensor Values => _arrays[0];

    public Tensor Gradients => _arrays[1];

    public Tensor Momenta => _arrays[2];

    private bool HasMomenta => _arrays.Length > 2;

    /// <summary>Backward passes that have added to the gradients since the last optimizer step.</summary>
    public int GradientCount { get; set; }

    /// <summary>Whether the gradients hold sums to add to. They do for all parameters or for none, but in the middle of a pass.</summary>
    internal bool HasGradient
    {
        get => _parameters.Count > 0 && _parameters[0].HasGradient;
        set
        {
            foreach (Parameter parameter in _parameters) parameter.HasGradient = value;
        }
    }

    /// <summary>Declares a parameter; before <see cref="Allocate"/>.</summary>
    public Parameter Add(string name, Shape shape, bool decays)
    {
        var parameter = new Parameter(this, name, shape, decays);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Lays the declared parameters out, with zero momenta.</summary>
    public void Allocate(BufferPool pool, DeviceStream stream)
    {
        Measure();
        LayOut(Length == 0 ? [] : [.. Enumerable.Range(0, 3).Select(_ => NewArray(pool, stream, Length))]);
    }

    /// <summary>
    /// The same of parameters that are copies of another group's: without momenta, and with gradients where others have theirs too.
    /// </summary>
    /// <param name="gradients">At least <see cref="Length"/> floats, of one such group at a time; kept.</param>
    internal void AllocateWithoutMomenta(BufferPool pool, DeviceStream stream, Tensor gradients) =>
        LayOut(Length == 0 ? [] : [NewArray(pool, stream, Length), gradients.View(Shape.Vector((int)Length))]);

    /// <summary>Counts the declared parameters.</summary>
    /// <returns><see cref="Length"/>.</returns>
    internal long Measure()
    {
        DecayedLength = _parameters.Where(p => p.Decays).Sum(Padded);
        return Length = _parameters.Sum(Padded);
    }

    /// <summary>An array of floats, all 0.</summary>
    internal static Tensor NewArray(BufferPool pool, DeviceStream stream, long length)
    {
        var array = new Tensor(pool.Rent(length * sizeof(float)), Shape.Vector(checked((int)length)));
        array.Fill(stream, 0);
        return array;
    }

    // Each starts on a cache line.
    private static long Padded(Parameter parameter)
    {
        const int line = 16;
        return (parameter.Shape.Count + line - 1) / line * line;
    }

    private void LayOut(Tensor[] arrays)
    {
        _arrays = arrays;
        if (Length == 0) return;
        long decayed = 0, other = DecayedLength;
        foreach (Parameter parameter in _parameters)
        {
            long offset = parameter.Decays ? decayed : other;
            if (parameter.Decays) decayed += Padded(parameter);
            else other += Padded(parameter);
            parameter.Value = Values.View(parameter.Shape, offset);
            parameter.Gradient = Gradients.View(parameter.Shape, offset);
            if (HasMomenta) parameter.Momentum = Momenta.View(parameter.Shape, offset);
        }
    }

    /// <summary>Forgets the gradients: the next backward writes over them.</summary>
    public void ClearGradients()
    {
        HasGradient = false;
        GradientCount = 0;
    }

    public void Dispose()
    {
        foreach (Parameter parameter in _parameters)
        {
            parameter.Value.Dispose();
            parameter.Gradient.Dispose();
            if (HasMomenta) parameter.Momentum.Dispose();
        }
        foreach (Tensor array in _arrays) array.Dispose();
        _arrays = [];
    }
}
