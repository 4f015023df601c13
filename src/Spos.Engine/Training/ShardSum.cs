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
    private readonly BatchNormLayer[] _layers;
    private readonly long[] _tracked;
    private readonly Shape _all, _statistics;
    private readonly Tensor _before;

    /// <param name="paths">Those of the step.</param>
    public ShardSum(Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, int shards)
    {
        (_session, _shards) = (session, shards);
        _layers = [.. paths.SelectMany(path => network.BatchNormsOf(path)).Distinct()];
        _tracked = [.. _layers.Select(layer => layer.BatchesTracked)];
        _statistics = Shape.Vector(_layers.Sum(layer => 2 * layer.Channels));
        Sections = new GradientSections(network, paths, _statistics.Count);
        _all = Shape.Vector(checked((int)Sections.Length));
        _before = session.Rent(_statistics);
        CopyStatistics(_before, 0, comesBack: false);
    }

    /// <summary>What is added up, in the order in which the last shard leaves it.</summary>
    public GradientSections Sections { get; }

    /// <summary>Bytes of the device that it takes at most; none where a batch is not divided.</summary>
    /// <param name="received">Sums that come from other processes besides.</param>
    public static long BytesOf(
        Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, int shards, int received = 0)
    {
        if (shards == 1) return 0;
        long statistics = paths.SelectMany(path => network.BatchNormsOf(path)).Distinct().Sum(layer => 2L * layer.Channels);
        long all = new GradientSections(network, paths, statistics).Length;
        int sums = 1 + BitOperations.Log2((uint)(shards - 1)) + 1 + received;
        return sums * session.Pool.SizeFor(all * sizeof(float)) + 2 * session.Pool.SizeFor(statistics * sizeof(float));
    }

    /// <summary>Adds up the shards of nodes of the tree.</summary>
    /// <param name="makeGradients">
    /// Makes the gradients of a shard, given its number. It is called for one after the other. For the last one it is also given what it
    /// may call when a path is done with a group of parameters.
    /// </param>
    /// <param name="summed">
    /// Is given each section of the sums, by node, for it to dispose of, as soon as it is added up: during the last shard's work, if that
    /// tells what it is done with.
    /// </param>
    /// <returns>By node, gradients and statistics one after the other, for the caller to dispose of.</returns>
    public Tensor[] Of(
        IReadOnlyList<ShardRange> nodes, Action<int, Action<ParameterGroup>?> makeGradients, Action<Tensor[]>? summed = null)
    {
        Tensor[] before = [.. nodes.SkipLast(1).Select(node => Of(node, makeGradients))];
        // What the last shard is added to, the last addition first.
        var sums = new List<Tensor>();
        ShardRange rest = nodes[^1];
        for (; !rest.IsLeaf; rest = rest.Right) sums.Add(Of(rest.Left, makeGradients));
        sums.Add(_session.Rent(_all));
        var last = new LastShard(this, sums[^1], section =>
        {
            for (int i = sums.Count - 1; i > 0; i--)
            {
                using Tensor sum = PartOf(sums[i - 1], section), other = PartOf(sums[i], section);
                GradientTable.AddInPlace(_session, sum, other);
            }
            summed?.Invoke([.. before.Append(sums[0]).Select(sum => PartOf(sum, section))]);
        });
        Rewind();
        makeGradients(rest.First, last.Finish);
        last.End();
        foreach (Tensor sum in sums.Skip(1)) sum.Dispose();
        return [.. before, sums[0]];
    }

    /// <summary>Leaves the mean of all shards in the network: its gradients are the sum, and their count says of how many.</summary>
    /// <param name="sum">That of all shards.</param>
    public void Put(Tensor sum)
    {
        CopyGradients(sum, comesBack: true);
        // A path that a graph has run is not counted.
        foreach (ParameterGroup group in Sections.Groups) group.GradientCount = Math.Max(1, group.GradientCount) * _shards;
        if (_layers.Length == 0) return;
        using Tensor mean = _session.Rent(_statistics), statistics = sum.View(_statistics, Sections.Gradients);
        mean.Fill(_session.Stream, 0);
        WeightAverage.Move(_session, mean, statistics, 1f / _shards);
        CopyStatistics(mean, 0, comesBack: true);
    }

    /// <summary>The network is as it was before the step: its statistics, and without gradients.</summary>
    public void Rewind()
    {
        foreach (ParameterGroup group in Sections.Groups) group.ClearGradients();
        CopyStatistics(_before, 0, comesBack: true);
        for (int i = 0; i < _layers.Length; i++) _layers[i].BatchesTracked = _tracked[i];
    }

    /// <summary>The step is done.</summary>
    public void End() => _before.Dispose();

    private Tensor Of(ShardRange node, Action<int, Action<ParameterGroup>?> makeGradients)
    {
        if (!node.IsLeaf)
        {
            Tensor sum = Of(node.Left, makeGradients);
            using Tensor other = Of(node.Right, makeGradients);
            GradientTable.AddInPlace(_session, sum, other);
            return sum;
        }
        Rewind();
        makeGradients(node.First, null);
        Tensor values = _session.Rent(_all);
        CopyGradients(values, comesBack: false);
        CopyStatistics(values, Sections.Gradients, comesBack: false);
        return values;
    }

    private static Tensor PartOf(Tensor values, GradientSection section) =>
        values.View(Shape.Vector((int)(section.End - section.First)), section.First);

    private void CopyGradients(Tensor values, bool comesBack)
    {
        long offset = 0;
        foreach (ParameterGroup group in Sections.Groups) Copy(values, ref offset, group.Gradients, comesBack);
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

    // What the last shard leaves, as it comes: its gradients by and by, and its statistics at the end.
    private sealed class LastShard(ShardSum owner, Tensor values, Action<GradientSection> add)
    {
        private readonly GradientSections _sections = owner.Sections;
        private readonly Dictionary<ParameterGroup, int> _passes = new(owner.Sections.Passes);
        private int _groups, _added;
        private long _offset;

        /// <summary>A path is done with a group of parameters.</summary>
        public void Finish(ParameterGroup group)
        {
            // Some have no parameters.
            if (!_passes.ContainsKey(group) || --_passes[group] > 0) return;
            if (group != _sections.Groups[_groups]) throw new InvalidOperationException("Gradients are finished in another order.");
            Take();
        }

        /// <summary>All is done, also what was not told.</summary>
        public void End()
        {
            while (_groups < _sections.Groups.Length) Take();
            owner.CopyStatistics(values, _sections.Gradients, comesBack: false);
            add(_sections.All[^1]);
        }

        private void Take()
        {
            owner.Copy(values, ref _offset, _sections.Groups[_groups++].Gradients, comesBack: false);
            // What follows the gradients is not there yet.
            if (_groups == _sections.All[_added].EndGroup && _groups < _sections.Groups.Length) add(_sections.All[_added++]);
        }
    }
}
