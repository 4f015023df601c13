using Spos.Engine.Checkpoints;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A network's sizes and costs, where files may tell them.</summary>
public static class NamedNetwork
{
    /// <summary>A checkpoint's network, and what it was trained on; if none is named, one of the sizes that are asked for.</summary>
    /// <param name="asked">What options ask for: the sizes, or the input's size of a checkpoint; null if nothing.</param>
    /// <exception cref="UsageException">There is no such network, or the checkpoint has another.</exception>
    public static (NetworkSpec Spec, Architecture? Path, SearchSpace Space) Of(string? checkpoint, NetworkSizes? asked, Action<string> warn)
    {
        if (checkpoint == null)
        {
            NetworkSpec spec = asked?.Spec(new NetworkSpec().Classes, affine: false) ?? new NetworkSpec();
            return (spec, null, spec.Space);
        }
        using CheckpointReader reader = CheckpointFolder.Open(checkpoint, warn);
        CheckpointHeader header = Checkpoint.Verify(reader.Path);
        if (asked?.BlockSet is { } blocks && blocks != header.Spec.BlockSet)
        {
            throw new UsageException($"--blocks {blocks}: {reader.Path} has {header.Spec.BlockSet}. Leave the option out.");
        }
        SearchSpace space = SearchedSpace.Of(header, reader.Path);
        if (asked?.AreGiven != true) return (header.Spec, header.Path, space);
        NetworkSpec sized = asked.Spec(header.Spec.Classes, header.Spec.Affine, NetworkOrigin.Of(reader));
        return (header.Spec with { ImageSize = sized.ImageSize }, header.Path, space);
    }

    /// <summary>Costs by a table of megvii's, or computed from the shapes if none is named.</summary>
    public static CostTable FlopsOf(string? table, NetworkSpec spec) =>
        table == null ? NetworkFlops.Of(spec) : OfficialFlops.Load(table, spec);
}
