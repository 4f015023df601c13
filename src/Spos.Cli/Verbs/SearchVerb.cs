using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.Nni;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Phase 2: evolution over the supernet's paths.</summary>
[Place(3)]
[Verb("search", HelpText = "Phase 2: search the trained supernet by evolution under limits of FLOPs, parameters and latency.")]
[Example("Search a supernet trained on ImageNet", "--imagenet-dir /data/imagenet")]
internal sealed class SearchVerb : PhaseOptions, IScoringOptions, IListenOptions, IVerb
{
    [Option("strategy", Default = SearchStrategy.Evolution, HelpText =
        "How candidates are found: evolution; nsga2, for a front of accuracy and costs, by default of paths of any FLOPs; or random paths "
        + "alone at the same budget.")]
    [Influences(Influence.Later)]
    public SearchStrategy Strategy { get; set; } = SearchStrategy.Evolution;

    [Option(CostName.ObjectivesOption, Separator = ',', HelpText =
        "What nsga2 makes less of while it makes more of accuracy: flops, params, latency (by --latency-table) or several of them "
        + "(default: flops).")]
    [OneOf(CostName.Flops, CostName.Parameters, CostName.Latency), Influences(Influence.Later)]
    public IEnumerable<string> Objectives { get; set; } = [];

    [Option("predictor", HelpText =
        "Make more mutations and crossovers than are scored, and score those that a predictor, which learns from the scores so far, "
        + "expects most of: ridge, for ridge regression (default: score all that are made).")]
    [Influences(Influence.Kept)]
    public PredictorKind? Predictor { get; set; }

    [Option("predictor-pool", HelpText = "Mutations and crossovers that are made for each that --predictor has scored (default: 10).")]
    [InRange(1, 1000), Influences(Influence.Kept)]
    public int? PredictorPool { get; set; }

    [Option("max-epochs", Default = 20, HelpText = "Generations.")]
    [InRange(1, 100_000), Influences(Influence.Later)]
    public int MaxEpochs { get; set; } = 20;

    [Option("num-select", Default = 10, HelpText =
        "Parents: the best of all generations. With nsga2 they are the population, and this is how many of each generation are exported.")]
    [InRange(2, 100_000), Influences(Influence.Later)]
    public int NumSelect { get; set; } = 10;

    [Option("num-population", Default = 50, HelpText = "Candidates of a generation.")]
    [InRange(2, 100_000), Influences(Influence.Later)]
    public int NumPopulation { get; set; } = 50;

    [Option("m-prob", Default = 0.1f, HelpText = "Probability that mutation redraws a block's choice.")]
    [InRange(0, 1, AboveLeast = true), Influences(Influence.Later)]
    public float MProb { get; set; } = 0.1f;

    [Option("num-crossover", Default = 25, HelpText = "Crossovers of a generation.")]
    [InRange(0, 100_000), Influences(Influence.Later)]
    public int NumCrossover { get; set; } = 25;

    [Option("num-mutation", Default = 25, HelpText = "Mutations of a generation.")]
    [InRange(0, 100_000), Influences(Influence.Later)]
    public int NumMutation { get; set; } = 25;

    [Option("max-trials", Default = 99_999, HelpText = "Most candidates in all.")]
    [InRange(1, 999_999_999), Influences(Influence.Later)]
    public int MaxTrials { get; set; } = 99_999;

    [Option("max-duration", HelpText =
        "End the search after this time, such as 90m, 12h or 7d, with what it has found (default: no limit).")]
    [Duration, Influences(Influence.Later)]
    public string? MaxDuration { get; set; }

    [Option("concurrency", Default = 1, HelpText =
        "Candidates scored at once, each by its share of the threads. Results do not depend on it.")]
    [InRange(1, 256), Influences(Influence.None)]
    public int Concurrency { get; set; } = 1;

    public string? Listen { get; set; }

    public string? SecretFile { get; set; }

    public bool OnlyWorkers { get; set; }

    public int? AuditEvery { get; set; }

    public int? WorkerTimeout { get; set; }

    public string CheckpointPath { get; set; } = "runs/supernet";

    public int TrainIters { get; set; } = 200;

    public int TrainBatchSize { get; set; } = 128;

    public int TestBatchSize { get; set; } = 512;

    public string SelectOn { get; set; } = IScoreOptions.OnHeldOut;

    public float? HeldOut { get; set; }

    public double? FlopsLimit { get; set; }

    public double? FlopsLb { get; set; }

    public double? ParamsLimit { get; set; }

    public double? ParamsLb { get; set; }

    public double? LatencyLimit { get; set; }

    public double? LatencyLb { get; set; }

    public string? LatencyTablePath { get; set; }

    public string? FlopsTablePath { get; set; }

    public string? SearchSpacePath { get; set; }

    // Of a longer front, the dearest; the file has all.
    private const int MostShown = 20;

    public int Run()
    {
        bool forFront = Strategy == SearchStrategy.Nsga2;
        if (Objectives.Any() && !forFront) throw new UsageException("--objectives are those of --strategy nsga2.");
        if (PredictorPool != null && Predictor == null) throw new UsageException("--predictor-pool needs --predictor ridge.");
        var defaults = new EvolutionOptions();
        var spec = new SearchSpec
        {
            Setup = Setup(RunKind.Search),
            Scoring = ((IScoringOptions)this).Scoring with { AnyFlops = forFront },
            Evolution = defaults with
            {
                Strategy = Strategy,
                MaxEpochs = MaxEpochs,
                NumSelect = NumSelect,
                NumPopulation = NumPopulation,
                MutationProbability = MProb,
                NumCrossover = NumCrossover,
                NumMutation = NumMutation,
                MaxTrials = MaxTrials,
                Predictor = Predictor,
                PredictorPool = PredictorPool ?? defaults.PredictorPool,
            },
            Objectives = [.. Objectives.Select(name => CostName.MeasureOf(name)!.Name)],
            MaxDuration = MaxDuration == null ? null : DurationAttribute.Parse(MaxDuration),
            Concurrency = Concurrency,
            Pool = ((IListenOptions)this).Pool(Plan),
        };
        SearchResult? result = Watch(RunKind.Search, context => PathSearch.Run(spec, context), new SearchConfigFile());
        if (result == null) return ExitCode.Stopped;
        (Candidate best, SelectionNoise noise) = (result.Best, result.Noise);
        if (forFront) ShowFront(result);
        ResultTable.Print(
            result.IsWhole ? "Search done" : $"Search ended after --max-duration {MaxDuration}",
            [
                ("candidates", $"{result.Candidates.Count}"),
                ("architecture", $"{best.Path}"),
                .. result.Costs.Select(cost =>
                    ((string, string?))(cost.Measure.Name, cost.Measure.NumberOf(cost.Of(best.Path)))),
                ("latency measured with", result.Latencies?.Conditions),
                ("top-1 in the supernet", $"{best.Top1:0.0%}"),
                ("of all candidates", $"mean {noise.Mean:0.0%}, standard deviation {noise.Deviation * 100:0.0} points"),
                ("first generation, mean", $"{result.Candidates.Where(c => c.Generation == 0).Average(c => c.Top1):0.0%}"),
                ("predictor", PredictionOf(result.Predictions)),
                ("pictures", $"{result.Pictures}"),
                ("standard error", $"{noise.StandardError * 100:0.0} points, of a score on {noise.Pictures} pictures"),
                ("best by chance alone", $"{noise.BestByChance:0.0%}, if all {noise.Candidates} candidates were equally good"),
                ("front", $"{result.Front.Count} candidates, in {Path.Combine(result.Folder, FrontFiles.TableName)}"),
                ("damaged pictures", $"{result.Damage}"),
                ResultTable.RowOfRefused(result.Damage),
                ("architecture file", result.ArchitectureFile),
                .. result.Objectives.Select(cost => (
                    "plot", (string?)Plots.AccuracyOver(cost, result.Folder, result.Candidates, best, result.Front))),
                ("plot", Plots.BestOverGenerations(result.Folder, result.Candidates)),
            ]);
        if (noise.IsChance)
        {
            string more = SelectOn == IScoreOptions.OnVal
                ? "more pictures in val"
                : "a supernet with a larger --held-out, or --select-on val";
            Notice.Warn(
                $"the best score, {noise.Best:0.0%}, is no more than what chance makes of {noise.Candidates} equally good candidates on "
                + $"{noise.Pictures} pictures ({noise.BestByChance:0.0%}). It says little about which is best: "
                + $"compare on more pictures ({more}).");
        }
        return ExitCode.Success;
    }

    private static string? PredictionOf(IReadOnlyList<PredictedGeneration> predictions)
    {
        IEnumerable<string> taus = predictions.Select(one => double.IsNaN(one.KendallTau) ? "none" : $"{one.KendallTau:0.00}");
        return predictions.Count == 0 ? null
            : $"Kendall's τ of predictions and scores {string.Join(", ", taus)}, from generation {predictions[0].Generation + 1} on";
    }

    private static void ShowFront(SearchResult result)
    {
        Table table = PlainTable.New(["", .. result.Costs.Select(cost => cost.Measure.Name), "top-1", "architecture"]);
        foreach ((int index, Candidate candidate) in result.Front.Index().TakeLast(MostShown))
        {
            table.AddRow(
                [
                    $"{index}", .. result.Costs.Select(cost => cost.Measure.NumberOf(cost.Of(candidate.Path))), $"{candidate.Top1:0.0%}",
                    $"{candidate.Path}",
                ]);
        }
        PlainTable.Write(table);
    }
}
