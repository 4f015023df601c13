using Spos.Engine.Tests.Logs;
using Spos.Engine.Training;
using Spos.Runs.Observers;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>What event files tell TensorBoard's page HPARAMS of runs.</summary>
[Collection("searches")]
public sealed class HyperparameterLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-hparams-").FullName;

    [Fact]
    public void Trainings_and_searches_tell_what_they_depend_on_and_that_they_are_done()
    {
        RunOption[] asked =
        [
            new("learning-rate", "0.05", "0.5", Influence.Kept), new("log-frequency", "1", "20", Influence.Later),
            new("output-dir", At("supernet"), null, Influence.None), new("flops-table", null, null, Influence.Kept),
        ];
        SupernetSpec supernet = new()
        {
            Setup = new TrainingSetup(
                Setup("supernet", asked), new TrainingOptions { Epochs = 2, BatchSize = 6, LearningRate = 0.05f }),
            Sizes = Tiny,
            PathsPerStep = 2,
            HeldOut = 0,
            RandomPaths = 1,
        };
        // One that is stopped tells what it was, and not that it is done.
        using (var stopping = new RecordingObserver { StopsAtOnce = true })
        {
            Assert.Null(Logged(SupernetTraining.Run, supernet, stopping));
        }
        HyperparameterReader stopped = Read("supernet");
        Assert.Empty(stopped.Ends);
        Assert.Equal((0.05, 1.0), (stopped.Options!["learning-rate"], stopped.Options["log-frequency"]));
        // What does not change results is left out, and so are what was not given, and facts.
        Assert.DoesNotContain("output-dir", stopped.Options.Keys);
        Assert.DoesNotContain("flops-table", stopped.Options.Keys);
        Assert.DoesNotContain(stopped.Options.Keys, name => name.Contains(' ', StringComparison.Ordinal));
        // What was left open is told as what it came to.
        Assert.Equal("12,16,20,24", stopped.Options["stage-channels"]);

        using (var going = new RecordingObserver()) Assert.NotNull(Logged(SupernetTraining.Run, supernet, going));
        HyperparameterReader whole = Read("supernet");
        Assert.Equal(stopped.Options, whole.Options!);
        (long step, long status) = Assert.Single(whole.Ends);
        Assert.Equal((Steps(), 1), (step, status));

        SearchSpec search = new()
        {
            Setup = Setup("search", [new("strategy", "random", "evolution", Influence.Later)]),
            Scoring = new ScoringSpec { Checkpoint = At("supernet"), TrainIters = 1, TrainBatchSize = 6, OnVal = true, AnyFlops = true },
            Evolution = new EvolutionOptions
            {
                Strategy = SearchStrategy.Random,
                MaxEpochs = 1,
                NumPopulation = 4,
                NumSelect = 2,
                NumCrossover = 1,
                NumMutation = 1,
            },
        };
        using (var observer = new RecordingObserver()) Assert.NotNull(Logged(PathSearch.Run, search, observer));
        HyperparameterReader searched = Read("search");
        Assert.Equal("random", searched.Options!["strategy"]);
        Assert.Equal(64, ((string)searched.Options[KeptOptions.CheckpointOption]).Length);
        Assert.Equal([(4, 1)], searched.Ends);

        // All steps of two epochs, as the last line of metrics has them.
        long Steps() => File.ReadLines(At("supernet/metrics.jsonl")).Select(line =>
            System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt64()).Max();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static T? Logged<TSpec, T>(Func<TSpec, RunContext, T?> phase, TSpec spec, RecordingObserver observer)
        where T : class
    {
        using var events = new EventLog(null);
        return phase(spec, Context(observer) with { Observer = new ObserverList(observer, events) });
    }

    private string At(string name) => Path.Combine(_folder, name);

    private HyperparameterReader Read(string run) => HyperparameterReader.Of(
        Directory.GetFiles(At(run), "events.out.tfevents.*").Order(StringComparer.Ordinal).SelectMany(EventFile.Read));

    private RunSetup Setup(string folder, RunOption[] options) => new() { Data = Data, Folder = At(folder), Options = options };
}
