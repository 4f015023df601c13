using CommandLine;
using Spectre.Console;
using Spos.Cli.Benchmarks;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Graphs;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Prints what a network consists of.</summary>
[Place(14)]
[Verb("summary", HelpText = "Print a network part by part, with the shape, FLOPs and parameters of each, and the memory that it takes.")]
[Example("Look at the network that megvii released", "--architecture \"2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3\"")]
internal sealed class SummaryVerb : DeviceOptions, ISizeOptions, IPrecisionOption, IVerb
{
    private const int MeasuredRuns = 101;

    [Option("checkpoint", HelpText =
        "A checkpoint, or the folder of a run (default: the official sizes, or those of --image-size and so on). With it, --image-size "
        + "shows the network for another input, and other sizes have to be its own.")]
    [Input(PathKind.Any)]
    public string? CheckpointPath { get; set; }

    public string? Blocks { get; set; }

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    public Precision Precision { get; set; }

    [Option("architecture", HelpText =
        "The path: a file, or a list such as \"2 1 0 1\" "
        + "(default: the checkpoint's own; of a supernet all operations of each block).")]
    [Input(PathKind.File, OrArchitecture = true)]
    public string? ArchitectureText { get; set; }

    [Option("batch-size", HelpText =
        "Print the memory of --device that batches of so many pictures take, too (default: it is not printed).")]
    [InRange(2, 65_536), Influences(Influence.None)]
    public int? BatchSize { get; set; }

    [Option("latency-table", HelpText =
        "Print how long an inference takes by this table, which spos latency measure wrote (default: it is not printed).")]
    [Input(PathKind.File)]
    public string? LatencyTablePath { get; set; }

    [Option("measure", HelpText =
        "Time inferences of the path on --device, in batches of --batch-size (default: of the table's size, else of 1 picture).")]
    public bool Measure { get; set; }

    public int Run()
    {
        DeviceUse.Require(Precision, Plan);
        (NetworkSpec spec, Architecture? path) = Network();
        ShuffleNetV2OneShot.Require(Precision, spec, path);
        if (Measure && path == null) throw new UsageException("--measure times one path, and this is a supernet: give --architecture.");
        (LatencyTable Table, CostTable Costs)? latency = LatencyTablePath == null ? null : LatencyTable.Read(LatencyTablePath, spec);
        Table table = PlainTable.New("part", "operation", "shape", "FLOPs", "parameters");
        List<Part> parts = PartsOf(spec, path);
        foreach (Part part in parts)
        {
            string flops = part.Least == part.Most ? $"{part.Least:N0}" : $"{part.Least:N0} to {part.Most:N0}";
            table.AddRow(
                part.Name, part.Operation, $"{part.Output.Channels}×{part.Output.Height}×{part.Output.Width}", flops,
                $"{part.Parameters:N0}");
        }
        PlainTable.Write(table);
        (double least, double most) = (parts.Sum(part => part.Least), parts.Sum(part => part.Most));
        ResultTable.Print(
            "Summary",
            ("network", $"{spec}"),
            ("kind", path == null ? $"supernet of {Shown.Large((double)spec.Space.Size)} paths" : $"single path, {path}"),
            ("FLOPs", least.Equals(most) ? CostMeasure.Flops.NumberOf(least) : CostMeasure.Flops.NumberOf(least, most)),
            ("parameters", $"{parts.Sum(part => part.Parameters):N0}"),
            ("batch norms", spec.Affine ? "with γ and β" : "without γ and β"),
            ("latency", latency is var (measured, costs) ? $"{TimeOf(costs, path)}: {measured.Conditions}" : null));
        if (latency?.Table.Doubt is { } doubt) Notice.Warn($"{LatencyTablePath}: {doubt}.");
        if (Measure) PrintMeasured(spec, path!, latency);
        if (BatchSize is { } batch) PrintMemory(spec, path, batch);
        return ExitCode.Success;
    }

    private static string TimeOf(CostTable nanoseconds, Architecture? path) => path == null
        ? CostMeasure.Latency.NumberOf(nanoseconds.Least, nanoseconds.Most)
        : CostMeasure.Latency.NumberOf(nanoseconds.Of(path));

    // On what a table was measured is printed with its time.
    private void PrintMeasured(NetworkSpec spec, Architecture path, (LatencyTable Table, CostTable Costs)? latency)
    {
        int batch = BatchSize ?? latency?.Table.BatchSize ?? 1;
        NetworkSizes.CheckArea(batch, spec.ImageSize);
        Device device = OpenDevice();
        using Session session = DeviceUse.NewSession(device, Plan, Precision);
        using var inference = new OwnInference(new StepBenchmark(session, spec, batch), new Computation(Plan, Precision));
        double nanoseconds = Median.Of(inference.Time(path, MeasuredRuns)) * 1e9;
        ResultTable.Print(
            $"Latency of batches of {batch} on {DeviceUse.Describe(device)}, plan {DeclaredOption.TextOf(Plan)}, "
                + $"precision {DeclaredOption.TextOf(Precision)}",
            ("measured", $"{CostMeasure.Latency.NumberOf(nanoseconds)}, the median of {MeasuredRuns} inferences"),
            ("of the table's time", latency is var (table, costs) ? ShareOf(table, batch, nanoseconds / costs.Of(path)) : null));
    }

    private string ShareOf(LatencyTable table, int batch, double share) =>
        table.IsOfSpos && table.BatchSize == batch && table.Precision == DeclaredOption.TextOf(Precision)
            ? $"{share:0.0%}"
            : "none: the table is of another batch size, precision or program";

    // Nothing of a batch is taken: its plan says what it would.
    private void PrintMemory(NetworkSpec spec, Architecture? path, int batch)
    {
        Device device = OpenDevice();
        using Session session = DeviceUse.NewSession(device, Plan, Precision);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        long weights = session.Pool.PeakBytesInUse, picture = NetworkGraph.ImagesOf(spec).Count * sizeof(float);
        long BytesOf(PlanKind kind, int count) => NetworkPlan.BytesOf(session, network, kind, count);
        long training = BytesOf(PlanKind.Training, batch), free = device.ReadMemory().Free;
        int above = (int)Math.Min(65_537, free / (training / batch + picture) * 5 / 4 + 2);
        int fits = BatchRoom.Largest(session, above, 0, count => BytesOf(PlanKind.Training, count) + count * picture);
        ResultTable.Print(
            $"Memory with batches of {batch} on {device.Id}, plan {DeclaredOption.TextOf(Plan)}, "
                + $"precision {DeclaredOption.TextOf(Precision)}",
            ("network", $"{InMegabytes(weights)}: weights, gradients, momenta, statistics"),
            ("a batch of pictures", InMegabytes(picture * batch)),
            ("a training step", $"{InMegabytes(training)}, {training / 1e6 / batch:0.0} MB a picture"),
            ("a recalibration", InMegabytes(BytesOf(PlanKind.Recalibration, batch))),
            ("an inference", InMegabytes(BytesOf(PlanKind.Inference, batch))),
            ("free", InMegabytes(free)),
            ("largest to train with", fits > 1 ? $"about {fits}, and fewer where loaders read far ahead" : "none"));
    }

    private static string InMegabytes(long bytes) => $"{bytes / 1e6:N0} MB";

    // The network, and its path if it is one.
    private (NetworkSpec Spec, Architecture? Path) Network()
    {
        (NetworkSpec spec, Architecture? own, _) = NamedNetwork.Of(CheckpointPath, this.AskedSizes(), Notice.Warn);
        // A path without a checkpoint is meant to be trained from scratch, with all parameters.
        if (CheckpointPath == null) spec = spec with { Affine = ArchitectureText != null };
        if (ArchitectureText == null) return (spec, own);
        Architecture path = CheckpointPath == null
            ? NamedArchitecture.ReadOfAnySet(ArchitectureText, spec)
            : NamedArchitecture.Read(ArchitectureText, spec.Space);
        if (own != null && !own.Equals(path))
        {
            throw new CheckpointException($"{CheckpointPath} is of another network: it has the architecture {own}.");
        }
        return (spec, path);
    }

    private static List<Part> PartsOf(NetworkSpec spec, Architecture? path)
    {
        FeatureShape shape = NetworkGraph.ImagesOf(spec);
        var parts = new List<Part>();
        // `sharing`: how many alternatives, one after the other, have parts of the last one's weights.
        void Add(string name, string operation, IReadOnlyList<Graph> alternatives, int sharing = 1)
        {
            long[] flops = [.. alternatives.Select(graph => graph.MultiplyAddsOn(shape))];
            shape = alternatives[0].OutputOn(shape);
            long parameters = alternatives.Index().Where(a => (a.Index + 1) % sharing == 0).Sum(a => a.Item.Parameters);
            parts.Add(new Part(name, operation, shape, flops.Min(), flops.Max(), parameters));
        }

        SearchSpace space = spec.Space;
        Add(NetworkGraph.StemName, "", [NetworkGraph.Stem(spec)]);
        foreach (BlockSpec block in spec.BlockSpecs())
        {
            var alternatives = space.Blocks[block.Index];
            IEnumerable<int> choices = path == null ? Enumerable.Range(0, alternatives.Length) : [path.Blocks[block.Index]];
            string operation = path == null ? $"any of {alternatives.Length}" : alternatives[path.Blocks[block.Index]].Name;
            Add(
                $"features.{block.Index}", operation,
                [.. choices.Select(choice => NetworkGraph.Block(block, spec.BlockSet.DesignsOf(block)[choice], spec.Affine))],
                path == null && space.HasScales ? ChannelScales.Count : 1);
        }
        Add($"{NetworkGraph.LastName}, {NetworkGraph.Classifier}", "", [NetworkGraph.Tail(spec)]);
        return parts;
    }

    // A part of the network; in a supernet its FLOPs depend on the path.
    private sealed record Part(string Name, string Operation, FeatureShape Output, long Least, long Most, long Parameters);
}
