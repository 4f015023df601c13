using System.Text.Json;
using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Pytorch;
using Spos.Engine.Search;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>Which pictures candidates are compared on.</summary>
internal enum SelectOn
{
    /// <summary>The part of train that the supernet was not trained on.</summary>
    HeldOut,

    /// <summary>The validation folder.</summary>
    Val,
}

/// <summary>Phase 2: evolution over the supernet's paths.</summary>
[Verb("search", HelpText = "Phase 2: search the trained supernet by evolution under a FLOPs limit.")]
internal sealed class SearchVerb : DataOptions, IVerb
{
    private const string StateFile = "search.json";

    [Option("checkpoint", Default = "runs/supernet", HelpText = "The supernet: a checkpoint, or the folder of its run.")]
    public string CheckpointPath { get; set; } = "runs/supernet";

    [Option("max-epochs", Default = 20, HelpText = "Generations.")]
    public int MaxEpochs { get; set; } = 20;

    [Option("num-select", Default = 10, HelpText = "Parents: the best of all generations.")]
    public int NumSelect { get; set; } = 10;

    [Option("num-population", Default = 50, HelpText = "Candidates of a generation.")]
    public int NumPopulation { get; set; } = 50;

    [Option("m-prob", Default = 0.1f, HelpText = "Probability that mutation redraws a block's choice.")]
    public float MProb { get; set; } = 0.1f;

    [Option("num-crossover", Default = 25, HelpText = "Crossovers of a generation.")]
    public int NumCrossover { get; set; } = 25;

    [Option("num-mutation", Default = 25, HelpText = "Mutations of a generation.")]
    public int NumMutation { get; set; } = 25;

    [Option("flops-limit", HelpText = "Most FLOPs of a candidate (default: 330e6 for the official sizes, else the mean of all paths).")]
    public double? FlopsLimit { get; set; }

    [Option("flops-table", HelpText = "Count FLOPs by this table, megvii's op_flops_dict.pkl, instead of computing them.")]
    public string? FlopsTablePath { get; set; }

    [Option("train-iters", Default = 200, HelpText = "Training batches that recalibrate batch norm for a candidate.")]
    public int TrainIters { get; set; } = 200;

    [Option("train-batch-size", Default = 128, HelpText = "Pictures of a recalibration batch.")]
    public int TrainBatchSize { get; set; } = 128;

    [Option("test-batch-size", Default = 512, HelpText = "Pictures of a test batch.")]
    public int TestBatchSize { get; set; } = 512;

    [Option("select-on", Default = SelectOn.HeldOut, HelpText = "What candidates are compared on: the part of train that was held out, or val.")]
    public SelectOn SelectOn { get; set; } = SelectOn.HeldOut;

    [Option("held-out", HelpText = "The share of train that the supernet was not trained on (default: what its checkpoint says).")]
    public float? HeldOut { get; set; }

    [Option("resume", HelpText = "Go on with the scores that the output folder holds.")]
    public bool Resume { get; set; }

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Search a supernet trained on ImageNet", new SearchVerb { ImagenetDir = "/data/imagenet", CheckpointPath = "runs/supernet" }),
    ];

    public int Run()
    {
        if (TrainIters < 1 || TrainBatchSize < 2 || TestBatchSize < 1) throw new UsageException("--train-iters and --test-batch-size are at least 1, --train-batch-size at least 2.");
        string checkpoint = RunFolder.NewestCheckpoint(CheckpointPath) ?? throw new CheckpointException($"{CheckpointPath}: no supernet checkpoint there. Run spos supernet first, or name one with --checkpoint.");
        CheckpointHeader header = Checkpoint.ReadHeader(checkpoint);
        if (header.Path != null) throw new CheckpointException($"{checkpoint} is of another network: a single path, {header.Path}. The search needs a supernet's checkpoint.");
        FlopsTable flops = FlopsTablePath == null ? new FlopsTable(header.Spec) : OfficialFlops.Load(FlopsTablePath, header.Spec);
        var sampler = new PathSampler(flops);
        EvolutionOptions options = Options(header.Spec, flops, sampler);
        Device device = OpenDevice();
        (ImageFolder train, ImageFolder selection) = OpenSelection(header);
        var folder = new RunFolder(OutputDir ?? "runs/search");
        DamageReport damage = Damage();

        using var session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, header.Spec);
        Checkpoint.Load(checkpoint, session, network);
        using BatchSource calibration = EvaluationData.Calibration(device, train, header.Spec.ImageSize, TrainIters, TrainBatchSize, Workers, Seed, PreprocessingOf(header), damage);
        using BatchSource test = EvaluationData.Test(device, selection, header.Spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(header), damage);
        Console.WriteLine($"Search: {checkpoint}; candidates of at most {options.FlopsLimit / 1e6:0.##}M FLOPs, compared on {selection.Samples.Length} pictures.");

        var search = new EvolutionSearch(flops, sampler, options);
        string statePath = Path.Combine(folder.Folder, StateFile), identity = Identity(checkpoint, header, options);
        Dictionary<string, double> known = Resume ? LoadScores(statePath, identity) : [];
        using var stop = new StopSignal();
        try
        {
            Candidate best = RunSearch(search, options, known, path =>
            {
                Evaluator.Recalibrate(session, network, path, calibration);
                return Evaluator.Measure(session, network, path, test).Top1;
            }, () => SaveScores(statePath, identity, search.Candidates), stop.Token);
            return Report(folder, search, best, damage);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"Stopped after {search.Candidates.Count} candidates, saved to {statePath}. To go on, run the same command with --resume.");
            return Program.Stopped;
        }
    }

    private static Candidate RunSearch(EvolutionSearch search, EvolutionOptions options, Dictionary<string, double> known, Func<Architecture, double> score, Action save, CancellationToken cancel)
    {
        Candidate? best = null;
        ProgressDisplay.Run("search", (long)options.MaxEpochs * options.NumPopulation, "candidate", display =>
        {
            best = search.Run(
                path => known.TryGetValue(path.ToString(), out double before) ? before : score(path),
                candidate =>
                {
                    if (!known.ContainsKey(candidate.Path.ToString())) save();
                    display.Report(search.Candidates.Count, 1, $"generation {candidate.Generation + 1}  top-1 {candidate.Top1:0.0%}  best {search.Best(1)[0].Top1:0.0%}");
                },
                cancel);
        });
        return best!;
    }

    private static int Report(RunFolder folder, EvolutionSearch search, Candidate best, DamageReport damage)
    {
        string architecture = Path.Combine(folder.Folder, "architecture_final.json");
        ArchitectureFile.Write(architecture, best.Path);
        ResultTable.Print(
            "Search done",
            ("candidates", $"{search.Candidates.Count}"),
            ("architecture", $"{best.Path}"),
            ("FLOPs", $"{best.Flops / 1e6:0.##}M"),
            ("top-1 in the supernet", $"{best.Top1:0.0%}"),
            ("first generation, mean", $"{search.Candidates.Where(c => c.Generation == 0).Average(c => c.Top1):0.0%}"),
            ("damaged pictures", $"{damage.Files}"),
            ("architecture file", architecture),
            ("plot", Plots.AccuracyOverFlops(folder.Folder, search.Candidates, best)),
            ("plot", Plots.BestOverGenerations(folder.Folder, search.Candidates)));
        return Program.Success;
    }

    private EvolutionOptions Options(NetworkSpec spec, FlopsTable flops, PathSampler sampler)
    {
        var options = new EvolutionOptions
        {
            MaxEpochs = MaxEpochs,
            NumSelect = NumSelect,
            NumPopulation = NumPopulation,
            MutationProbability = MProb,
            NumCrossover = NumCrossover,
            NumMutation = NumMutation,
            FlopsLimit = FlopsLimit ?? (spec.IsOfficialSize ? 330e6 : flops.Mean),
            Seed = Seed,
        };
        try
        {
            options.Validate();
            _ = sampler.Within(new Engine.Random.CounterRandom(0, Engine.Random.RandomPurpose.Search, 0), 0, options.FlopsLimit);
        }
        catch (ArgumentException error)
        {
            throw new UsageException(error.Message);
        }
        return options;
    }

    private (ImageFolder Train, ImageFolder Selection) OpenSelection(CheckpointHeader header)
    {
        float share = HeldOut ?? (float.TryParse(header.Options.GetValueOrDefault("held-out"), out float saved) ? saved : 0);
        (ImageFolder all, ImageFolder val) = OpenBoth();
        if (all.Classes.Length != header.Classes) throw new DataException($"{ImagenetDir} has {all.Classes.Length} classes; the supernet was trained on {header.Classes}.");
        (ImageFolder train, ImageFolder held) = HeldOutSplit.Divide(all, share);
        if (SelectOn == SelectOn.Val) return (train, val);
        return share > 0 ? (train, held) : throw new UsageException("--select-on heldout: this supernet was trained on all of train. Use --select-on val.");
    }

    // What scores depend on: scores of another supernet, or on other pictures, must not be mixed in.
    private string Identity(string checkpoint, CheckpointHeader header, EvolutionOptions options) =>
        $"{Path.GetFullPath(checkpoint)} {Convert.ToHexString(header.Sha256)} seed={Seed} train-iters={TrainIters} train-batch-size={TrainBatchSize} select-on={SelectOn} held-out={HeldOut} plan={Plan} spos-preprocessing={PreprocessingOf(header)} flops-table={FlopsTablePath} flops-limit={options.FlopsLimit:R}";

    private static void SaveScores(string path, string identity, IReadOnlyList<Candidate> candidates) => AtomicFile.WriteText(
        path,
        JsonSerializer.Serialize(new SearchState(identity, [.. candidates.Select(c => new SearchState.Score(c.Path.ToString(), c.Generation, c.Flops, c.Top1))])) + "\n");

    private static Dictionary<string, double> LoadScores(string path, string identity)
    {
        if (!File.Exists(path)) throw new UsageException($"--resume: {path} does not exist.");
        try
        {
            SearchState state = JsonSerializer.Deserialize<SearchState>(File.ReadAllText(path)) ?? throw new JsonException("it is empty");
            if (state.Identity != identity) throw new UsageException($"--resume: {path} is of a search with another supernet or other options.");
            return state.Scores.ToDictionary(s => s.Architecture, s => s.Top1);
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{path} is damaged: {error.Message}");
        }
    }

    private sealed record SearchState(string Identity, SearchState.Score[] Scores)
    {
        public sealed record Score(string Architecture, int Generation, double Flops, double Top1);
    }
}
