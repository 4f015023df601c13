using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Autograd;

/// <summary>How batch norm finds its statistics.</summary>
public enum BatchNormMode
{
    /// <summary>From the batch; running statistics follow with <see cref="Session.BatchNormMomentum"/>.</summary>
    Batch,

    /// <summary>Running statistics, which stay as they are.</summary>
    Running,
}

/// <summary>A pass through ops: where they run, whether a backward pass follows, and how batch norm finds its statistics.</summary>
public sealed class Pass
{
    private Pass(Session session, Tape? tape, BatchNormMode batchNorm, bool drops = false) =>
        (Session, Tape, BatchNorm, Drops) = (session, tape, batchNorm, drops);

    public Session Session { get; }

    /// <summary>Ops record their backward here; null when no gradient is wanted, and then nothing is kept.</summary>
    public Tape? Tape { get; }

    public BatchNormMode BatchNorm { get; }

    /// <summary>Whether dropout drops.</summary>
    public bool Drops { get; }

    internal Device Device => Session.Device;

    /// <summary>By the batch's statistics, for gradients.</summary>
    public static Pass Training(Session session, Tape tape, bool drops = true) => new(session, tape, BatchNormMode.Batch, drops);

    /// <summary>By the batch's statistics, which running ones follow; no gradient is wanted.</summary>
    public static Pass Recalibration(Session session) => new(session, null, BatchNormMode.Batch);

    /// <summary>By running statistics.</summary>
    public static Pass Inference(Session session) => new(session, null, BatchNormMode.Running);

    /// <summary>A tensor with arbitrary contents.</summary>
    public Tensor Rent(Shape shape, ElementType type = ElementType.Float32) => Session.Rent(shape, type);

    /// <summary>Blocks on the session's stream, for a kernel's launch.</summary>
    public LaunchGrid Grid(int x, int y = 1) => Session.Grid(x, y);

    /// <summary>The same for a kernel that works on slices of rows.</summary>
    internal LaunchGrid Slices(Partition slices, int channels) => Session.Slices(slices, channels);
}
