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
    /// <summary>A checkpoint's network, and what it was trained on; if none is named, one of the official sizes.</summary>
    /// <param name="blocks">What --blocks asks for.</param>
    /// <exception cref="UsageException">The checkpoint has other blocks.</exception>
    public static (NetworkSpec Spec, Architecture? Path, SearchSpace Space) Of(string? checkpoint, BlockSet? blocks, Action<string> warn)
    {
        if (checkpoint == null)
        {
            var official = new NetworkSpec { BlockSet = blocks ?? BlockSet.ShuffleV2 };
            return (official, null, official.Space);
        }
        using CheckpointReader reader = CheckpointFolder.Open(checkpoint, warn);
        CheckpointHeader header = Checkpoint.Verify(reader.Path);
        return blocks == null || blocks == header.Spec.BlockSet
            ? (header.Spec, header.Path, SearchedSpace.Of(header, reader.Path))
            : throw new UsageException($"--blocks {blocks}: {reader.Path} has {header.Spec.BlockSet}. Leave the option out.");
    }

    /// <summary>Costs by a table of megvii's, or computed from the shapes if none is named.</summary>
    public static CostTable FlopsOf(string? table, NetworkSpec spec) =>
        table == null ? NetworkFlops.Of(spec) : OfficialFlops.Load(table, spec);
}
