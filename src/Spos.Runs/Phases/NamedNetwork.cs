using Spos.Engine.Checkpoints;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A network's sizes and costs, where files may tell them.</summary>
public static class NamedNetwork
{
    /// <summary>The sizes of a checkpoint's network, or the official ones if none is named.</summary>
    public static NetworkSpec SpecOf(string? checkpoint, Action<string> warn)
    {
        if (checkpoint == null) return new NetworkSpec();
        using CheckpointReader reader = CheckpointFolder.Open(checkpoint, warn);
        return Checkpoint.Verify(reader.Path).Spec;
    }

    /// <summary>Costs by a table of megvii's, or computed from the shapes if none is named.</summary>
    public static CostTable FlopsOf(string? table, NetworkSpec spec) =>
        table == null ? NetworkFlops.Of(spec) : OfficialFlops.Load(table, spec);
}
