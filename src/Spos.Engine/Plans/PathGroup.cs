using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// Paths that run together on batch after batch. What several of them begin with runs once: in order of their choices, each path goes on
/// where it leaves the one before. Each part of a path that runs has running statistics of its own, and not the network's: they depend on
/// the pictures and on the path up to there. A single path may go by the network's.
/// </summary>
public sealed class PathGroup : IDisposable
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly (Tensor Means, Tensor Variances)? _statistics;
    private Tensor? _folded;
    private PackedWeights.Values? _packed;

    /// <exception cref="ArgumentException">There is no path, or one has another length than the network.</exception>
    /// <exception cref="InvalidOperationException">The network does not have an alternative of a path.</exception>
    public PathGroup(Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths)
        : this(session, network, paths, out int channels)
    {
        TakeWeights();
        _statistics = (session.Rent(Shape.Vector(channels)), session.Rent(Shape.Vector(channels)));
        _statistics.Value.Means.Fill(session.Stream, 0);
        _statistics.Value.Variances.Fill(session.Stream, 1);
    }

    private PathGroup(Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, out int channels)
    {
        if (paths.Count == 0) throw new ArgumentException("A group has at least one path.", nameof(paths));
        (_session, _network) = (session, network);
        var legs = new List<Leg>();
        int all = 0;
        foreach ((int index, Architecture path) in paths.Index().OrderBy(p => p.Item, Architecture.ByChoices))
        {
            network.RequireLength(path);
            int from = legs.Count == 0 ? 0 : 1 + path.Blocks.AsSpan().CommonPrefixLength(legs[^1].Path.Blocks.AsSpan());
            var parts = new Part[network.PartsOfPath];
            for (int part = from; part < parts.Length; part++)
            {
                parts[part] = new Part(
                    [.. network.BatchNormsOf(path, part).Select(NormOf)], [.. network.PointwiseWeightsOf(path, part)]);
            }
            legs.Add(new Leg(index, path, from, parts));
        }
        (Legs, Paths, channels) = ([.. legs], paths.Count, all);

        Norm NormOf(BatchNormLayer layer)
        {
            var norm = new Norm(layer, all);
            all += layer.Channels;
            return norm;
        }
    }

    /// <summary>A path, ready for inference by the network's statistics as they are.</summary>
    /// <exception cref="ArgumentException">It has another length than the network.</exception>
    /// <exception cref="InvalidOperationException">The network does not have one of its alternatives.</exception>
    public static PathGroup Ready(Session session, ShuffleNetV2OneShot network, Architecture path)
    {
        var group = new PathGroup(session, network, [path], out _);
        try
        {
            group.Ready();
            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <summary>How many paths there are.</summary>
    public int Paths { get; }

    /// <summary>How many parts of paths run on a batch. Path by path they would be the stem, the blocks and the tail of each.</summary>
    public int Parts => Legs.Sum(leg => leg.Parts.Length - leg.From);

    /// <summary>What runs on a batch, one after the other.</summary>
    internal ImmutableArray<Leg> Legs { get; }

    /// <summary>Where the running means are.</summary>
    internal ulong MeanOf(Norm norm) => _statistics is var (means, _)
        ? means.Address + (ulong)norm.FirstChannel * sizeof(float)
        : norm.Layer.RunningMean.Address;

    /// <summary>The same of the variances.</summary>
    internal ulong VarianceOf(Norm norm) => _statistics is var (_, variances)
        ? variances.Address + (ulong)norm.FirstChannel * sizeof(float)
        : norm.Layer.RunningVariance.Address;

    /// <summary>Where that is what the statistics were folded to.</summary>
    /// <exception cref="InvalidOperationException">They were not.</exception>
    internal ulong FoldedOf(Norm norm) => _folded is { } folded
        ? folded.Address + 2UL * (ulong)norm.FirstChannel * sizeof(float)
        : throw new InvalidOperationException("The group is not ready for inference.");

    /// <summary>Where a packed weight is.</summary>
    /// <exception cref="InvalidOperationException">It was not packed.</exception>
    internal ulong PackedOf(Tensor weight) => _packed is { } packed
        ? packed.Address + packed.BytesBefore(weight)
        : throw new InvalidOperationException("The group is not ready for inference.");

    /// <summary>Readies inference by statistics and weights as they are: once for all batches that follow.</summary>
    public void Ready()
    {
        TakeWeights();
        Part[] parts = [.. Legs.SelectMany(leg => leg.Parts.Skip(leg.From))];
        _folded?.Dispose();
        _packed?.Dispose();
        (_folded, _packed) = (null, null);
        _folded = FoldedBatchNorms.Fold(
            _session, [.. parts.SelectMany(part => part.Norms).Select(norm => (norm.Layer, MeanOf(norm), VarianceOf(norm)))]);
        _packed = PackedWeights.Pack(_session, parts.SelectMany(part => part.Weights));
    }

    public void Dispose()
    {
        _statistics?.Means.Dispose();
        _statistics?.Variances.Dispose();
        _folded?.Dispose();
        _packed?.Dispose();
    }

    // Operations of fewer channels have copies of weights.
    private void TakeWeights()
    {
        foreach (Leg leg in Legs) _network.TakeWeights(_session, leg.Path);
    }

    /// <summary>What a path adds to the one before it.</summary>
    /// <param name="Index">Of the path in the group.</param>
    /// <param name="From">The first of its parts that the path before does not have; the stem is part 0, the tail the last.</param>
    /// <param name="Parts">From <paramref name="From"/> on.</param>
    internal sealed record Leg(int Index, Architecture Path, int From, Part[] Parts);

    /// <summary>What a part of a path has.</summary>
    /// <param name="Weights">Of its pointwise convolutions.</param>
    internal sealed record Part(Norm[] Norms, Tensor[] Weights);

    /// <summary>A batch norm of a part.</summary>
    /// <param name="FirstChannel">Where its channels begin, in what the group has of statistics and of what they are folded to.</param>
    internal readonly record struct Norm(BatchNormLayer Layer, int FirstChannel);
}
