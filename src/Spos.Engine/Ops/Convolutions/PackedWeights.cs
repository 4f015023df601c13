using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// Weights of pointwise convolutions as inference's products read them. On a CPU they are packed, those of a pass before it begins; on a
/// GPU they are read as they are. Kernel: pointwise_pack.
/// </summary>
internal sealed class PackedWeights : IDisposable
{
    // The kernel fills columns up to a multiple of that.
    private const int ColumnsAtOnce = 16;

    // Of a launch, for threads to share.
    private const int Blocks = 16;

    private Values? _pass;

    private PackedWeights()
    {
    }

    /// <summary>Packs the weights of a pass that is about to begin; they are kept until what is returned is disposed of.</summary>
    /// <returns>Nulls where <see cref="Pack"/> makes none.</returns>
    public static (IDisposable? Pass, Values? Values) Begin(Session session, IEnumerable<Tensor> weights)
    {
        PackedWeights all = Of(session);
        if (all._pass != null) throw new InvalidOperationException("The session is in the middle of a pass.");
        all._pass = Pack(session, weights);
        return (all._pass == null ? null : new Pass(all), all._pass);
    }

    /// <summary>A convolution's weight [1, 1, in, out] as products read it: what the pass has packed, else packed now.</summary>
    /// <param name="type">Of the activations.</param>
    /// <returns>For the caller to dispose of.</returns>
    public static Tensor Get(Session session, Tensor weight, ElementType type)
    {
        if (!session.Device.BlocksAreThreads) return weight.Retain();
        if (Of(session)._pass is { } pass) return pass.View(weight);
        using var one = new Values(session, [weight], type);
        return one.View(weight);
    }

    /// <summary>
    /// Packs weights for passes to come, for the caller to dispose of; null where they are read as they are: on a GPU, and by other plans
    /// than the fused one.
    /// </summary>
    /// <param name="weights">Each [1, 1, in, out].</param>
    public static Values? Pack(Session session, IEnumerable<Tensor> weights) =>
        session.Device.BlocksAreThreads && ConvolutionPlanner.Of(session).Plan == ConvolutionPlan.Fused
            ? new Values(session, weights, session.ActivationType)
            : null;

    public void Dispose() => _pass?.Dispose();

    private static PackedWeights Of(Session session) => session.Attachment(_ => new PackedWeights());

    private static long CountOf(Tensor weight) =>
        (long)weight.Shape.W * Partition.Ceiling(weight.Shape.C, ColumnsAtOnce) * ColumnsAtOnce;

    /// <summary>Packed weights, one after the other.</summary>
    internal sealed class Values : IDisposable
    {
        private readonly Dictionary<ulong, long> _before = [];
        private readonly Tensor _packed;

        public Values(Session session, IEnumerable<Tensor> weights, ElementType type)
        {
            var different = new List<Tensor>();
            long count = 0;
            foreach (Tensor weight in weights)
            {
                if (!_before.TryAdd(weight.Address, count)) continue;
                different.Add(weight);
                count += CountOf(weight);
            }
            _packed = session.Rent(Shape.Vector(checked((int)count)));
            foreach (Tensor weight in different)
            {
                session.Grid(Blocks).PointwisePack(
                    _packed.From(_before[weight.Address]), weight, weight.Shape.W, weight.Shape.C, type == ElementType.BFloat16);
            }
        }

        /// <summary>Where they lie.</summary>
        public ulong Address => _packed.Address;

        /// <summary>How many bytes come before a weight's.</summary>
        public ulong BytesBefore(Tensor weight) => _before.TryGetValue(weight.Address, out long count)
            ? (ulong)count * sizeof(float)
            : throw new InvalidOperationException("The weight is none of the pass's.");

        public Tensor View(Tensor weight) =>
            _packed.View(Shape.Vector((int)CountOf(weight)), (long)BytesBefore(weight) / sizeof(float));

        public void Dispose() => _packed.Dispose();
    }

    private sealed class Pass(PackedWeights all) : IDisposable
    {
        public void Dispose()
        {
            all._pass?.Dispose();
            all._pass = null;
        }
    }
}
