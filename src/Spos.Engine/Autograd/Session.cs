using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Tensors;

namespace Spos.Engine.Autograd;

/// <summary>Where ops run: a stream and its memory.</summary>
public sealed class Session : IDisposable
{
    private readonly Dictionary<Type, IDisposable> _attachments = [];

    public Session(Device device)
    {
        Device = device;
        Stream = new DeviceStream(device);
        Pool = new BufferPool(device, Stream);
    }

    public Device Device { get; }

    public DeviceStream Stream { get; }

    public BufferPool Pool { get; }

    /// <summary>running = (1 - momentum) * running + momentum * batch.</summary>
    public float BatchNormMomentum { get; set; } = 0.1f;

    /// <summary>What the fused plan computes in; plans are made for one.</summary>
    /// <exception cref="LimitException">The device cannot.</exception>
    public Precision Precision
    {
        get;
        set
        {
            Require(value, Device);
            field = value;
        }
    }

    /// <summary>What the blocks of a network hand on.</summary>
    public ElementType ActivationType => Precision == Precision.Bf16 ? ElementType.BFloat16 : ElementType.Float32;

    /// <summary>Refuses a precision that a device cannot compute in.</summary>
    /// <exception cref="LimitException">It is a GPU without tensor cores for bf16.</exception>
    public static void Require(Precision precision, Device device)
    {
        if (precision == Precision.Fp32 || device.MultipliesBf16) return;
        throw new LimitException(
            $"--precision bf16: {device.Id} ({device.Name}, {device.Architecture}) has no tensor cores that multiply bf16, which GPUs have "
            + "from compute capability 8.0 (sm_80) on. Use --precision fp32.");
    }

    /// <summary>Processors of the device that work on what is launched: all, but where each of them has images of its own.</summary>
    internal int Processors => UsesOneProcessor ? 1 : Device.Multiprocessors;

    /// <summary>See <see cref="Processors"/>.</summary>
    internal bool UsesOneProcessor { get; set; }

    /// <summary>What a higher layer keeps with the session: one of its type, made when first asked for, disposed of with it.</summary>
    internal T Attachment<T>(Func<Session, T> make)
        where T : class, IDisposable
    {
        if (!_attachments.TryGetValue(typeof(T), out IDisposable? attachment)) _attachments[typeof(T)] = attachment = make(this);
        return (T)attachment;
    }

    /// <summary>While a plan is made: who notes what is rented and launched. Else null, and ops work on the device.</summary>
    internal IRecording? Recording
    {
        get => Stream.Recording;
        set => Stream.Recording = Pool.Recording = value;
    }

    /// <summary>While a graph is captured: collects what ops do on the host, to be done at each launch of the graph. Else null.</summary>
    internal List<Action>? HostEffects { get; set; }

    /// <summary>Does what an op does on the host, each time that the op's launches are issued.</summary>
    internal void OnHost(Action effect)
    {
        if (HostEffects != null) HostEffects.Add(effect);
        else effect();
    }

    /// <summary>Calls a library that works on the session's stream.</summary>
    /// <param name="addresses">Of what it works on.</param>
    /// <param name="call">Is given them, as they are when the work is issued.</param>
    internal void Call(ReadOnlySpan<ulong> addresses, LibraryCall call)
    {
        if (Recording is { } recording)
        {
            recording.Call(addresses, call);
            return;
        }
        Device.MakeCurrent();
        call(addresses);
    }

    /// <summary>A tensor with arbitrary contents.</summary>
    public Tensor Rent(Shape shape, ElementType type = ElementType.Float32) =>
        new(Pool.Rent(shape.Count * type.Size), shape, type: type);

    /// <summary>Blocks on the session's stream, for a kernel's launch.</summary>
    public LaunchGrid Grid(int x, int y = 1) => LaunchGrid.Of(Stream, x, y);

    /// <summary>The same for a kernel that works on slices of rows.</summary>
    internal LaunchGrid Slices(Partition slices, int channels) => LaunchGrid.OfSlices(Stream, slices.Blocks, channels);

    public void Dispose()
    {
        CudaResult end = Stream.Drain();
        foreach (IDisposable attachment in _attachments.Values) attachment.Dispose();
        Pool.Dispose();
        Stream.Dispose();
        // A failure that nobody was told of is thrown here. One that was thrown before may be on its way: it is not thrown in its place.
        if (!Device.Driver.HasToldLoss) Device.Driver.Check(end, "cuStreamSynchronize");
    }
}
