using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Plans;

/// <summary>
/// Paths that run together on batch after batch. What several of them begin with runs once: in order of their choices, each path goes on
/// where it leaves the one before. Each part of a path that runs has running statistics of its own, and not the network's: they depend on
/// the pictures and on the path up to there.
/// </summary>
public sealed class PathGroup : IDisposable
{
    private readonly Session _session;
    private readonly Tensor _means, _variances;
    private Tensor? _folded;

    /// <exception cref="ArgumentException">There is no path, or one has another length than the network.</exception>
    /// <exception cref="InvalidOperationException">The network does not have an alternative of a path.</exception>
    public PathGroup(Session session, ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths)
    {
        if (paths.Count == 0) throw new ArgumentException("A group has at least one path.", nameof(paths));
        _session = session;
        var legs = new List<Leg>();
        int channels = 0;
        foreach ((int index, Architecture path) in paths.Index().OrderBy(p => p.Item, Architecture.ByChoices))
        {
            network.RequireLength(path);
            int from = legs.Count == 0 ? 0 : 1 + path.Blocks.AsSpan().CommonPrefixLength(legs[^1].Path.Blocks.AsSpan());
            var norms = new Norm[network.PartsOfPath][];
            for (int part = from; part < norms.Length; part++)
            {
                norms[part] = [.. network.BatchNormsOf(path, part).Select(NormOf)];
            }
            legs.Add(new Leg(index, path, from, norms));
        }
        (Legs, Paths) = (legs, paths.Count);
        (_means, _variances) = (session.Rent(Shape.Vector(channels)), session.Rent(Shape.Vector(channels)));
        _means.Fill(session.Stream, 0);
        _variances.Fill(session.Stream, 1);

        Norm NormOf(BatchNormLayer layer)
        {
            var norm = new Norm(layer, channels);
            channels += layer.Channels;
            return norm;
        }
    }

    /// <summary>How many paths there are.</summary>
    public int Paths { get; }

    /// <summary>How many parts of paths run on a batch. Path by path they would be the stem, the blocks and the tail of each.</summary>
    public int Parts => Legs.Sum(leg => leg.Norms.Length - leg.From);

    /// <summary>What runs on a batch, one after the other.</summary>
    internal IReadOnlyList<Leg> Legs { get; }

    /// <summary>Where the running means are.</summary>
    internal ulong MeanOf(Norm norm) => _means.Address + (ulong)norm.FirstChannel * sizeof(float);

    /// <summary>The same of the variances.</summary>
    internal ulong VarianceOf(Norm norm) => _variances.Address + (ulong)norm.FirstChannel * sizeof(float);

    /// <summary>Where that is what the statistics were folded to.</summary>
    /// <exception cref="InvalidOperationException">They were not.</exception>
    internal ulong FoldedOf(Norm norm) => _folded is { } folded
        ? folded.Address + 2UL * (ulong)norm.FirstChannel * sizeof(float)
        : throw new InvalidOperationException("The statistics have not been folded.");

    /// <summary>Readies inference by the statistics as they are: once for all batches that follow.</summary>
    public void Fold()
    {
        _folded?.Dispose();
        _folded = FoldedBatchNorms.Fold(
            _session,
            [.. Legs.SelectMany(leg => leg.Norms.Skip(leg.From)).SelectMany(norms => norms)
                .Select(norm => (norm.Layer, MeanOf(norm), VarianceOf(norm)))]);
    }

    public void Dispose()
    {
        _means.Dispose();
        _variances.Dispose();
        _folded?.Dispose();
    }

    /// <summary>What a path adds to the one before it.</summary>
    /// <param name="Index">Of the path in the group.</param>
    /// <param name="From">The first of its parts that the path before does not have; the stem is part 0, the tail the last.</param>
    /// <param name="Norms">The batch norms of each part, from <paramref name="From"/> on.</param>
    internal sealed record Leg(int Index, Architecture Path, int From, Norm[][] Norms);

    /// <summary>A batch norm, with statistics of the group's.</summary>
    /// <param name="FirstChannel">Where its statistics begin.</param>
    internal readonly record struct Norm(BatchNormLayer Layer, int FirstChannel);
}
