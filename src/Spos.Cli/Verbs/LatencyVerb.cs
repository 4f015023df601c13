using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Benchmarks;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Measures what each alternative of each block adds to the time of inference.</summary>
[Place(19)]
[Verb(
    "latency",
    HelpText = "latency measure: time whole networks on this device, in Spos or ONNX Runtime, and tell from them how long each alternative "
        + "of each block takes; summary --latency-table predicts a path's time from it.")]
[Example("Measure the official network, a picture at a time on two threads", "measure --batch-size 1 --threads 2")]
internal sealed class LatencyVerb : DeviceOptions, ISizeOptions, IPrecisionOption, IVerb
{
    private const int DefaultRoundsOfBlock = 10, Pilots = 3;

    [Value(0, MetaName = "measure", Required = true, HelpText = "What to do: measure.")]
    [OneOf("measure")]
    public string Action { get; set; } = "measure";

    [Option("target", Default = LatencyTable.OfSpos, HelpText =
        "What runs the networks: spos, or onnxruntime for ONNX Runtime on the CPU with what spos export writes. The variable "
        + "SPOS_ONNXRUNTIME names its library, libonnxruntime.so, where the system does not find it.")]
    [OneOf(LatencyTable.OfSpos, LatencyTable.OnnxRuntime)]
    public string Target { get; set; } = LatencyTable.OfSpos;

    [Option("checkpoint", HelpText = "A network, whose sizes count: a checkpoint or the folder of its run (default: the official sizes).")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    public string? Blocks { get; set; }

    [Option("classes", HelpText = "Classes that the network tells apart (default: 1000, or what --checkpoint has).")]
    [InRange(2, 1_000_000)]
    public int? Classes { get; set; }

    public Precision Precision { get; set; }

    [Option("batch-size", Default = 1, HelpText = "Pictures of an inference.")]
    [InRange(1, 65_536)]
    public int BatchSize { get; set; } = 1;

    [Option("rounds", HelpText =
        "Rounds of networks, each with every alternative of every block "
        + "(default: 10 for each block, which are 200 at the official sizes).")]
    [InRange(1, 100_000)]
    public int? Rounds { get; set; }

    [Option("runs", Default = 9, HelpText = "Inferences of each network in a round; the median counts.")]
    [InRange(1, 1000)]
    public int Runs { get; set; } = 9;

    [Option("validate", Default = 50, HelpText = "Random networks, which the fit does not see, that predictions are held against.")]
    [InRange(2, 10_000)]
    public int Validate { get; set; } = 50;

    [Option("seed", Default = 42ul, HelpText = "Fixes which networks are measured.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    [Option("output", Default = "latency.json", HelpText = "The file to write.")]
    [Output(PathKind.File)]
    public string Output { get; set; } = "latency.json";

    public int Run()
    {
        DeviceUse.Require(Precision, Plan);
        if (IsOnnx) RequireOnnx();
        OutputFile.Require("--output", Output, "a table of latencies", OutputFile.IsJsonWith("blocks_ns", JsonValueKind.Array));
        NetworkSpec spec = Network();
        NetworkSizes.CheckArea(BatchSize, spec.ImageSize);
        ShuffleNetV2OneShot.Require(Precision, spec);
        SearchSpace space = spec.Space;
        int rounds = Rounds ?? DefaultRoundsOfBlock * spec.Blocks, least = CostStudy.LeastRounds(space);
        if (rounds < least) throw new UsageException($"--rounds {rounds}: a network of {spec.Blocks} blocks needs at least {least}.");
        int most = CostStudy.MostValidated(space);
        if (Validate > most) throw new UsageException($"--validate {Validate}: of this network's paths at most {most} are possible.");
        using OnnxRuntime? runtime = IsOnnx ? new OnnxRuntime() : null;
        Device device = OpenDevice();
        using Session session = DeviceUse.NewSession(device, Plan, Precision);
        string by = runtime == null ? "" : $", by ONNX Runtime {runtime.Version} ({runtime.Path})";
        Notice.Say($"{spec}; batches of {BatchSize}; on {DeviceUse.Describe(device)}{by}.");
        using IInference inference = runtime == null
            ? new OwnInference(new StepBenchmark(session, spec, BatchSize), new Computation(Plan, Precision))
            : new OnnxInference(session, runtime, spec, BatchSize, device.Threads);
        var study = new CostStudy(space, rounds, Validate, Seed);
        Notice.Say(
            $"{rounds} rounds, in which {study.Measurements} networks are timed, {Validate * CostStudy.Visits} of them for the validation: "
            + $"about {Estimate(inference, spec) * study.Measurements:h\\:mm\\:ss}.");
        StudiedCosts? studied = null;
        ProgressDisplay.Run(
            "latency", study.Measurements, "network",
            report => studied = study.Run(path => NanosecondsOf(inference, path), () => report("")));
        LatencyTable table = TableOf(spec, device, runtime, rounds, studied!);
        table.Write(Output);
        Print(spec, studied!);
        if (table.Doubt is { } doubt) Notice.Warn($"{Output}: {doubt}. Measure again with nothing else running, or with more --rounds.");
        return ExitCode.Success;
    }

    private NetworkSpec Network()
    {
        if (CheckpointPath == null) return this.AskedSizes().Spec(Classes ?? new NetworkSpec().Classes, affine: false);
        using CheckpointReader reader = CheckpointFolder.Open(CheckpointPath, Notice.Warn);
        CheckpointHeader header = Checkpoint.Verify(reader.Path);
        return this.AskedSizes().Spec(Classes ?? header.Spec.Classes, affine: false, NetworkOrigin.Of(reader));
    }

    private bool IsOnnx => Target == LatencyTable.OnnxRuntime;

    // What it runs are exports, which have no other precision and no plan; and it runs them on the CPU.
    private void RequireOnnx()
    {
        string target = $"--target {Target}";
        if (Precision != Precision.Fp32)
        {
            throw new UsageException($"{target}: spos export writes fp32, which --precision {DeclaredOption.TextOf(Precision)} is not.");
        }
        if (Plan != ConvolutionPlan.Fused)
        {
            throw new UsageException($"{target}: --plan is of what computes in --target {LatencyTable.OfSpos}.");
        }
        RequireOnnxRuntime($"{target} is");
    }

    private double NanosecondsOf(IInference inference, Architecture path) => Median.Of(inference.Time(path, Runs)) * 1e9;

    // How long a measurement takes. The first one makes what all need, and does not count.
    private TimeSpan Estimate(IInference inference, NetworkSpec spec)
    {
        var sampler = new PathSampler(NetworkFlops.Of(spec));
        long start = 0;
        for (int pilot = 0; pilot <= Pilots; pilot++)
        {
            if (pilot == 1) start = Stopwatch.GetTimestamp();
            NanosecondsOf(inference, sampler.Uniform(new CounterRandom(1, RandomPurpose.Paths, (ulong)pilot)));
        }
        return Stopwatch.GetElapsedTime(start) / Pilots;
    }

    private LatencyTable TableOf(NetworkSpec spec, Device device, OnnxRuntime? runtime, int rounds, StudiedCosts studied) => new()
    {
        Target = Target,
        TargetVersion = runtime?.Version ?? RunRecord.Version,
        Date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        Device = $"{device.Id} ({device.Name})",
        // ONNX Runtime chooses its own.
        InstructionSet = runtime != null ? null : device.InstructionSet.Length > 0 ? device.InstructionSet : device.Architecture,
        Threads = device.InstructionSet.Length > 0 ? device.Threads : null,
        Precision = DeclaredOption.TextOf(Precision)!,
        Plan = runtime != null ? null : DeclaredOption.TextOf(Plan),
        BatchSize = BatchSize,
        Network = LatencyNetwork.Of(spec),
        Rounds = rounds,
        Runs = Runs,
        Constant = studied.Costs.Fixed,
        Blocks = LatencyTable.BlocksOf(studied.Costs),
        Validation = LatencyValidation.Of(studied),
    };

    private void Print(NetworkSpec spec, StudiedCosts studied)
    {
        CostTable costs = studied.Costs;
        Table table = PlainTable.New("block", "fastest", "slowest", "longer by");
        foreach ((int block, var alternatives) in spec.Space.Blocks.Index())
        {
            long[] times = costs.Of(block).ToArray();
            int fastest = Array.IndexOf(times, times.Min()), slowest = Array.IndexOf(times, times.Max());
            table.AddRow($"{block}", alternatives[fastest].Name, alternatives[slowest].Name, $"{times[slowest] / 1e3:0.0} µs");
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "Latency",
            ("paths", CostMeasure.Latency.NumberOf(costs.Least, costs.Most)),
            ("validation", $"{studied.Validation.Count} networks that the fit has not seen"),
            ("Spearman's ρ", double.IsNaN(studied.Spearman) ? "none: all are predicted alike" : $"{studied.Spearman:0.000}"),
            ("mean relative error", $"{studied.MeanRelativeError:0.00%}"),
            ("file", Path.GetFullPath(Output)));
    }
}
