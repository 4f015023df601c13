using System.Text.Json;
using System.Text.Json.Nodes;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Benchmarks;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Profiling;
using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Measures the engine.</summary>
[Place(18)]
[Verb(
    "bench",
    HelpText = "Measure: bench step times training steps and inference, bench loader the way from JPEG files to batches, "
        + "bench kernels each kernel at each shape of the network; "
        + "bench launches counts the launches of a step and how many blocks each has; bench plans shows what --plan auto has measured.")]
[Example("Time the pointwise kernels, and keep the figures", "kernels --filter pointwise --output pointwise.json")]
internal sealed class BenchVerb : DeviceOptions, IBlocksOption, IPrecisionOption, IVerb
{
    // Images a second that a large GPU may train on.
    private const int FastGpu = 10_000;

    [Value(
        0, MetaName = "what", Required = true,
        HelpText = "What to measure: step (training and inference, under --plan and unfused, in turn; "
            + "with --precision bf16 in fp32 and bf16), loader (of the pictures under --images), kernels, "
            + "launches (their blocks, bytes and arithmetic; nothing is timed), "
            + "or plans, which shows the choices that --plan auto has made on this device.")]
    [OneOf("step", "loader", "kernels", "launches", "plans")]
    public string What { get; set; } = "";

    [Option("filter", HelpText = "Show only kernels whose names hold this text, such as pointwise (default: all).")]
    [Text]
    public string? Filter { get; set; }

    [Option("image-size", Default = 224, HelpText = "Height and width of the network's input.")]
    [InRange(32, NetworkSpec.MostImageSize, MultipleOf = 32)]
    public int ImageSize { get; set; } = 224;

    public string? Blocks { get; set; }

    public Precision Precision { get; set; }

    [Option("batch-size", Default = 32, HelpText = "Pictures a step.")]
    [InRange(1, 65_536)]
    public int BatchSize { get; set; } = 32;

    [Option("runs", HelpText = "Steps and evaluations that are timed, of kernels for each operation (default: 15, of kernels 3).")]
    [InRange(1, 100_000)]
    public int? Runs { get; set; }

    [Option("architecture", HelpText =
        "The path that bench step and bench launches run "
        + "(default: of step another random one each time, of launches the mean of each operation in every block in turn).")]
    [Input(PathKind.File, OrArchitecture = true)]
    public string? ArchitectureText { get; set; }

    [Option("alone", Default = false, HelpText =
        "Let bench step time --plan and --precision alone, without unfused or fp32 beside them.")]
    public bool Alone { get; set; }

    [Option("inference", Default = false, HelpText = "Let bench step time inference alone, as a batch of one picture has to be.")]
    public bool Inference { get; set; }

    [Option("images", HelpText =
        "The pictures that bench loader reads: "
        + "a folder with one folder of JPEGs per class (default: none, and bench loader needs it).")]
    [Input(PathKind.Folder)]
    public string? Images { get; set; }

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead, for bench loader.")]
    [InRange(1, 256)]
    public int Workers { get; set; } = 2;

    [Option(KeptOptions.DecoderOption, Default = JpegDecoder.Spos, HelpText = DataOptions.DecoderHelp + " For bench loader.")]
    public JpegDecoder Decoder { get; set; } = JpegDecoder.Spos;

    [Option(KeptOptions.DecodeScaleOption, Default = false, HelpText = DataOptions.DecodeScaleHelp + " For bench loader.")]
    public bool DecodeScale { get; set; }

    [Option("cache", HelpText = DataOptions.CacheHelp
        + " For bench loader, which makes the same cache of a folder train or val as a run does.")]
    [Output(PathKind.Folder, MayBeReadOnly = true)]
    public string? Cache { get; set; }

    [Option(KeptOptions.CacheSizeOption, HelpText = DataOptions.CacheSizeHelp + " For bench loader.")]
    [InRange(DataOptions.LeastCacheSize, DataOptions.MostCacheSize)]
    public int? CacheSize { get; set; }

    [Option("top", Default = 40, HelpText =
        "Lines of the table: those that take most time, of launches those of each work that move most bytes. "
        + "The JSON file has all.")]
    [InRange(1, 100_000)]
    public int Top { get; set; } = 40;

    [Option("output", HelpText = "A JSON file for all results (default: none).")]
    [Output(PathKind.File)]
    public string? Output { get; set; }

    public int Run()
    {
        if (What == "plans") return ShowPlans();
        bool computes = What != "loader";
        if (computes) DeviceUse.Require(Precision, Plan);
        NetworkSizes.CheckArea(BatchSize, ImageSize);
        if (BatchSize == 1 && computes && !(What == "step" && Inference))
        {
            throw new UsageException(
                "--batch-size 1: training normalises over several pictures, so 2 at least; bench step --inference takes 1.");
        }
        var spec = new NetworkSpec { ImageSize = ImageSize, BlockSet = this.AskedBlocks() ?? BlockSet.ShuffleV2 };
        if (computes) ShuffleNetV2OneShot.Require(Precision, spec);
        if (Output != null)
        {
            OutputFile.Require("--output", Output, "spos bench's", OutputFile.IsJsonWith("batch_size", JsonValueKind.Number));
        }
        Device device = OpenDevice(dry: What == "launches");
        if (What == "loader") return RunLoader(spec, device);
        using Session session = DeviceUse.NewSession(device, Plan, Precision);
        Notice.Say($"{spec}; batches of {BatchSize}; on {DeviceUse.Describe(device)}.");
        return What switch
        {
            "step" => RunSteps(session, spec, device),
            "launches" => CountLaunches(session, spec, device),
            _ => RunKernels(session, spec, device),
        };
    }

    private int RunSteps(Session session, NetworkSpec spec, Device device)
    {
        Architecture? path = ArchitectureText == null ? null : NamedArchitecture.ReadOfAnySet(ArchitectureText, spec);
        int runs = Runs ?? 15;
        Computation asked = new(Plan, Precision);
        bool comparesPrecisions = Precision != Precision.Fp32;
        Computation other = comparesPrecisions
            ? asked with { Precision = Precision.Fp32 }
            : asked with { Plan = ConvolutionPlan.Unfused };
        Computation[] ways = Alone || asked == other ? [asked] : [other, asked];
        string first = Word(comparesPrecisions ? ways[0].Precision : ways[0].Plan);
        IReadOnlyList<StepResult> results = [];
        using var benchmark = new StepBenchmark(session, spec, BatchSize);
        ProgressDisplay.Run(
            "step", StepBenchmark.Reports(runs, Inference), "run",
            report => results = benchmark.Run(ways, path, runs, Inference, () => report("")));
        Table table = PlainTable.New(
            "work", "plan", "precision", "img/s", "quartiles", $"against {first}", "device memory an image", "managed heap a run");
        foreach (StepResult r in results)
        {
            double ratio = r.Rates.Median / results.First(other => other.Work == r.Work).Rates.Median;
            table.AddRow([
                r.Work, Word(r.By.Plan), Word(r.By.Precision), .. r.Rates.Columns, $"{ratio:0.00}",
                $"{r.DeviceBytes / 1e6 / BatchSize:0.0} MB", $"{r.ManagedBytes / 1024} KiB",
            ]);
        }
        PlainTable.Write(table);
        Save(spec, device, new
        {
            paths = path == null ? Enumerable.Range(0, runs).Select(run => $"{benchmark.RandomPath(run)}") : [$"{path}"],
            steps = results.Select(r => new
            {
                work = r.Work,
                plan = Word(r.By.Plan),
                precision = Word(r.By.Precision),
                images_per_second = r.Rates.Median,
                quartiles = r.Rates.Quartiles,
                device_bytes = r.DeviceBytes,
                managed_bytes = r.ManagedBytes,
            }),
        });
        return ExitCode.Success;
    }

    // The folder's pictures, read from the cache that is asked for, if any. It is made if it is not there.
    private ImageFolder CachedIn(ImageFolder data, Device device)
    {
        var spec = new DataSpec { Folder = data.Root, Cache = Cache, CacheSize = CacheSize, Workers = Workers };
        var console = new RunConsole();
        // The full path has the name also where the folder is called "." here.
        data = PictureCaches.Open(spec, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(data.Root))), data);
        PictureCaches.RequireRoom(spec, console, data);
        PictureCaches.Make(spec, device, console, CancellationToken.None, data);
        return data;
    }

    private int RunLoader(NetworkSpec spec, Device device)
    {
        string folder = Images
            ?? throw new UsageException("bench loader needs --images FOLDER, a folder with one folder of JPEGs per class.");
        DataOptions.CheckDecoding(Cache, CacheSize, Decoder, DecodeScale);
        if (!Directory.Exists(folder))
        {
            throw new DataException($"--images {Shown.Value(folder)}: no such folder. One is needed that has a folder of JPEGs per class.");
        }
        ImageFolder data = CachedIn(ImageFolder.Open(folder), device);
        if (Decoder == JpegDecoder.NvJpeg) JpegDecoders.Require(device);
        Notice.Say(
            $"{data.Samples.Length} pictures to {ImageSize}×{ImageSize}; "
            + $"batches of {BatchSize}; {Workers} workers; on {DeviceUse.Describe(device)}.");
        int runs = Runs ?? 15;
        IReadOnlyList<LoaderResult> results = [];
        var hostWork = new Rates(0, 0, 0);
        var options = new LoaderOptions
        {
            Decoder = Decoder,
            DecodeScale = DecodeScale,
            ImageSize = ImageSize,
            BatchSize = BatchSize,
            Workers = Workers,
        };
        var benchmark = new LoaderBenchmark(device, data, options, new DamageReport(Notice.Warn));
        ProgressDisplay.Run("loader", LoaderBenchmark.Reports(runs), "pass", report =>
        {
            hostWork = benchmark.RunHostWork(runs, () => report(""));
            results = benchmark.Run(runs, () => report(""));
        });
        Table table = PlainTable.New("transform", "img/s", "quartiles");
        foreach (LoaderResult r in results) table.AddRow([r.Transform, .. r.Rates.Columns]);
        table.AddRow(["none: a thread's work for a GPU by spos", .. hostWork.Columns]);
        PlainTable.Write(table);
        string work = Cache == null ? "read and entropy-decode" : "read from the cache";
        Notice.Say(
            $"For a GPU that does the transforms, {hostWork.ThreadsFor(FastGpu)} such threads, "
            + $"if none slows another, {work} {FastGpu:N0} images a second.");
        Save(spec, device, new
        {
            pictures = data.Samples.Length,
            workers = Workers,
            decoder = Word(Decoder),
            decode_scale = DecodeScale,
            cached = Cache != null,
            cache_size = CacheSize,
            host_work = new { images_per_second_and_thread = hostWork.Median, quartiles = hostWork.Quartiles },
            transforms = results.Select(
                r => new { transform = r.Transform, images_per_second = r.Rates.Median, quartiles = r.Rates.Quartiles }),
        });
        return ExitCode.Success;
    }

    private int RunKernels(Session session, NetworkSpec spec, Device device)
    {
        int runs = Runs ?? 3;
        (DevicePeaks, IReadOnlyList<KernelResult>)? measured = null;
        ProgressDisplay.Run(
            "kernels", runs + 2, "run", report => measured = new KernelBenchmark(session, spec, BatchSize, runs).Run(report));
        (DevicePeaks peaks, IReadOnlyList<KernelResult> all) = measured!.Value;
        KernelResult[] results =
        [
            .. all.Where(r => Filter == null || r.Kernel.Contains(Filter, StringComparison.Ordinal))
                .OrderByDescending(r => r.Seconds * r.Launches)
                .ThenBy(r => r.Kernel, StringComparer.Ordinal).ThenBy(r => r.Shape, StringComparer.Ordinal),
        ];
        Print(results, all.Sum(r => r.Seconds * r.Launches));
        ResultTable.Print(
            "Kernels",
            ("peak arithmetic in fp32", $"{peaks.FlopsPerSecond / 1e9:0.0} GFLOP/s"),
            ("peak products of bf16", $"{peaks.FlopsPerSecondBf16 / 1e9:0.0} GFLOP/s"),
            ("peak memory", $"{peaks.BytesPerSecond / 1e9:0.0} GB/s"),
            ("precision", Word(Precision)),
            ("kernels and shapes", $"{results.Length}, {Math.Min(Top, results.Length)} shown"),
            ("file", Output == null ? "none (--output FILE)" : Path.GetFullPath(Output)));
        Save(spec, device, new
        {
            plan = Word(Plan),
            precision = Word(Precision),
            peak_gflops = peaks.FlopsPerSecond / 1e9,
            peak_gflops_bf16 = peaks.FlopsPerSecondBf16 / 1e9,
            peak_gbytes = peaks.BytesPerSecond / 1e9,
            kernels = results.Select(r => new
            {
                kernel = r.Kernel,
                shape = r.Shape,
                launches = r.Launches,
                microseconds = r.Seconds * 1e6,
                gbytes_per_second = r.Bytes / r.Seconds / 1e9,
                gflops = r.Flops / r.Seconds / 1e9,
                of_roofline = r.Roofline,
                limit = r.Limit,
            }),
        });
        return ExitCode.Success;
    }

    private int CountLaunches(Session session, NetworkSpec spec, Device device)
    {
        Architecture[] paths = ArchitectureText == null
            ? [.. spec.Space.Alike.Select(choice => spec.Space.PathOf(Enumerable.Repeat(choice, spec.Blocks)))]
            : [NamedArchitecture.ReadOfAnySet(ArchitectureText, spec)];
        if (device.IsDry && Plan == ConvolutionPlan.Auto)
        {
            throw new UsageException(
                "--plan auto measures what is fastest, and this device computes nothing (SPOS_CHECKING_DRY=1): name another plan.");
        }
        IReadOnlyList<LaunchesOfWork> works = [];
        using var benchmark = new StepBenchmark(session, spec, BatchSize);
        ConvolutionPlanner.Of(session).Plan = Plan;
        ProgressDisplay.Run(
            "launches", StepBenchmark.ReportsOfLaunches(paths.Length), "run", report => works = benchmark.Record(paths, () => report("")));
        Table table = PlainTable.New(
            "kernel", "work", "launches", "least blocks", "most blocks", "MB", "GFLOP", $"of ≥ {device.Multiprocessors} blocks");
        var rows = new List<(string, string)>
        {
            ("precision", Word(Precision)),
            ("paths", $"{paths.Length}"),
            ("multiprocessors", $"{device.Multiprocessors}"),
        };
        foreach (LaunchesOfWork work in works)
        {
            LaunchCount[] shown =
                [.. work.Kernels.Where(k => Filter == null || k.Kernel.Contains(Filter, StringComparison.Ordinal)).Take(Top)];
            foreach (LaunchCount k in shown)
            {
                table.AddRow(
                    k.Kernel, work.Work, $"{k.Launches:0.##}", $"{k.LeastBlocks}", $"{k.MostBlocks}", $"{k.Bytes / 1e6:0.0}",
                    $"{k.Flops / 1e9:0.00}", k.Bytes > 0 ? $"{k.WideShare:0%}" : "");
            }
            LaunchCount all = work.All;
            rows.Add(
                (work.Work,
                    $"{all.Launches:0.##} launches, {all.WideLaunches:0.##} of at least {device.Multiprocessors} blocks, "
                    + $"which move {all.WideShare:0.0%} of {all.Bytes / 1e9:0.0} GB"));
        }
        rows.Add(("file", Output == null ? "none (--output FILE)" : Path.GetFullPath(Output)));
        PlainTable.Write(table);
        ResultTable.Print("Launches", [.. rows]);
        Save(spec, device, new
        {
            plan = Word(Plan),
            precision = Word(Precision),
            multiprocessors = device.Multiprocessors,
            paths = paths.Select(path => $"{path}"),
            works = works.Select(work => new
            {
                work = work.Work,
                all = Figures(work.All),
                kernels = work.Kernels.Select(Figures),
            }),
        });
        return ExitCode.Success;
    }

    private static object Figures(LaunchCount count) => new
    {
        kernel = count.Kernel,
        launches = count.Launches,
        least_blocks = count.LeastBlocks,
        most_blocks = count.MostBlocks,
        bytes = count.Bytes,
        flops = count.Flops,
        wide_launches = count.WideLaunches,
        wide_bytes = count.WideBytes,
    };

    private int ShowPlans()
    {
        string device = PlanCache.Describe(OpenDevice());
        Table table = PlainTable.New("convolution", "own", "cuDNN", "chosen");
        var cache = new PlanCache(PlanCache.FolderOfUser, device);
        IReadOnlyDictionary<string, PlanCache.Choice> choices = cache.Choices;
        IReadOnlyDictionary<string, string> lacks = cache.Lacks;
        string[] names =
        [
            .. choices.Keys.Union(lacks.Keys)
                .Where(n => Filter == null || n.Contains(Filter, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal),
        ];
        foreach (string name in names)
        {
            PlanCache.Choice? choice = choices.GetValueOrDefault(name);
            string cudnn = choice?.CudnnMicroseconds is { } time ? $"{time:0.0} µs" : lacks.GetValueOrDefault(name) ?? "not there";
            // Shapes are in brackets, which Spectre.Console takes for markup.
            table.AddRow(
                Markup.Escape(name), choice == null ? "not measured" : $"{choice.OwnMicroseconds:0.0} µs", cudnn, choice?.Engine ?? "own");
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "Plans", ("device", device), ("choices", $"{names.Length}"),
            ("cuDNN lacks", $"{names.Count(lacks.ContainsKey)}, for which the hand-written kernels stand in"),
            ("folder", PlanCache.FolderOfUser));
        return ExitCode.Success;
    }

    private void Print(KernelResult[] results, double total)
    {
        Table table = PlainTable.New("kernel", "shape", "median", "GB/s", "GFLOP/s", "of roofline", "limit", "of the time");
        foreach (KernelResult r in results.Take(Top))
        {
            table.AddRow(
                r.Kernel, r.Shape, $"{r.Seconds * 1e6:0.0} µs", Rate(r.Bytes, r.Seconds), Rate(r.Flops, r.Seconds),
                r.Roofline > 0 ? $"{r.Roofline:0%}" : "", r.Limit, $"{r.Seconds * r.Launches / total:0.0%}");
        }
        PlainTable.Write(table);
    }

    private static string Rate(double amount, double seconds) => amount > 0 ? $"{amount / seconds / 1e9:0.0}" : "";

    // As options take it.
    private static string Word(Enum value) => DeclaredOption.TextOf(value)!;

    // The machine and the date, and then the figures, if they are to go to a file.
    private void Save(NetworkSpec spec, Device device, object figures)
    {
        if (Output == null) return;
        JsonObject file = new()
        {
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
            ["device"] = DeviceUse.Describe(device),
            ["network"] = spec.ToString(),
            ["batch_size"] = BatchSize,
        };
        foreach ((string name, JsonNode? value) in JsonSerializer.SerializeToNode(figures)!.AsObject()) file[name] = value?.DeepClone();
        JsonFile.Write(Output, file);
    }
}
