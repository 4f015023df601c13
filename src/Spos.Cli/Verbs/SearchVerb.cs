using System.Globalization;
using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Nni;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Logs;
using Spos.Space;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>Phase 2: evolution over the supernet's paths.</summary>
[Verb("search", HelpText = "Phase 2: search the trained supernet by evolution under a FLOPs limit.")]
internal sealed class SearchVerb : PhaseOptions, IScoringOptions, IVerb
{
    [Option("config", HelpText = "Take options from this file, NNI's config_search.yml; those on the command line win (default: none).")]
    [SearchConfig]
    [Influences(Influence.None)]
    public string? Config { get; set; }

    [Option("search-space", HelpText = "Check that this file, NNI's nni_auto_gen_search_space.json, describes the supernet (default: none).")]
    [Input(PathKind.File)]
    [Influences(Influence.None)]
    public string? SearchSpacePath { get; set; }

    [Option("strategy", Default = SearchStrategy.Evolution, HelpText = "How candidates are found: evolution, or random paths alone at the same budget.")]
    [Influences(Influence.Later)]
    public SearchStrategy Strategy { get; set; } = SearchStrategy.Evolution;

    [Option("max-epochs", Default = 20, HelpText = "Generations.")]
    [InRange(1, 100_000)]
    [Influences(Influence.Later)]
    public int MaxEpochs { get; set; } = 20;

    [Option("num-select", Default = 10, HelpText = "Parents: the best of all generations.")]
    [InRange(2, 100_000)]
    [Influences(Influence.Later)]
    public int NumSelect { get; set; } = 10;

    [Option("num-population", Default = 50, HelpText = "Candidates of a generation.")]
    [InRange(2, 100_000)]
    [Influences(Influence.Later)]
    public int NumPopulation { get; set; } = 50;

    [Option("m-prob", Default = 0.1f, HelpText = "Probability that mutation redraws a block's choice.")]
    [InRange(0, 1, AboveLeast = true)]
    [Influences(Influence.Later)]
    public float MProb { get; set; } = 0.1f;

    [Option("num-crossover", Default = 25, HelpText = "Crossovers of a generation.")]
    [InRange(0, 100_000)]
    [Influences(Influence.Later)]
    public int NumCrossover { get; set; } = 25;

    [Option("num-mutation", Default = 25, HelpText = "Mutations of a generation.")]
    [InRange(0, 100_000)]
    [Influences(Influence.Later)]
    public int NumMutation { get; set; } = 25;

    [Option("max-trials", Default = 99_999, HelpText = "Most candidates in all.")]
    [InRange(1, 999_999_999)]
    [Influences(Influence.Later)]
    public int MaxTrials { get; set; } = 99_999;

    [Option("max-duration", HelpText = "End the search after this time, such as 90m, 12h or 7d, with what it has found (default: no limit).")]
    [Duration]
    [Influences(Influence.Later)]
    public string? MaxDuration { get; set; }

    [Option("concurrency", Default = 1, HelpText = "Candidates scored at once, each by its share of the threads. Results do not depend on it.")]
    [InRange(1, 256)]
    [Influences(Influence.None)]
    public int Concurrency { get; set; } = 1;

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoringOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public double? FlopsLimit { get; set; }

    public string? FlopsTablePath { get; set; }

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
    [
        new("Search a supernet trained on ImageNet", new SearchVerb { ImagenetDir = "/data/imagenet", CheckpointPath = "runs/supernet" }),
    ];

    public int Run()
    {
        TimeSpan? limit = MaxDuration == null ? null : Duration.Parse(MaxDuration);
        RequireFolder(RunKind.Search);
        using var supernet = new Supernet(this);
        CheckSearchSpace(supernet);
        EvolutionOptions options = Options(supernet);
        Device device = OpenDevice();
        (ImageFolder all, ImageFolder val) = OpenBoth();
        (ImageFolder train, ImageFolder selection) = supernet.Divide(all, val, AcceptChangedData);
        using RunFolder folder = OpenFolder(RunKind.Search);
        var state = new SearchState(folder.Folder, new KeptOptions(this, supernet.CameTo(PreprocessingOf(supernet.Header))), DataRecord.Of(all, val), AcceptChangedData);
        DamageReport damage = Damage();

        device.Threads = Math.Max(1, device.Threads / Concurrency);
        using BatchSource calibration = EvaluationData.Calibration(device, train, supernet.Spec.ImageSize, TrainIters, TrainBatchSize, Workers, Seed, PreprocessingOf(supernet.Header), Decoder, damage);
        using BatchSource test = EvaluationData.Test(device, selection, supernet.Spec.ImageSize, TestBatchSize, Workers, PreprocessingOf(supernet.Header), Decoder, damage);
        using var scorers = new Scorers(supernet, () => NewSession(device), Concurrency);
        // All that can be refused has been: now what is there may go.
        Dictionary<string, double> known = Known(folder, state, supernet.Spec.Space);
        RunRecord.Write(folder, this, device, NetworkRecord.Of(supernet.Spec, PreprocessingOf(supernet.Header)), all.Classes);
        SortedDictionary<string, string?> repeated = RunRecord.OptionsOf(this);
        repeated["flops-limit"] = Convert.ToString(supernet.FlopsLimit, CultureInfo.InvariantCulture);
        SearchConfig.Write(Path.Combine(folder.Folder, SearchConfig.FileName), repeated, supernet.Spec.Space);
        using var events = new EventWriter(TbDir ?? folder.Folder, known.Count > 0 ? 1 : 0);
        Notice.Say($"Search: {supernet.Checkpoint}; candidates of at most {supernet.FlopsLimit / 1e6:0.##}M FLOPs, compared on {selection.Samples.Length} pictures{(known.Count > 0 ? $"; {known.Count} are known already" : "")}.");

        var run = new SearchRun(new EvolutionSearch(supernet.Flops, supernet.Sampler, options), options, folder, state, events, known);
        using var stop = new StopSignal();
        using var clock = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        if (limit is { } time) clock.CancelAfter(time);
        bool whole = run.Run(scorers.On(calibration, test, stop.Token), clock.Token);
        if (whole || (!stop.Token.IsCancellationRequested && run.Search.Candidates.Count > 0)) return Report(folder, run.Search, all.Classes, test, damage, whole);
        Notice.Say($"Stopped after {run.Search.Candidates.Count} candidates, saved to {state.FilePath}. To go on, run the same command again.");
        return ExitCode.Stopped;
    }

    private Dictionary<string, double> Known(RunFolder folder, SearchState state, SearchSpace space)
    {
        if (!Restart && state.Load(space) is { } known) return known;
        if (Resume) throw new UsageException($"--resume: {state.FilePath} does not exist.");
        if (!Restart) folder.RequireNoResult(Path.GetFileName(state.FilePath));
        folder.Clear();
        return [];
    }

    private int Report(RunFolder folder, EvolutionSearch search, IEnumerable<string> classes, BatchSource test, DamageReport damage, bool whole)
    {
        Candidate best = search.Best(1)[0];
        string architecture = Path.Combine(folder.Folder, NetworkOrigin.ArchitectureName);
        ArchitectureFile.Write(architecture, best.Path, search.Space);
        SelectionNoise noise = SelectionNoise.Of(test.Pictures, [.. search.Candidates.Select(c => c.Top1)]);
        folder.WriteResult(new
        {
            architecture = best.Path.Blocks,
            flops = best.Flops,
            top1 = best.Top1,
            candidates = search.Candidates.Count,
            whole,
            pictures = test.Pictures,
            left_out = test.LeftOut,
            top1_mean = noise.Mean,
            top1_deviation = noise.Deviation,
            standard_error = noise.StandardError,
            best_by_chance = noise.BestByChance,
            classes,
        });
        ResultTable.Print(
            whole ? "Search done" : $"Search ended after --max-duration {MaxDuration}",
            ("candidates", $"{search.Candidates.Count}"),
            ("architecture", $"{best.Path}"),
            ("FLOPs", $"{best.Flops / 1e6:0.##}M"),
            ("top-1 in the supernet", $"{best.Top1:0.0%}"),
            ("of all candidates", $"mean {noise.Mean:0.0%}, standard deviation {noise.Deviation * 100:0.0} points"),
            ("first generation, mean", $"{search.Candidates.Where(c => c.Generation == 0).Average(c => c.Top1):0.0%}"),
            ("pictures", EvaluationData.Count(test)),
            ("standard error", $"{noise.StandardError * 100:0.0} points, of a score on {noise.Pictures} pictures"),
            ("best by chance alone", $"{noise.BestByChance:0.0%}, if all {noise.Candidates} candidates were equally good"),
            ("damaged pictures", $"{damage}"),
            RowOfRefused(damage),
            ("architecture file", architecture),
            ("plot", Plots.AccuracyOverFlops(folder.Folder, search.Candidates, best)),
            ("plot", Plots.BestOverGenerations(folder.Folder, search.Candidates)));
        if (noise.IsChance)
        {
            string more = SelectOn == IScoringOptions.OnVal ? "more pictures in val" : "a supernet with a larger --held-out, or --select-on val";
            Notice.Warn($"the best score, {noise.Best:0.0%}, is no more than what chance makes of {noise.Candidates} equally good candidates on {noise.Pictures} pictures ({noise.BestByChance:0.0%}). It says little about which is best: compare on more pictures ({more}).");
        }
        return ExitCode.Success;
    }

    private void CheckSearchSpace(Supernet supernet)
    {
        if (SearchSpacePath == null) return;
        try
        {
            SearchSpaceFile.Check(SearchSpacePath, supernet.Spec.Space);
        }
        catch (FormatException error)
        {
            throw new UsageException($"--search-space {error.Message}");
        }
    }

    private EvolutionOptions Options(Supernet supernet)
    {
        var options = new EvolutionOptions
        {
            Strategy = Strategy,
            MaxEpochs = MaxEpochs,
            NumSelect = NumSelect,
            NumPopulation = NumPopulation,
            MutationProbability = MProb,
            NumCrossover = NumCrossover,
            NumMutation = NumMutation,
            MaxTrials = MaxTrials,
            FlopsLimit = supernet.FlopsLimit,
            Seed = Seed,
        };
        try
        {
            options.Validate();
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"--num-population, --num-select, --num-crossover and --num-mutation: {error.Message}");
        }
        return options;
    }
}
