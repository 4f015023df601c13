using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>Searches for a front of accuracy and latency.</summary>
[Collection("searches")]
public sealed class LatencySearchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-latency-search-").FullName;
    private readonly CostTable _latency;

    public LatencySearchTests()
    {
        var training = new TrainingSetup(Setup("supernet"), new TrainingOptions { Epochs = 1, BatchSize = 6, LearningRate = 0.05f });
        Run(SupernetTraining.Run, new SupernetSpec { Setup = training, Sizes = Tiny, PathsPerStep = 2, HeldOut = 0, RandomPaths = 1 });
        (NetworkSpec network, _, _) = NamedNetwork.Of(At("supernet"), null, _ => { });
        // Those that have few FLOPs take long.
        _latency = new CostTable(network.Space, 1_000_000, [
            [40_000, 20_000, 0, 10_000], [7_000, 3_000, 0, 5_000], [900, 500, 0, 300], [60, 20, 0, 10]], CostMeasure.Latency);
        var table = new LatencyTable
        {
            Device = "host",
            Precision = "fp32",
            BatchSize = 1,
            Network = LatencyNetwork.Of(network),
            Constant = _latency.Fixed,
            Blocks = LatencyTable.BlocksOf(_latency),
        };
        table.Write(At("latency.json"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_front_over_latency_has_what_no_other_candidate_dominates(bool flopsToo)
    {
        string[] objectives = flopsToo ? [CostMeasure.Flops.Name, CostMeasure.Latency.Name] : [CostMeasure.Latency.Name];
        SearchResult found = Run(PathSearch.Run, Search("front", objectives))!;
        CostTable[] costs = flopsToo ? [found.Costs[0], found.Costs[2]] : [found.Costs[2]];
        Assert.Equal(CostMeasure.Latency, found.Costs[2].Measure);
        bool IsWorse(Candidate one, Candidate other) =>
            other.Top1 >= one.Top1 && costs.All(cost => cost.Of(other.Path) <= cost.Of(one.Path))
            && (other.Top1 > one.Top1 || costs.Any(cost => cost.Of(other.Path) < cost.Of(one.Path)));
        bool IsSame(Candidate one, Candidate other) =>
            other.Top1.Equals(one.Top1) && costs.All(cost => cost.Of(other.Path) == cost.Of(one.Path));
        Assert.All(found.Front, member => Assert.DoesNotContain(found.Candidates, other => IsWorse(member, other)));
        // Who is not of it is dominated, or the same in all.
        Assert.All(
            found.Candidates.Except(found.Front),
            one => Assert.Contains(found.Front, member => IsWorse(one, member) || IsSame(one, member)));
        long[] order = [.. found.Front.Select(member => costs[0].Of(member.Path))];
        Assert.Equal(order.Order(), order);

        // The file tells each one's time, and the same search leaves the same file.
        string file = At($"front/{FrontFiles.TableName}"), text = File.ReadAllText(file);
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.Equal(
            found.Front.Select(member => _latency.Of(member.Path)),
            document.RootElement.EnumerateArray().Select(member => member.GetProperty("costs").GetProperty("latency").GetInt64()));
        Assert.Equal(found.Candidates, Run(PathSearch.Run, Search("front", objectives))!.Candidates);
        Assert.Equal(text, File.ReadAllText(file));
        Run(PathSearch.Run, Search("again", objectives));
        Assert.Equal(text, File.ReadAllText(At($"again/{FrontFiles.TableName}")));
    }

    [Fact]
    public void Other_objectives_find_other_candidates()
    {
        SearchResult latency = Run(PathSearch.Run, Search("latency", [CostMeasure.Latency.Name]))!;
        SearchResult flops = Run(PathSearch.Run, Search("flops", [CostMeasure.Flops.Name]))!;
        Assert.NotEqual(latency.Candidates.Select(c => c.Path), flops.Candidates.Select(c => c.Path));
        Assert.NotEqual(latency.Front.Select(c => c.Path), flops.Front.Select(c => c.Path));
    }

    [Fact]
    public void Without_a_table_there_is_no_front_of_latency()
    {
        SearchSpec search = Search("none", [CostMeasure.Latency.Name]);
        search = search with { Scoring = search.Scoring with { LatencyTable = null } };
        Assert.Equal(
            "--objectives latency needs a --latency-table: spos latency measure makes one.",
            Assert.Throws<UsageException>(() => Run(PathSearch.Run, search)).Message);
        Assert.False(Directory.Exists(At("none")));
    }

    [Fact]
    public void A_table_of_another_precision_is_warned_of()
    {
        SearchSpec search = Search("bf16", [CostMeasure.Latency.Name]);
        Assert.Empty(Warned(search));
        string told = Assert.Single(Warned(search with { Setup = Setup("fp32") with { Precision = Precision.Bf16 } }));
        Assert.Equal(
            $"{At("latency.json")} was measured in fp32, and candidates are scored in bf16: its times are not those of bf16. "
            + "spos latency measure --precision bf16 measures them.",
            told);
    }

    [Fact]
    public void A_table_that_predicts_badly_is_warned_of()
    {
        SearchSpec search = Search("doubted", [CostMeasure.Latency.Name]);
        string file = At("latency.json");
        (NetworkSpec network, _, _) = NamedNetwork.Of(At("supernet"), null, _ => { });
        (LatencyTable.Read(file, network).Table with { Validation = new LatencyValidation(0.1, 0.2, []) }).Write(file);
        Assert.Equal(
            [$"{file}: predictions are off by 20.0% in the mean, which is more than 5%."],
            Warned(search));
    }

    [Fact]
    public void The_times_of_another_program_hold_whatever_candidates_are_scored_in()
    {
        SearchSpec search = Search("onnx", [CostMeasure.Latency.Name]);
        string file = At("latency.json");
        (NetworkSpec network, _, _) = NamedNetwork.Of(At("supernet"), null, _ => { });
        (LatencyTable.Read(file, network).Table with { Target = LatencyTable.OnnxRuntime, TargetVersion = "1.31.1" }).Write(file);
        SearchSpec bf16 = search with { Setup = Setup("bf16") with { Precision = Precision.Bf16 } };
        Assert.Empty(Warned(bf16));
        Assert.EndsWith("by onnxruntime 1.31.1", Run(PathSearch.Run, bf16)!.Latencies!.Conditions, StringComparison.Ordinal);
    }

    [Fact]
    public void Networks_of_a_front_over_latency_lie_along_it()
    {
        RunOption objectives = new(CostName.ObjectivesOption, "latency,params", null, Influence.Later);
        SearchSpec search = Search("search", [CostMeasure.Latency.Name, CostMeasure.Parameters.Name]);
        Run(PathSearch.Run, search with { Setup = search.Setup with { Options = [objectives] } });
        // The search has a table of its own.
        byte[] table = File.ReadAllBytes(At("latency.json"));
        File.Delete(At("latency.json"));
        FrontSpec spec = Front("front");
        FrontResult result = Run(FrontTraining.Run, spec)!;
        Assert.Equal(["latency", "FLOPs", "parameters"], result.Costs.Select(cost => cost.Measure.Name));
        Assert.Equal(["latency", "parameters"], result.Objectives.Select(measure => measure.Name));
        long[] times = [.. result.Networks.Select(one => _latency.Of(Architecture.Parse(one.Network.Architecture)))];
        Assert.Equal(times, result.Networks.Select(one => one.Costs[0]));
        Assert.Equal(times.Order(), times);
        // As evenly along it as the front lets them be, and not along what else there is.
        IReadOnlyList<FrontMember> members = FrontFiles.Read(At("search/front.json"), _latency.Space);
        double[] all = [.. members.Select(member => (double)_latency.Of(Architecture.Parse(member.Architecture)))];
        Assert.Equal(
            EvenSpread.Choose(all, spec.NumNetworks).Select(place => members[place].Architecture),
            result.Networks.Where(one => one.Network.Source == FrontSource.Front).Select(one => one.Network.Architecture));
        TrainedNetwork random = result.Networks.Single(one => one.Network.Source == FrontSource.Random);
        Assert.InRange(random.Costs[0], all.Min(), all.Max());

        // A copy that somebody has changed is no table of that search.
        string copy = At("search/latency-table.json");
        Assert.Equal(table, File.ReadAllBytes(copy));
        File.WriteAllText(copy, File.ReadAllText(copy).Replace("40000", "40001", StringComparison.Ordinal));
        Assert.Contains(
            "it has changed since", Assert.Throws<LatencyTableException>(() => Run(FrontTraining.Run, spec)).Message,
            StringComparison.Ordinal);
        File.Delete(copy);
        Assert.Contains(
            "is missing", Assert.Throws<CheckpointException>(() => Run(FrontTraining.Run, spec)).Message, StringComparison.Ordinal);

        SearchSpec none = Search("none", []);
        Run(PathSearch.Run, none with { Scoring = none.Scoring with { LatencyTable = null } });
        FrontSpec along = Front("refused") with { Search = At("none"), Along = CostMeasure.Latency };
        Assert.Equal(
            $"--along latency: the search of {At("none")} had no --latency-table.",
            Assert.Throws<UsageException>(() => Run(FrontTraining.Run, along)).Message);
    }

    [Fact]
    public void A_table_is_needed_only_where_latency_matters_and_is_read_with_the_classes_of_the_search()
    {
        RunOption objectives = new(CostName.ObjectivesOption, "flops", null, Influence.Later);
        SearchSpec search = Search("search", []);
        Run(PathSearch.Run, search with { Setup = search.Setup with { Options = [objectives] } });
        // As many pictures of fewer classes.
        foreach (string file in Directory.GetFiles(Data.Folder, "*", SearchOption.AllDirectories))
        {
            string[] parts = Path.GetRelativePath(Data.Folder, file).Split('/');
            string[] classes = [.. Directory.GetDirectories(Path.Combine(Data.Folder, parts[0])).Select(Path.GetFileName).Order().Skip(1)!];
            string name = classes.Contains(parts[1]) ? parts[1] : classes[0];
            string folder = Directory.CreateDirectory(Path.Combine(At("pictures"), parts[0], name)).FullName;
            File.Copy(file, Path.Combine(folder, $"{parts[1]}-{parts[^1]}"));
        }
        FrontSpec fewer = Front("fewer");
        DataSpec data = Data with { Folder = At("pictures"), AcceptChanged = true };
        fewer = fewer with { Setup = fewer.Setup with { Data = data } };
        Assert.Equal(
            ["FLOPs", "parameters", "latency"], Run(FrontTraining.Run, fewer)!.Costs.Select(cost => cost.Measure.Name));

        File.Delete(At("search/latency-table.json"));
        using var observer = new RecordingObserver();
        FrontResult without = FrontTraining.Run(Front("without"), Context(observer))!;
        Assert.Equal(["FLOPs", "parameters"], without.Costs.Select(cost => cost.Measure.Name));
        Assert.Contains(observer.Said, said => said.StartsWith("Latencies are not told: ", StringComparison.Ordinal));
        Assert.Contains(
            "is missing",
            Assert.Throws<CheckpointException>(() => Run(FrontTraining.Run, Front("none") with { Along = CostMeasure.Latency })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_front_of_before_there_was_latency_goes_on_along_its_own_cost()
    {
        RunOption objectives = new(CostName.ObjectivesOption, "latency,params", null, Influence.Later);
        SearchSpec search = Search("search", [CostMeasure.Latency.Name, CostMeasure.Parameters.Name]);
        Run(PathSearch.Run, search with { Setup = search.Setup with { Options = [objectives] } });
        FrontResult before = Run(FrontTraining.Run, Front("front") with { Along = CostMeasure.Parameters })!;
        Assert.DoesNotContain(KeptOptions.LatencyTableFact, File.ReadAllText(At("front/networks.json")), StringComparison.Ordinal);
        FrontResult after = Run(FrontTraining.Run, Front("front"))!;
        Assert.Equal(before.Networks.Select(one => one.Network), after.Networks.Select(one => one.Network));
        FrontSpec anew = Front("front");
        Assert.Equal(
            CostMeasure.Latency, Run(FrontTraining.Run, anew with { Setup = anew.Setup with { Restart = true } })!.Costs[0].Measure);
    }

    [Fact]
    public void Scores_that_another_strategy_does_not_propose_again_are_kept()
    {
        SearchSpec front = Search("kept", []);
        string file = At("kept/search.json");
        SearchResult first = Run(PathSearch.Run, front)!;
        Dictionary<string, double> paid = Scores();
        Assert.Equal(first.Candidates.Count, paid.Count);
        SearchSpec random = front with { Evolution = front.Evolution with { Strategy = SearchStrategy.Random } };
        SearchResult other = Run(PathSearch.Run, random)!;
        Assert.NotEmpty(first.Candidates.ExceptBy(other.Candidates.Select(one => one.Path), one => one.Path));
        Dictionary<string, double> both = Scores();
        Assert.Equal(
            first.Candidates.Concat(other.Candidates).Select(one => $"{one.Path}").Distinct().Order(), both.Keys.Order());
        Assert.All(paid, score => Assert.Equal(score.Value, both[score.Key]));
        // The result is of the candidates of this strategy alone.
        SearchResult alone = Run(PathSearch.Run, random with { Setup = Setup("alone") })!;
        Assert.Equal(alone.Candidates, other.Candidates);

        // What was paid for by the first one is not scored again.
        using var observer = new RecordingObserver();
        SearchResult again = PathSearch.Run(front, Context(observer))!;
        Assert.Equal(first.Candidates, again.Candidates);
        Assert.Contains(observer.Said, told => told.Contains($"; {both.Count} are known already", StringComparison.Ordinal));

        Dictionary<string, double> Scores()
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            return document.RootElement.GetProperty("Scores").EnumerateArray()
                .ToDictionary(one => one.GetProperty("Architecture").GetString()!, one => one.GetProperty("Top1").GetDouble());
        }
    }

    [Fact]
    public void A_search_that_goes_on_with_another_strategy_and_so_another_limit_is_told_of_the_strategy()
    {
        SearchSpec front = Search("strategy", []);
        Run(PathSearch.Run, front);
        SearchSpec evolution = front with
        {
            Scoring = front.Scoring with { AnyFlops = false },
            Evolution = front.Evolution with { Strategy = SearchStrategy.Evolution },
        };
        string told = Assert.Throws<UsageException>(() => Run(PathSearch.Run, evolution)).Message;
        Assert.Matches(@"was made with --flops-limit \(unset\), not [\d.]+, the default of --strategy evolution\. Give it the same,", told);
        told = Assert.Throws<UsageException>(
            () => Run(PathSearch.Run, front with { Scoring = front.Scoring with { FlopsLimit = 1e12 } })).Message;
        Assert.Contains("was made with --flops-limit (unset), not 1000000000000. Give it the same,", told, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // What is said of the table.
    private static IEnumerable<string> Warned(SearchSpec spec)
    {
        using var observer = new RecordingObserver();
        PathSearch.Run(spec, Context(observer));
        return observer.Said.Where(told => told.Contains("latency.json", StringComparison.Ordinal));
    }

    private string At(string name) => Path.Combine(_folder, name);

    private SearchSpec Search(string folder, string[] objectives) => new()
    {
        Setup = Setup(folder),
        Scoring = new ScoringSpec
        {
            Checkpoint = At("supernet"),
            TrainIters = 1,
            TrainBatchSize = 6,
            OnVal = true,
            AnyFlops = true,
            LatencyTable = At("latency.json"),
        },
        Evolution = new EvolutionOptions
        {
            Strategy = SearchStrategy.Nsga2,
            MaxEpochs = 4,
            NumPopulation = 8,
            NumSelect = 3,
            NumCrossover = 4,
            NumMutation = 4,
        },
        Objectives = objectives,
    };

    private FrontSpec Front(string folder) => new()
    {
        Setup = new TrainingSetup(Setup(folder), new TrainingOptions { Epochs = 1, BatchSize = 6, LearningRate = 0.05f }),
        Search = At("search"),
        NumNetworks = 3,
        Random = 1,
        TrainingOptions = [],
    };

    private RunSetup Setup(string folder) => new()
    {
        Data = Data,
        Folder = At(folder),
        Options = [],
    };
}
