using System.Numerics;
using CommandLine;
using CommandLine.Text;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Random;
using Spos.Engine.Supernet;

namespace Spos.Cli.Verbs;

/// <summary>Shows how paths are spread over a FLOPs window.</summary>
[Verb("sample", HelpText = "Show how many paths a FLOPs window has, and how random paths fall into its parts.")]
internal sealed class SampleVerb : IVerb
{
    [Option("checkpoint", HelpText = "A supernet, whose sizes count: a checkpoint or the folder of its run (default: the official sizes).")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    [Option("flops-lb", Default = PathSampler.OfficialLow, HelpText = "The window's lower edge.")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    public double FlopsLb { get; set; } = PathSampler.OfficialLow;

    [Option("flops-ub", Default = PathSampler.OfficialHigh, HelpText = "The window's upper edge.")]
    [InRange(0, 1e15, Example = "330e6 or 330M")]
    public double FlopsUb { get; set; } = PathSampler.OfficialHigh;

    [Option("flops-bins", Default = PathSampler.OfficialBins, HelpText = "Equal parts of the window.")]
    [InRange(1, 1000)]
    public int FlopsBins { get; set; } = PathSampler.OfficialBins;

    [Option("flops-table", HelpText = "Count FLOPs by this table, megvii's op_flops_dict.pkl (default: computed from the shapes).")]
    [Input(PathKind.File)]
    public string? FlopsTablePath { get; set; }

    [Option("samples", Default = 12500, HelpText = "Random paths to draw, from all paths and from the window.")]
    [InRange(1, 1_000_000)]
    public int Samples { get; set; } = 12500;

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples => [new("Look at megvii's window by its own FLOPs table", new SampleVerb { FlopsTablePath = "op_flops_dict.pkl" })];

    public int Run()
    {
        if (!(FlopsLb < FlopsUb)) throw new UsageException($"--flops-lb {FlopsLb} is not below --flops-ub {FlopsUb}.");
        NetworkSpec spec = Supernet.SpecOf(CheckpointPath);
        FlopsTable flops = Supernet.FlopsOf(FlopsTablePath, spec);
        var sampler = new PathSampler(flops);
        BigInteger[] paths = sampler.CountBins(FlopsLb, FlopsUb, FlopsBins);
        BigInteger all = BigInteger.Pow(Architecture.Choices, flops.Blocks);
        if (paths.All(p => p.IsZero)) throw new UsageException($"no path has {FlopsLb / 1e6:0.##}M to {FlopsUb / 1e6:0.##}M FLOPs: this network's have {sampler.Least / 1e6:0.##}M to {sampler.Most / 1e6:0.##}M.");
        var random = new CounterRandom(Seed, RandomPurpose.Paths, 0);
        int[] unconstrained = Histogram(() => flops.Of(sampler.Uniform(random))), drawn = Histogram(() => flops.Of(sampler.FromBins(random, FlopsLb, FlopsUb, FlopsBins)));
        Table table = PlainTable.New("FLOPs", "paths", "of all", $"of {Samples} of all paths", $"of {Samples} from the window");
        double width = (FlopsUb - FlopsLb) / FlopsBins;
        for (int bin = 0; bin < FlopsBins; bin++)
        {
            table.AddRow(
                $"{(FlopsLb + bin * width) / 1e6:0.##}M to {(FlopsLb + (bin + 1) * width) / 1e6:0.##}M", $"{paths[bin]}",
                $"{(double)paths[bin] / (double)all:0.00%}", $"{unconstrained[bin]}", $"{drawn[bin]}");
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "Paths",
            ("network", $"{spec}"),
            ("in all", $"{all}, {sampler.Least / 1e6:0.##}M to {sampler.Most / 1e6:0.##}M FLOPs"),
            ("in the window", $"{paths.Aggregate(BigInteger.Add)}"),
            ("counted", sampler.IsExact ? "exactly" : "with rounding at the edges"));
        return Program.Success;
    }

    private int[] Histogram(Func<long> draw)
    {
        int[] counts = new int[FlopsBins];
        double width = (FlopsUb - FlopsLb) / FlopsBins;
        for (int i = 0; i < Samples; i++)
        {
            long cost = draw();
            if (cost < FlopsLb || cost > FlopsUb) continue;
            counts[Math.Min((int)((cost - FlopsLb) / width), FlopsBins - 1)]++;
        }
        return counts;
    }
}
