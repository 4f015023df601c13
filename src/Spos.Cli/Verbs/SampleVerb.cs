using System.Numerics;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Shows how paths are spread over a FLOPs window.</summary>
[Place(15)]
[Verb("sample", HelpText = "Show how many paths a FLOPs window has, and how random paths fall into its parts.")]
[Example("Look at megvii's window by its own FLOPs table", "--flops-table op_flops_dict.pkl")]
internal sealed class SampleVerb : ISizeOptions, IVerb
{
    [Option("checkpoint", HelpText =
        "A supernet, whose sizes and search space count: a checkpoint or the folder of its run "
        + "(default: the official sizes, or those of --image-size and so on). With it, --image-size counts FLOPs for another input, and "
        + "other sizes have to be its own.")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    public string? Blocks { get; set; }

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    [Option("flops-lb", HelpText = "The window's lower edge (default: 290e6 for the official sizes, else what the cheapest path has).")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    public double? FlopsLb { get; set; }

    [Option("flops-ub", HelpText = "The window's upper edge (default: 360e6 for the official sizes, else what the dearest path has).")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    public double? FlopsUb { get; set; }

    [Option("flops-bins", Default = NetworkFlops.OfficialBins, HelpText = "Equal parts of the window.")]
    [InRange(1, PathSampler.MostBins)]
    public int FlopsBins { get; set; } = NetworkFlops.OfficialBins;

    [Option("flops-table", HelpText = "Count FLOPs by this table, megvii's op_flops_dict.pkl (default: computed from the shapes).")]
    [Input(PathKind.File)]
    public string? FlopsTablePath { get; set; }

    [Option("samples", Default = 12500, HelpText = "Random paths to draw, from all paths and from the window.")]
    [InRange(1, 1_000_000)]
    public int Samples { get; set; } = 12500;

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    public int Run()
    {
        (NetworkSpec spec, _, SearchSpace space) = NamedNetwork.Of(CheckpointPath, this.AskedSizes(), Notice.Warn);
        CostTable flops = NamedNetwork.FlopsOf(FlopsTablePath, spec).In(space);
        var sampler = new PathSampler(flops);
        (double low, double high) = FlopsWindow.Of(FlopsLb, FlopsUb, spec, flops);
        BigInteger[] paths = sampler.CountBins(low, high, FlopsBins);
        BigInteger all = flops.Space.Size;
        if (paths.All(p => p.IsZero))
        {
            string own = $"this network's have {flops.Measure.NumberOf(flops.Least, flops.Most)}";
            throw new UsageException($"no path has {flops.Measure.TextOf(low, high)}: {own}.");
        }
        var random = new CounterRandom(Seed, RandomPurpose.Paths, 0);
        int[] unconstrained = Histogram(low, high, () => flops.Of(sampler.Uniform(random)));
        int[] drawn = Histogram(low, high, () => flops.Of(sampler.FromBins(random, low, high, FlopsBins)));
        Table table = PlainTable.New("FLOPs", "paths", "of all", $"of {Samples} of all paths", $"of {Samples} from the window");
        double width = (high - low) / FlopsBins;
        for (int bin = 0; bin < FlopsBins; bin++)
        {
            table.AddRow(
                flops.Measure.NumberOf(low + bin * width, low + (bin + 1) * width), $"{paths[bin]}",
                $"{(double)paths[bin] / (double)all:0.00%}", $"{unconstrained[bin]}", $"{drawn[bin]}");
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "Paths",
            ("network", $"{spec}"),
            ("in all", $"{all}, {flops.Measure.TextOf(flops.Least, flops.Most)}"),
            ("in the window", $"{paths.Aggregate(BigInteger.Add)}"),
            ("counted", sampler.IsExact ? "exactly" : "with rounding at the edges"));
        return ExitCode.Success;
    }

    private int[] Histogram(double low, double high, Func<long> draw)
    {
        int[] counts = new int[FlopsBins];
        double width = (high - low) / FlopsBins;
        for (int i = 0; i < Samples; i++)
        {
            long cost = draw();
            if (cost < low || cost > high) continue;
            counts[width > 0 ? Math.Min((int)((cost - low) / width), FlopsBins - 1) : FlopsBins - 1]++;
        }
        return counts;
    }
}
