using System.Text.Json;
using Spos.Engine.Autograd;
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

    private RunSetup Setup(string folder) => new()
    {
        Data = Data,
        Folder = At(folder),
        Options = [],
    };
}
