using System.Numerics;
using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Training;

/// <summary>
/// Adds up what the shards of a batch leave in a network: the gradients of the step's parameters and the running statistics of its batch
/// norms, both as the mean over shards. Each shard begins with the statistics that the step began with. The sums are taken by the tree of
/// <see cref="ShardRange"/>, depth first, so that memory is for one sum a level and not for one a shard. Kernels: add_in_place,
/// moving_average.
/// </summary>
internal sealed class ShardSum
{
    private readonly Session _session;
    private readonly int _shards;
    private readonly ParameterGroup[] _groups;
    private readonly BatchNormLayer[] _layers;
    private readonly long[] _tracked;
    private readonly Shape _all, _statistics;
    private readonly Tensor _before;

    /// <param name="paths">Those of the step.</param>
    public ShardSum(Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, int shards)
    {
        (_session, _shards) = (session, shards);
        _groups = [.. paths.SelectMany(network.GroupsOf).Distinct().Where(group => group.Length > 0)];
        _layers = [.. paths.SelectMany(path => network.BatchNormsOf(path)).Distinct()];
        _tracked = [.. _layers.Select(layer => layer.BatchesTracked)];
        _statistics = Shape.Vector(_layers.Sum(layer => 2 * layer.Channels));
        _all = Shape.Vector(checked((int)(_groups.Sum(group => group.Length) + _statistics.Count)));
        _before = session.Rent(_statistics);
        CopyStatistics(_before, 0, comesBack: false);
    }

    /// <summary>Bytes of the device that it takes at most; none where a batch is not divided.</summary>
    /// <param name="received">Sums that come from other processes besides.</param>
    public static long BytesOf(
        Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, int shards, int received = 0)
    {
        if (shards == 1) return 0;
        long statistics = paths.SelectMany(path => network.BatchNormsOf(path)).Distinct().Sum(layer => 2L * layer.Channels);
        long all = paths.SelectMany(network.GroupsOf).Distinct().Sum(group => group.Length) + statistics;
        int sums = 1 + BitOperations.Log2((uint)(shards - 1)) + 1 + received;
        return sums * session.Pool.SizeFor(all * sizeof(float)) + 2 * session.Pool.SizeFor(statistics * sizeof(float));
    }

    /// <summary>Adds up the shards of a range.</summary>
    /// <param name="makeGradients">Makes the gradients of a shard, given its number. It is called for one after the other.</param>
    /// <returns>Gradients and statistics one after the other, for the caller to dispose of.</returns>
    public Tensor Of(ShardRange range, Action<int> makeGradients)
    {
        if (!range.IsLeaf)
        {
            Tensor sum = Of(range.Left, makeGradients);
            using Tensor other = Of(range.Right, makeGradients);
            GradientTable.AddInPlace(_session, sum, other);
            return sum;
        }
        Rewind();
        makeGradients(range.First);
        Tensor values = _session.Rent(_all);
        CopyGradients(values, comesBack: false);
        CopyStatistics(values, _all.Count - _statistics.Count, comesBack: false);
        return values;
    }

    /// <summary>Leaves the mean of all shards in the network: its gradients are the sum, and their count says of how many.</summary>
    /// <param name="sum">That of all shards.</param>
    public void Put(Tensor sum)
    {
        CopyGradients(sum, comesBack: true);
        // A path that a graph has run is not counted.
        foreach (ParameterGroup group in _groups) group.GradientCount = Math.Max(1, group.GradientCount) * _shards;
        if (_layers.Length == 0) return;
        using Tensor mean = _session.Rent(_statistics), statistics = sum.View(_statistics, _all.Count - _statistics.Count);
        mean.Fill(_session.Stream, 0);
        WeightAverage.Move(_session, mean, statistics, 1f / _shards);
        CopyStatistics(mean, 0, comesBack: true);
    }

    /// <summary>The network is as it was before the step: its statistics, and without gradients.</summary>
    public void Rewind()
    {
        foreach (ParameterGroup group in _groups) group.ClearGradients();
        CopyStatistics(_before, 0, comesBack: true);
        for (int i = 0; i < _layers.Length; i++) _layers[i].BatchesTracked = _tracked[i];
    }

    /// <summary>The step is done.</summary>
    public void End() => _before.Dispose();

    private void CopyGradients(Tensor values, bool comesBack)
    {
        long offset = 0;
        foreach (ParameterGroup group in _groups) Copy(values, ref offset, group.Gradients, comesBack);
    }

    private void CopyStatistics(Tensor values, long offset, bool comesBack)
    {
        foreach (BatchNormLayer layer in _layers)
        {
            Copy(values, ref offset, layer.RunningMean, comesBack);
            Copy(values, ref offset, layer.RunningVariance, comesBack);
        }
    }

    private void Copy(Tensor values, ref long offset, Tensor own, bool comesBack)
    {
        using Tensor place = values.View(own.Shape, offset);
        if (comesBack) own.CopyFrom(_session.Stream, place);
        else place.CopyFrom(_session.Stream, own);
        offset += own.Shape.Count;
    }
}
