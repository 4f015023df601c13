using System.Text.Json.Nodes;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>A search that scores candidates together leaves the files of one that scores them one by one.</summary>
[Collection("searches")]
public sealed class TogetherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-together-").FullName;
    private Precision _precision;
    private EvolutionOptions _evolution = new() { MaxEpochs = 2, NumPopulation = 6, NumSelect = 3, NumCrossover = 2, NumMutation = 2 };

    [Theory]
    [InlineData("host", false, Precision.Fp32)]
    [InlineData("host", true, Precision.Fp32)]
    [InlineData("host", false, Precision.Bf16)]
    [InlineData("simt", false, Precision.Fp32)]
    [InlineData("simt", false, Precision.Bf16)]
    public void Every_file_has_the_same_bytes(string kind, bool damaged, Precision precision)
    {
        _precision = precision;
        Device device = DeviceKind.All.First(k => k.Name == kind).Open(0);
        CopyPictures(damaged);
        Train(device);
        SearchResult alone = Search(device, "alone", 1);
        SearchResult together = Search(device, "together", 64);
        Assert.Equal(alone.Candidates, together.Candidates);
        Assert.True(alone.Candidates.Select(c => c.Top1).Distinct().Count() > 1);
        Assert.Equal(alone.Damage.Files, together.Damage.Files);
        Same("alone", "together");
        Search(device, "few", 3, concurrency: 2);
        // The candidate that ends last of two at once is any.
        File.Copy(At("alone", "search.previous.json"), At("few", "search.previous.json"), overwrite: true);
        Same("alone", "few");
    }

    [Theory]
    [InlineData(SearchStrategy.Evolution, null)]
    [InlineData(SearchStrategy.Evolution, PredictorKind.Ridge)]
    [InlineData(SearchStrategy.Nsga2, PredictorKind.Ridge)]
    public void One_that_is_stopped_at_any_time_goes_on_to_the_same_bytes(SearchStrategy strategy, PredictorKind? predictor)
    {
        _evolution = _evolution with { Strategy = strategy, Predictor = predictor, MaxEpochs = predictor == null ? 2 : 4 };
        CopyPictures(damaged: false);
        Train(Device.Host);
        // A generation is predicted from ten scores on.
        Assert.Equal(predictor == null ? [] : [2, 3], Search(Device.Host, "whole", 1).Predictions.Select(one => one.Generation));
        // Alone; within a group; while the first of the next generation is scored; while a group is.
        foreach ((int candidates, double later) in new[] { (1, 0.0), (3, 0), (6, 0), (1, 1), (1, 3), (1, 10) })
        {
            string name = $"stopped-{candidates}-{later}";
            using var stopping = new RecordingObserver { Stops = (candidates, TimeSpan.FromMilliseconds(later)) };
            SearchResult? stopped = PathSearch.Run(Spec(name, 64, 1), Context(stopping));
            if (later == 0) Assert.Null(stopped);
            Search(Device.Host, name, 64);
            Same("whole", name);
        }
    }

    [Fact]
    public void Scores_of_an_earlier_run_come_in_the_order_in_which_they_are_proposed()
    {
        CopyPictures(damaged: false);
        Train(Device.Host);
        Search(Device.Host, "whole", 3);
        string[] scores = ScoresOf("whole");
        Assert.Equal(12, scores.Length);
        foreach (int missing in new[] { 0, 4, 6, 11 })
        {
            // As a run leaves them whose groups ended in another order: a known one may be the last that is proposed.
            string name = $"missing-{missing}", file = At(name, "search.json");
            Search(Device.Host, name, 3);
            JsonNode left = JsonNode.Parse(File.ReadAllText(file))!;
            left["Scores"] = new JsonArray([.. scores.Where((_, i) => i != missing).Reverse().Select(score => JsonNode.Parse(score))]);
            File.WriteAllText(file, left.ToJsonString());
            Search(Device.Host, name, 3);
            Assert.Equal(scores, ScoresOf(name));
        }
    }

    [Fact]
    public void No_candidate_together_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Search(Device.Host, "none", 0));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string folder, string file) => Path.Combine(_folder, folder, file);

    private string[] ScoresOf(string folder) =>
        [.. JsonNode.Parse(File.ReadAllText(At(folder, "search.json")))!["Scores"]!.AsArray().Select(score => score!.ToJsonString())];

    private string Pictures => Path.Combine(_folder, "pictures");

    private void CopyPictures(bool damaged)
    {
        string source = Data.Folder;
        string[] files = [.. Directory.GetFiles(source, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        foreach ((int i, string file) in files.Index())
        {
            string copy = Path.Combine(Pictures, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            byte[] bytes = File.ReadAllBytes(file);
            File.WriteAllBytes(copy, damaged && i % 5 == 1 ? bytes[..(bytes.Length / 2)] : bytes);
        }
    }

    private void Train(Device device)
    {
        using var observer = new RecordingObserver();
        var training = new TrainingSetup(Setup("supernet"), new TrainingOptions { Epochs = 2, BatchSize = 6, LearningRate = 0.05f });
        var spec = new SupernetSpec { Setup = training, Sizes = Tiny, PathsPerStep = 2, HeldOut = 0, RandomPaths = 1 };
        Assert.NotNull(SupernetTraining.Run(spec, new(() => device, observer, observer.Cancel)));
    }

    private SearchResult Search(Device device, string folder, int together, int concurrency = 1)
    {
        using var observer = new RecordingObserver();
        return PathSearch.Run(Spec(folder, together, concurrency), new(() => device, observer, observer.Cancel))!;
    }

    private SearchSpec Spec(string folder, int together, int concurrency) => new()
    {
        Setup = Setup(folder),
        Scoring = new ScoringSpec
        {
            Checkpoint = Path.Combine(_folder, "supernet"),
            TrainIters = 2,
            TrainBatchSize = 6,
            TestBatchSize = 4,
            OnVal = true,
            Together = together,
        },
        Evolution = _evolution,
        Concurrency = concurrency,
    };

    private RunSetup Setup(string folder) => new()
    {
        Data = new DataSpec { Folder = Pictures },
        Precision = _precision,
        Folder = Path.Combine(_folder, folder),
        Options = [],
    };

    private void Same(string one, string other)
    {
        Dictionary<string, string> first = Contents(one), second = Contents(other);
        Assert.Contains("search.json", first.Keys);
        Assert.Equal(first.Keys.Order(), second.Keys.Order());
        Assert.All(first, file => Assert.Equal(file.Value, second[file.Key]));
    }

    private Dictionary<string, string> Contents(string folder)
    {
        string root = Path.Combine(_folder, folder);
        // run.json says when the run began.
        return Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != RunRecord.FileName)
            .ToDictionary(file => Path.GetRelativePath(root, file), file => Convert.ToHexString(File.ReadAllBytes(file)));
    }
}
