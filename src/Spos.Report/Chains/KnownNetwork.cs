using System.Collections.Immutable;
using Spos.Engine.Supernet;
using Spos.Report.Documents;
using Spos.Space;

namespace Spos.Report.Chains;

/// <summary>A path of a network, with what its blocks cost.</summary>
internal sealed class KnownNetwork
{
    private readonly CostTable _flops, _parameters;

    private KnownNetwork(NetworkSpec spec, Architecture path)
    {
        (Spec, Path) = (spec, path);
        (_flops, _parameters) = (NetworkFlops.Of(spec), NetworkParameters.Of(spec));
    }

    public NetworkSpec Spec { get; }

    public Architecture Path { get; }

    public long Flops => _flops.Of(Path);

    public long Parameters => _parameters.Of(Path);

    /// <summary>FLOPs and parameters of stem and tail.</summary>
    public (long Flops, long Parameters) Around => (_flops.Fixed, _parameters.Fixed);

    /// <summary>The network that a run came to; null if there is none yet, or its files do not tell it.</summary>
    public static KnownNetwork? Of(ReportedRun run)
    {
        if (SpecOf(run) is not { } spec) return null;
        Architecture? path = Try(() => run.Result.Choices("architecture") is { } operations
            ? Architecture.Of(operations, run.Result.Choices("channel_scales") ?? [])
            : run.Checkpoint?.Header.Path);
        path ??= run.Candidates is { Best: [var best, ..] } ? Try(() => Architecture.Parse(best.Architecture)) : null;
        return path == null || spec.Space.FaultOf(path) != null ? null : new KnownNetwork(spec, path);
    }

    /// <summary>The sizes of a run's network; null if its record does not tell them, or they are impossible.</summary>
    public static NetworkSpec? SpecOf(ReportedRun run) => Try(() =>
    {
        if (run.Setting?.Network is not { } network) return null;
        int classes = run.Classes is { Count: > 1 } names ? names.Count : run.Checkpoint?.Header.Classes ?? 2;
        NetworkSpec spec = network.Spec(Math.Max(classes, 2), run.Folder);
        spec.Validate();
        return spec;
    });

    /// <summary>The blocks as they are drawn.</summary>
    public IReadOnlyList<DrawnBlock> Blocks()
    {
        ImmutableArray<int> operations = Path.Operations, scales = Path.Scales;
        return
        [
            .. from block in Spec.BlockSpecs()
               let choice = Path.Blocks[block.Index]
               let design = Spec.BlockSet.DesignsOf(block)[choice]
               select new DrawnBlock(
                   block.Index, operations[block.Index], LabelOf(design), Spec.Space.Blocks[block.Index][choice].Name,
                   Path.HasScales ? ChannelScales.NameOf(scales[block.Index]) : null, block.Output, design.MiddleOf(block), block.Stride,
                   block.Stage, (block.Size - 1) / block.Stride + 1, _flops.Of(block.Index)[choice], _parameters.Of(block.Index)[choice]),
        ];
    }

    private static string LabelOf(BlockDesign design) => design.IsXception ? "X" : $"{design.Kernel}×{design.Kernel}";

    // What files say of a network may be of none.
    private static T? Try<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is FormatException or ArgumentException or UsageException or OverflowException)
        {
            return null;
        }
    }
}
