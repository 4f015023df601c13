using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// What running statistics come to in inference, of all batch norms of a path by one launch. A pass without a plan folds them anew, so that
/// they follow whatever the layers hold; a plan is brought what was folded before. Kernel: batch_norm_fold.
/// </summary>
internal sealed class FoldedBatchNorms : IDisposable
{
    // Of the kernel's table; and channels of a block.
    private const int NumbersPerLayer = 5, ChannelsPerBlock = 256;

    private readonly Session _session;
    // Of its own: what is kept from pass to pass is none of the session's tensors.
    private readonly BufferPool _pool;
    private readonly Dictionary<BatchNormLayer, int> _firstChannels = [];
    private ulong[] _numbers = [];
    private DeviceArray<ulong>? _table;
    private Tensor? _folded;

    private FoldedBatchNorms(Session session) => (_session, _pool) = (session, new BufferPool(session.Device, session.Stream));

    /// <summary>
    /// Folds <paramref name="layers"/> for a pass that is about to begin; their values are kept until what is returned is disposed of.
    /// </summary>
    public static Values Begin(Session session, IEnumerable<BatchNormLayer> layers)
    {
        FoldedBatchNorms all = Of(session);
        if (all._folded != null) throw new InvalidOperationException("The session is in the middle of a pass.");
        all.Fold([.. layers]);
        return new Values(all);
    }

    /// <summary>[2, 1, 1, C], scale and shift of each channel: a view where the pass has folded the layer, else made now.</summary>
    public static Tensor Get(Session session, BatchNormLayer layer)
    {
        FoldedBatchNorms all = Of(session);
        if (all._folded != null && all._firstChannels.ContainsKey(layer)) return all.View(layer);
        if (all._folded != null) throw new InvalidOperationException($"{layer.Name} is not one of the pass's layers.");
        all.Fold([layer]);
        using var values = new Values(all);
        return all.View(layer);
    }

    /// <summary>Folds layers with statistics that lie elsewhere than in them.</summary>
    /// <param name="layers">With where their running means and variances lie.</param>
    /// <returns>Scale and shift of each layer's channels, layer after layer; for the caller to dispose of.</returns>
    public static Tensor Fold(Session session, IReadOnlyList<(BatchNormLayer Layer, ulong Mean, ulong Variance)> layers)
    {
        (ulong[] numbers, int channels) = NumbersOf(layers);
        using var table = new DeviceArray<ulong>(session.Pool, numbers.Length);
        Upload(session, table, numbers);
        return Launch(session, table, layers.Count, channels);
    }

    public void Dispose()
    {
        _table?.Dispose();
        _pool.Dispose();
    }

    private static FoldedBatchNorms Of(Session session) => session.Attachment(s => new FoldedBatchNorms(s));

    private Tensor View(BatchNormLayer layer) =>
        _folded!.Value.View(new Shape(2, 1, 1, layer.Channels), 2L * _firstChannels[layer]);

    private void Fold(BatchNormLayer[] layers)
    {
        (ulong[] numbers, int channels) =
            NumbersOf([.. layers.Select(layer => (layer, layer.RunningMean.Address, layer.RunningVariance.Address))]);
        _firstChannels.Clear();
        for (int i = 0; i < layers.Length; i++) _firstChannels.Add(layers[i], (int)numbers[i * NumbersPerLayer]);
        _folded = Launch(_session, TableOf(numbers), layers.Length, channels);
    }

    // The kernel's table, and how many channels all layers have.
    private static (ulong[] Numbers, int Channels) NumbersOf(
        IReadOnlyList<(BatchNormLayer Layer, ulong Mean, ulong Variance)> layers)
    {
        ulong[] numbers = new ulong[layers.Count * NumbersPerLayer];
        int channels = 0;
        foreach ((int i, (BatchNormLayer layer, ulong mean, ulong variance)) in layers.Index())
        {
            ReadOnlySpan<ulong> row =
                [(ulong)channels, mean, variance, layer.Gamma?.Value.Address ?? 0, layer.Beta?.Value.Address ?? 0];
            row.CopyTo(numbers.AsSpan(i * NumbersPerLayer));
            channels += layer.Channels;
        }
        return (numbers, channels);
    }

    private static Tensor Launch(Session session, DeviceArray<ulong> table, int layers, int channels)
    {
        Tensor folded = session.Rent(Shape.Vector(2 * channels));
        session.Grid(Partition.OfRows(channels, ChannelsPerBlock).Blocks).BatchNormFold(
            folded, table, layers, channels, BatchNormLayer.Epsilon, ChannelsPerBlock);
        return folded;
    }

    private DeviceArray<ulong> TableOf(ulong[] numbers)
    {
        // A plan has one of its own.
        if (_session.Recording is { } recording)
        {
            var planned = new DeviceArray<ulong>(_pool, numbers.Length);
            recording.Keep(planned);
            return Upload(_session, planned, numbers);
        }
        // A path's table stays as it is from batch to batch.
        if (numbers.AsSpan().SequenceEqual(_numbers)) return _table!;
        if (_table?.Length != numbers.Length)
        {
            _table?.Dispose();
            _table = new DeviceArray<ulong>(_pool, numbers.Length);
        }
        // Until the copy has run, the device does not have them.
        _numbers = [];
        Upload(_session, _table, numbers);
        _numbers = numbers;
        return _table;
    }

    private static DeviceArray<ulong> Upload(Session session, DeviceArray<ulong> table, ulong[] numbers)
    {
        table.Upload(session.Stream, numbers);
        session.Stream.Synchronize();
        return table;
    }

    /// <summary>What layers were folded to, for a forward pass.</summary>
    internal sealed class Values(FoldedBatchNorms all) : IDisposable
    {
        /// <summary>Where they lie.</summary>
        public ulong Address => all._folded!.Value.Address;

        /// <summary>How many channels come before a layer's; each has a scale and a shift.</summary>
        public int ChannelsBefore(BatchNormLayer layer) => all._firstChannels[layer];

        public void Dispose()
        {
            all._folded?.Dispose();
            all._folded = null;
        }
    }
}
