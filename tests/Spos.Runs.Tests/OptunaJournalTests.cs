using System.Text;
using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Engine.Tests;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>
/// Journals of searches, against what Optuna's JournalStorage reads of them (optuna/storages/journal/_storage.py, the same in 3.1.0 and
/// 4): op_code 0 creates a study, 2 and 3 set its attributes, 4 creates a trial, whose params are places among the choices of its
/// distributions.
/// </summary>
[Collection("searches")]
public sealed class OptunaJournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-optuna-").FullName;

    [Theory]
    [InlineData(SearchStrategy.Evolution, false)]
    [InlineData(SearchStrategy.Random, true)]
    [InlineData(SearchStrategy.Nsga2, false, "latency", "params")]
    [InlineData(SearchStrategy.Nsga2, true, "params")]
    public void A_journal_has_each_candidate_with_its_scores_costs_and_choices(
        SearchStrategy strategy, bool hasScales, params string[] objectives)
    {
        SearchResult found = Searched(strategy, hasScales, objectives);
        SearchSpace space = found.Costs[0].Space;
        OptunaStudy told = Write("search", "journal.log");
        Assert.Equal(("search", found.Candidates.Count, found.Best), (told.Study, told.Trials, told.Best));
        JsonElement[] lines = LinesOf("journal.log");
        Assert.All(lines, line => Assert.Equal("spos", line.GetProperty("worker_id").GetString()));

        JsonElement study = lines[0];
        Assert.Equal((0, "search"), (CodeOf(study), study.GetProperty("study_name").GetString()));
        Assert.Equal([2, .. objectives.Select(_ => 1)], study.GetProperty("directions").EnumerateArray().Select(one => one.GetInt32()));
        CostMeasure[] measures = [.. objectives.Select(word => CostName.MeasureOf(word)!)];
        Assert.Equal(3, CodeOf(lines[1]));
        Assert.Equal(
            ["top1", .. measures.Select(measure => measure.FieldName)],
            lines[1].GetProperty("system_attr").GetProperty("study:metric_names").EnumerateArray().Select(one => one.GetString()!));
        JsonElement[] attributes = [.. lines.Where(line => CodeOf(line) == 2).Select(line => line.GetProperty("user_attr"))];
        Assert.All(attributes, one => Assert.Single(one.EnumerateObject()));
        JsonElement supernet = attributes.Single(one => one.TryGetProperty(KeptOptions.CheckpointOption, out _));
        Assert.Equal(64, supernet.GetProperty(KeptOptions.CheckpointOption).GetString()!.Length);

        JsonElement[] trials = [.. lines.Where(line => CodeOf(line) == 4)];
        Assert.Equal(found.Candidates.Count, trials.Length);
        Assert.Equal(
            found.Best,
            found.Candidates[attributes.Single(one => one.TryGetProperty("best_trial", out _)).GetProperty("best_trial").GetInt32()]);
        foreach ((Candidate candidate, JsonElement trial) in found.Candidates.Zip(trials))
        {
            Assert.Equal((0, 1), (trial.GetProperty("study_id").GetInt32(), trial.GetProperty("state").GetInt32()));
            JsonElement attrs = trial.GetProperty("user_attrs");
            Assert.Equal($"{candidate.Path}", attrs.GetProperty("architecture").GetString());
            Assert.Equal(candidate.Generation + 1, attrs.GetProperty("generation").GetInt32());
            double CostOf(CostMeasure measure) => found.Costs.Single(cost => cost.Measure == measure).Of(candidate.Path);
            foreach (CostTable cost in found.Costs)
            {
                Assert.Equal(CostOf(cost.Measure), attrs.GetProperty(cost.Measure.FieldName).GetDouble());
            }
            double[] values = [candidate.Top1, .. measures.Select(CostOf)];
            // Optuna takes one or the other.
            if (objectives.Length == 0) Assert.Equal(candidate.Top1, trial.GetProperty("value").GetDouble());
            else Assert.Equal(values, trial.GetProperty("values").EnumerateArray().Select(one => one.GetDouble()));
            Assert.Equal(JsonValueKind.Null, trial.GetProperty(objectives.Length == 0 ? "values" : "value").ValueKind);
            DateTime began = trial.GetProperty("datetime_start").GetDateTime();
            Assert.Equal(1, (trial.GetProperty("datetime_complete").GetDateTime() - began).TotalSeconds);

            JsonElement parameters = trial.GetProperty("params"), distributions = trial.GetProperty("distributions");
            Assert.Equal(space.Blocks.Length * (hasScales ? 2 : 1), parameters.EnumerateObject().Count());
            for (int block = 0; block < space.Blocks.Length; block++)
            {
                JsonElement operation = Chosen($"operation_{block:D2}");
                int choice = candidate.Path.Blocks[block];
                Assert.StartsWith(operation.GetString()!, space.Blocks[block][choice].Name, StringComparison.Ordinal);
                if (!hasScales) Assert.Equal(space.Blocks[block][choice].Name, operation.GetString());
                else Assert.Equal((candidate.Path.Scales[block] + 1) * 2 / 10.0, Chosen($"channel_scale_{block:D2}").GetDouble());
            }

            JsonElement Chosen(string name)
            {
                JsonElement distribution = JsonDocument.Parse(distributions.GetProperty(name).GetString()!).RootElement;
                Assert.Equal("CategoricalDistribution", distribution.GetProperty("name").GetString());
                return distribution.GetProperty("attributes").GetProperty("choices")[parameters.GetProperty(name).GetInt32()];
            }
        }
        // Of a space that lacks alternatives only those that are left are choices.
        if (strategy != SearchStrategy.Evolution) return;
        Assert.All(trials, trial =>
        {
            string last = trial.GetProperty("distributions").GetProperty("operation_03").GetString()!;
            Assert.Equal("""{"name":"CategoricalDistribution","attributes":{"choices":["shufflenet_3x3","xception_3x3"]}}""", last);
        });
    }

    [Fact]
    public void The_same_search_leaves_the_same_bytes_and_one_that_is_under_way_what_it_has()
    {
        Searched(SearchStrategy.Evolution, hasScales: false);
        Write("search", "one.log");
        byte[] one = File.ReadAllBytes(At("one.log"));
        // It replaces what it wrote, and nothing of the time or the machine is in it.
        Directory.Move(At("search"), At("moved"));
        Searched(SearchStrategy.Evolution, hasScales: false, restart: false);
        Write("search", "one.log");
        Assert.Equal(one, File.ReadAllBytes(At("one.log")));

        // As a search leaves its folder that was stopped: no front and no result.
        string state = File.ReadAllText(At("search/search.json"));
        Directory.CreateDirectory(At("under-way/search"));
        foreach (string name in new[] { "run.json", SearchedLatency.FileName })
        {
            File.Copy(At($"search/{name}"), At($"under-way/search/{name}"));
        }
        const string between = "},{\"Architecture\"";
        int third = state.IndexOf(between, state.IndexOf(between, StringComparison.Ordinal) + 1, StringComparison.Ordinal);
        File.WriteAllText(At("under-way/search/search.json"), state[..third] + "}]}");
        Assert.Equal(2, Write("under-way/search", "two.log").Trials);
        string[] begun = Lines("two.log"), whole = Lines("one.log");
        static bool IsOfBest(string line) => line.Contains("best_trial", StringComparison.Ordinal);
        Assert.Equal(whole.Take(begun.Length).Where(line => !IsOfBest(line)), begun.Where(line => !IsOfBest(line)));

        // The newest file is damaged: the one before it tells.
        File.Move(At("under-way/search/search.json"), At("under-way/search/search.previous.json"));
        File.WriteAllText(At("under-way/search/search.json"), state[..third]);
        Write("under-way/search", "three.log");
        Assert.Equal(File.ReadAllBytes(At("two.log")), File.ReadAllBytes(At("three.log")));
    }

    [Fact]
    public void What_is_no_search_or_a_damaged_one_leaves_no_journal()
    {
        Searched(SearchStrategy.Evolution, hasScales: false);
        Assert.Contains("holds a supernet run", Refusal<UsageException>("supernet"), StringComparison.Ordinal);
        Assert.Contains("there is nothing there", Refusal<UsageException>("none"), StringComparison.Ordinal);
        string file = At("search/search.json"), text = File.ReadAllText(file);
        File.WriteAllText(file, text.Replace("\"Top1\":0", "\"Top1\":7", StringComparison.Ordinal));
        Assert.Contains("Scores[0].Top1 is 7", Refusal<CheckpointException>("search"), StringComparison.Ordinal);
        File.WriteAllText(file, text[..(text.IndexOf("\"Scores\":[", StringComparison.Ordinal) + 10)] + "]}");
        Assert.Contains("has no candidate yet", Refusal<CheckpointException>("search"), StringComparison.Ordinal);
        Assert.False(File.Exists(At("none.log")));
    }

    [OptunaFact]
    public void Optuna_reads_the_same_best_trial_values_and_parameters()
    {
        foreach ((SearchStrategy strategy, bool hasScales, string[] objectives) in new (SearchStrategy, bool, string[])[]
        {
            (SearchStrategy.Evolution, false, []), (SearchStrategy.Random, true, []), (SearchStrategy.Nsga2, false, ["latency", "params"]),
        })
        {
            Searched(strategy, hasScales, objectives);
            Write("search", "journal.log");
            string script = Path.Combine(Checkout.Root, "tests/fixtures/check_optuna.py");
            (int code, string told) = OptunaFactAttribute.Run(script, At("search"), At("journal.log"));
            Assert.True(code == 0, told);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static int CodeOf(JsonElement line) => line.GetProperty("op_code").GetInt32();

    private string At(string name) => Path.Combine(_folder, name);

    private string[] Lines(string journal)
    {
        string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(At(journal)));
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.StartsWith(OptunaJournal.Beginning, text, StringComparison.Ordinal);
        return text[..^1].Split('\n');
    }

    private JsonElement[] LinesOf(string journal) => [.. Lines(journal).Select(line => JsonDocument.Parse(line).RootElement)];

    private OptunaStudy Write(string search, string journal) =>
        OptunaJournal.Write(At(journal), SearchRecord.Of(At(search), "--checkpoint", Assert.Fail), Assert.Fail);

    private string Refusal<T>(string search)
        where T : SposException =>
        Assert.Throws<T>(() => Write(search, "none.log")).Message;

    private SearchResult Searched(SearchStrategy strategy, bool hasScales, string[]? objectives = null, bool restart = true)
    {
        objectives ??= [];
        NetworkSizes sizes = Tiny with { BlockSet = hasScales ? BlockSet.ShuffleV2Channels : BlockSet.ShuffleV2 };
        var training = new TrainingSetup(
            Setup("supernet") with { Restart = true }, new TrainingOptions { Epochs = 1, BatchSize = 6, LearningRate = 0.05f });
        Run(SupernetTraining.Run, new SupernetSpec { Setup = training, Sizes = sizes, PathsPerStep = 2, HeldOut = 0, RandomPaths = 1 });
        (NetworkSpec network, _, _) = NamedNetwork.Of(At("supernet"), null, _ => { });
        var latency = new CostTable(
            network.Space, 1_000_000,
            network.Space.Blocks.Select((block, b) => block.Select((_, choice) => 1000L * (b + 1) * ((choice * 7) % 5))),
            CostMeasure.Latency);
        if (!hasScales)
        {
            new LatencyTable
            {
                Device = "host",
                Precision = "fp32",
                BatchSize = 1,
                Network = LatencyNetwork.Of(network),
                Constant = latency.Fixed,
                Blocks = LatencyTable.BlocksOf(latency),
            }.Write(At("latency.json"));
        }
        string space = At("space.json");
        if (strategy == SearchStrategy.Evolution)
        {
            SearchSpaceFile.Write(space, network.Space.With("0 1 2 3 | 0 1 2 3 | 0 1 2 3 | 0 3"));
        }
        return Run(PathSearch.Run, new SearchSpec
        {
            Setup = Setup("search") with
            {
                Restart = restart,
                Options =
                [
                    new("strategy", $"{strategy}".ToLowerInvariant(), "evolution", Influence.Later),
                    new(CostName.ObjectivesOption, string.Join(',', objectives), null, Influence.Later),
                ],
            },
            Scoring = new ScoringSpec
            {
                Checkpoint = At("supernet"),
                TrainIters = 1,
                TrainBatchSize = 6,
                OnVal = true,
                AnyFlops = true,
                LatencyTable = hasScales ? null : At("latency.json"),
                SearchSpace = strategy == SearchStrategy.Evolution ? space : null,
            },
            Evolution = new EvolutionOptions
            {
                Strategy = strategy,
                MaxEpochs = 2,
                NumPopulation = 8,
                NumSelect = 3,
                NumCrossover = 3,
                NumMutation = 3,
            },
            Objectives = [.. objectives.Select(word => CostName.MeasureOf(word)!.Name)],
        })!;
    }

    private RunSetup Setup(string folder) => new() { Data = Data, Folder = At(folder), Options = [] };
}
