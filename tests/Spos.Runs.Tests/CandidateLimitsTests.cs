using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>Searches and rankings under limits of FLOPs and parameters.</summary>
[Collection("searches")]
public sealed class CandidateLimitsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-limits-").FullName;

    public CandidateLimitsTests()
    {
        var spec = new SupernetSpec { Setup = Training("supernet"), Sizes = Tiny, PathsPerStep = 2, HeldOut = 0, RandomPaths = 1 };
        Run(SupernetTraining.Run, spec);
    }

    [Fact]
    public void All_candidates_keep_all_limits()
    {
        SearchResult free = Run(PathSearch.Run, Search("free", Scoring))!;
        (CostTable flops, CostTable parameters) = (free.Costs[0], free.Costs[1]);
        // Middling ones, which the unlimited search does not keep.
        ScoringSpec limits = Scoring with
        {
            FlopsLeast = At(flops, 0.35),
            FlopsLimit = At(flops, 0.65),
            ParamsLeast = At(parameters, 0.35),
            ParamsLimit = At(parameters, 0.65),
        };
        SearchResult found = Run(PathSearch.Run, Search("limited", limits))!;
        Assert.Equal(12, found.Candidates.Count);
        Assert.All(found.Candidates, c => Keeps(c.Path));
        Assert.Contains(free.Candidates, c => parameters.Of(c.Path) < limits.ParamsLeast);
        // It is found again where it was left, and not by others.
        Assert.Equal(found.Candidates, Run(PathSearch.Run, Search("limited", limits))!.Candidates);
        ScoringSpec other = limits with { ParamsLimit = null };
        string refusal = Assert.Throws<UsageException>(() => Run(PathSearch.Run, Search("limited", other))).Message;
        Assert.Matches(@"search\.json was made with --params-limit \d+(\.\d+)?, not \(unset\)\.", refusal);

        var rank = new RankSpec
        {
            Setup = Training("rank"),
            Scoring = limits,
            NumArchitectures = 3,
            Recalibrations = 1,
            TrainingOptions = [],
        };
        RankResult ranked = Run(Ranking.Run, rank)!;
        Assert.All(ranked.Architectures, a => Keeps(Architecture.Parse(a.Architecture)));

        void Keeps(Architecture path)
        {
            Assert.InRange(flops.Of(path), limits.FlopsLeast!.Value, limits.FlopsLimit!.Value);
            Assert.InRange(parameters.Of(path), limits.ParamsLeast!.Value, limits.ParamsLimit!.Value);
        }
    }

    [Fact]
    public void Limits_that_no_path_keeps_are_refused_by_their_options()
    {
        SearchResult free = Run(PathSearch.Run, Search("free", Scoring))!;
        (CostTable flops, CostTable parameters) = (free.Costs[0], free.Costs[1]);
        Architecture cheapest = Cheapest(flops);
        string has = @"this network's have [\d.]+M to [\d.]+M";
        Refused(Scoring with { FlopsLimit = 5 }, $"^--flops-limit 5: no path is within it; {has} FLOPs.$");
        Refused(
            Scoring with { FlopsLeast = 4e12, FlopsLimit = null },
            "^--flops-lb 4000000000000 is above --flops-limit [0-9.]+, its default: this");
        Refused(Scoring with { FlopsLeast = 4e12, FlopsLimit = 5e12 }, $"^--flops-lb 4000000000000: no path comes up to it; {has} FLOPs.$");
        Refused(Scoring with { ParamsLimit = 5 }, $"^--params-limit 5: no path is within it; {has} parameters.$");
        Refused(Scoring with { ParamsLeast = 1e9 }, $"^--params-lb 1000000000: no path comes up to it; {has} parameters.$");
        Refused(Scoring with { ParamsLeast = 6, ParamsLimit = 5 }, $"^--params-lb 6 is above --params-limit 5: {has} parameters.$");
        // The least FLOPs go with one number of parameters alone.
        Refused(
            Scoring with { FlopsLimit = flops.Least, ParamsLeast = parameters.Of(cheapest) + 1 },
            $"^--flops-limit {flops.Least}, --params-lb [0-9]+: no path keeps all of these limits; {has} FLOPs and .+M parameters.$");
        Assert.Equal(["free", "supernet"], Directory.GetDirectories(_folder).Select(Path.GetFileName).Order());

        void Refused(ScoringSpec scoring, string says) =>
            Assert.Matches(says, Assert.Throws<UsageException>(() => Run(PathSearch.Run, Search("refused", scoring))).Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ScoringSpec Scoring => new()
    {
        Checkpoint = Path.Combine(_folder, "supernet"),
        TrainIters = 1,
        TrainBatchSize = 6,
        OnVal = true,
        FlopsLimit = 1e12,
    };

    private static double At(CostTable costs, double share) => costs.Least + share * (costs.Most - costs.Least);

    private static Architecture Cheapest(CostTable costs) => new(
        Enumerable.Range(0, costs.Space.Blocks.Length).Select(b => costs.Of(b).ToArray().Index().MinBy(c => c.Item).Index));

    private SearchSpec Search(string folder, ScoringSpec scoring) => new()
    {
        Setup = Setup(folder),
        Scoring = scoring,
        Evolution = new EvolutionOptions { MaxEpochs = 2, NumPopulation = 6, NumSelect = 3, NumCrossover = 2, NumMutation = 2 },
    };

    private RunSetup Setup(string folder) => new()
    {
        Data = Data,
        Folder = Path.Combine(_folder, folder),
        Options = [],
    };

    private TrainingSetup Training(string folder) =>
        new(Setup(folder), new TrainingOptions { Epochs = 1, BatchSize = 6, LearningRate = 0.05f });
}
