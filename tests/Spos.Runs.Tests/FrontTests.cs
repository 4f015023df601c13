using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>Training along a front: what is trained, stopping and going on, and what is refused.</summary>
[Collection("searches")]
public sealed partial class FrontTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-front-").FullName;

    public FrontTests()
    {
        Run(SupernetTraining.Run, new SupernetSpec
        {
            Setup = Training("supernet"),
            Sizes = Tiny,
            PathsPerStep = 2,
            HeldOut = 0,
            RandomPaths = 1,
        });
        Search("search");
    }

    [Fact]
    public void Networks_of_the_front_and_others_of_its_range_are_trained()
    {
        using var observer = new RecordingObserver();
        FrontSpec spec = Spec("front") with { Random = 2, Handmade = 3 };
        FrontResult result = FrontTraining.Run(spec, Context(observer))!;
        string training = "Training: step* saved step* saved end saved";
        Assert.Equal($"begin saved {string.Join(' ', result.Networks.Select(_ => training))}", observer.Told);
        Assert.Equal(["FLOPs", "parameters"], result.Costs.Select(cost => cost.Measure.Name));
        Assert.Equal(result.Networks.Count, result.Networks.Select(one => one.Network.Architecture).Distinct().Count());
        Assert.Equal(result.Networks.OrderBy(one => one.Costs[0]), result.Networks);

        // The ends of what the search has left, with its scores.
        CostTable flops = result.Costs[0];
        IReadOnlyList<FrontMember> members = FrontFiles.Read(At("search/front.json"), flops.Space);
        FrontMember[] byCost = [.. members.OrderBy(member => flops.Of(Architecture.Parse(member.Architecture)))];
        TrainedNetwork[] own = [.. result.Networks.Where(one => one.Network.Source == FrontSource.Front)];
        Assert.Equal(Math.Min(3, members.Count), own.Length);
        Assert.Equal(
            [byCost[0].Architecture, byCost[^1].Architecture], new[] { own[0], own[^1] }.Select(one => one.Network.Architecture));
        Assert.All(own, one => Assert.Equal(members.Single(m => m.Architecture == one.Network.Architecture).Top1, one.Network.Score));

        TrainedNetwork[] random = [.. result.Networks.Where(one => one.Network.Source == FrontSource.Random)];
        TrainedNetwork[] handmade = [.. result.Networks.Where(one => one.Network.Source == FrontSource.Handmade)];
        Assert.Equal(2, random.Length);
        Assert.All(random, one => Assert.InRange(one.Costs[0], own[0].Costs[0], own[^1].Costs[0]));
        Assert.All(handmade, one => Assert.Single(Architecture.Parse(one.Network.Architecture).Blocks.Distinct()));
        Assert.Contains(result.Networks, one => one.Network is { Architecture: "0 0 0 0", Source: not FrontSource.Random });
        Assert.All(random.Concat(handmade), one => Assert.Null(one.Network.Score));
        // The best one has nothing above it.
        Assert.True(result.Networks.MaxBy(one => (one.Network.Top1, -one.Costs[0]))!.IsBest);
        foreach (TrainedNetwork one in result.Networks.Where(one => !one.IsBest))
        {
            Assert.Contains(result.Networks, other =>
                other.IsBest && other.Network.Top1 >= one.Network.Top1 && other.Costs[0] <= one.Costs[0] && other != one);
        }

        // What is known is not trained again.
        using var again = new RecordingObserver();
        FrontResult known = FrontTraining.Run(spec, Context(again))!;
        Assert.Equal("begin saved", again.Told);
        Assert.Equal(result.Networks.Select(one => one.Network), known.Networks.Select(one => one.Network));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_that_is_stopped_at_every_step_goes_on_to_the_same_bits(bool inherits)
    {
        FrontSpec SpecOf(string folder) =>
            Spec(folder) with { NumNetworks = 2, Random = 1, Handmade = 1, EmaDecay = 0.9f, Inherit = inherits };
        FrontResult whole = Run(FrontTraining.Run, SpecOf("whole"))!;
        int runs = 0;
        for (FrontResult? gone = null; gone == null; runs++)
        {
            using var stopping = new RecordingObserver { StopsAtOnce = true };
            FrontSpec spec = SpecOf("stopped");
            try
            {
                gone = FrontTraining.Run(spec with { Setup = spec.Setup with { Resume = runs > 0 } }, Context(stopping));
            }
            catch (OperationCanceledException)
            {
                // The step was a training's last one, which is then not measured.
            }
        }
        // Six steps of each training.
        Assert.Equal(6 * whole.Networks.Count + 1, runs);
        string[] files = [.. FilesOf("whole")];
        Assert.Contains("exports/front_000.onnx", files);
        Assert.Equal(files, FilesOf("stopped"));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(At($"whole/{file}")), File.ReadAllBytes(At($"stopped/{file}"))));

        IEnumerable<string> FilesOf(string run) => Directory.GetFiles(At(run), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(At(run), file))
            .Where(file => Path.GetFileName(file) is not (".lock" or "run.json") && !file.Contains("tfevents", StringComparison.Ordinal))
            // Those of two newest steps: a run that is stopped at each has one of another step.
            .Where(file => !file.EndsWith(".spos", StringComparison.Ordinal) || file.EndsWith("6.spos", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Inherited_weights_are_those_of_the_supernet_that_was_searched()
    {
        FrontSpec spec = Spec("inherited") with { NumNetworks = 2, Inherit = true };
        // So small a rate leaves the weights as they are.
        TrainingSetup resting = spec.Setup with { Recipe = spec.Setup.Recipe with { LearningRate = 1e-12f, WeightDecay = 0, Epochs = 1 } };
        Run(FrontTraining.Run, spec with { Setup = resting });
        using (CheckpointReader supernet = CheckpointFolder.Open(At("supernet"), _ => { }))
        using (CheckpointReader heir = CheckpointFolder.Open(At("inherited/front_000"), _ => { }))
        using (var session = DeviceUse.NewSession(Device.Host, default))
        using (var from = new ShuffleNetV2OneShot(session, supernet.Header.Spec))
        using (var to = new ShuffleNetV2OneShot(session, heir.Header.Spec, heir.Header.Path))
        {
            supernet.Load(session, from);
            heir.Load(session, to);
            // The supernet's batch norm has no γ and β.
            ParameterGroup[] wanted = [.. from.GroupsOf(heir.Header.Path!)], got = [.. to.GroupsOf(heir.Header.Path!)];
            Assert.Equal(wanted.Length, got.Length);
            foreach ((ParameterGroup own, ParameterGroup given) in wanted.Zip(got))
            {
                Assert.All(own.Parameters, parameter =>
                {
                    // A single path's names have no number of the operation.
                    string name = OperationNumber().Replace(parameter.Name, "$1.");
                    Parameter heirs = given.Parameters.Single(one => one.Name == name);
                    Assert.All(
                        parameter.Value.Download(session.Stream).Zip(heirs.Value.Download(session.Stream)),
                        pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
                });
            }
        }

        // A supernet that was trained on since is another one.
        Run(SupernetTraining.Run, new SupernetSpec
        {
            Setup = Training("supernet") with { Restart = true, Data = Data with { Seed = 7 } },
            Sizes = Tiny,
            PathsPerStep = 2,
            HeldOut = 0,
            RandomPaths = 1,
        });
        Assert.Contains(
            "is not what was searched", Refused<UsageException>(Spec("other") with { Inherit = true }), StringComparison.Ordinal);
        FrontSpec named = Spec("other") with { NumNetworks = 2, Inherit = true, Checkpoint = At("supernet") };
        Run(FrontTraining.Run, named);
        Assert.Contains("needs --inherit", Refused<UsageException>(named with { Inherit = false }), StringComparison.Ordinal);
        Assert.Contains(
            "not there", Refused<CheckpointException>(named with { Checkpoint = At("gone") }), StringComparison.Ordinal);
        Assert.Contains(
            "a single path", Refused<CheckpointException>(named with { Checkpoint = At("inherited/front_000") }), StringComparison.Ordinal);
    }

    [Fact]
    public void That_the_classifier_begins_anew_is_said_once()
    {
        // Other names for as many classes.
        string pictures = At("pictures");
        foreach (string file in Directory.GetFiles(Data.Folder, "*", SearchOption.AllDirectories))
        {
            string[] parts = Path.GetRelativePath(Data.Folder, file).Split('/');
            string folder = Directory.CreateDirectory(Path.Combine(pictures, parts[0], $"other-{parts[1]}")).FullName;
            File.Copy(file, Path.Combine(folder, parts[^1]));
        }
        FrontSpec spec = Spec("renamed") with { NumNetworks = 2, Random = 1, Inherit = true };
        DataSpec renamed = Data with { Folder = pictures, AcceptChanged = true };
        using var observer = new RecordingObserver();
        FrontResult result = FrontTraining.Run(spec with { Setup = spec.Setup with { Data = renamed } }, Context(observer))!;
        Assert.Equal(3, result.Networks.Count);
        Assert.Single(observer.Said, said => said.StartsWith("The classifier begins anew: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_front_with_fewer_candidates_is_trained_whole_and_it_is_said()
    {
        using var observer = new RecordingObserver();
        FrontResult result = FrontTraining.Run(Spec("few") with { NumNetworks = 500 }, Context(observer))!;
        int all = FrontFiles.Read(At("search/front.json"), result.Costs[0].Space).Count;
        Assert.Equal(all, result.Networks.Count);
        Assert.Contains(
            observer.Said, said => said.EndsWith($"than --num-networks 500: all {all} are trained.", StringComparison.Ordinal));
    }

    [Fact]
    public void Networks_are_chosen_along_the_cost_that_is_asked_for()
    {
        FrontResult result = Run(FrontTraining.Run, Spec("along") with { Along = CostMeasure.Parameters, NumNetworks = 2, Random = 1 })!;
        Assert.Equal(["parameters", "FLOPs"], result.Costs.Select(cost => cost.Measure.Name));
        Assert.Equal(result.Networks.OrderBy(one => one.Costs[0]), result.Networks);
        string refusal = Refused<UsageException>(Spec("along") with { Along = CostMeasure.Flops, NumNetworks = 2, Random = 1 });
        Assert.Contains("networks.json was made with --along params, not flops.", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_option_another_front_and_other_folders_are_refused_by_name()
    {
        RunOption momentum = new("momentum", "0.9", "0.9", Influence.Kept);
        Run(FrontTraining.Run, Spec("front", momentum) with { NumNetworks = 2 });
        Assert.Contains(
            "networks.json was made with --momentum 0.9, not 0.5.", Refused<UsageException>(
                Spec("front", momentum with { Value = "0.5" }) with { NumNetworks = 2 }), StringComparison.Ordinal);
        // As a search leaves it that has found another candidate, or other scores.
        string file = At("search/front.json");
        JsonArray front = JsonNode.Parse(File.ReadAllText(file))!.AsArray();
        front[0]!["top1"] = 0.123;
        File.WriteAllText(file, front.ToJsonString());
        Assert.Contains(
            "networks.json was made with --search of SHA-256 ", Refused<UsageException>(
                Spec("front", momentum) with { NumNetworks = 2 }), StringComparison.Ordinal);
        Assert.Contains("holds a search run", Refused<UsageException>(Spec("search")), StringComparison.Ordinal);
        Assert.Contains("--resume", Refused<UsageException>(
            Spec("new") with { Setup = Training("new") with { Resume = true } }), StringComparison.Ordinal);
        Assert.False(File.Exists(At("new/networks.json")));
    }

    [Fact]
    public void What_is_no_front_of_a_search_is_refused()
    {
        void Tells(string search, string told) =>
            Assert.Contains(told, Refused<UsageException>(Spec("none") with { Search = search }), StringComparison.Ordinal);
        Tells(At("missing"), "there is nothing there");
        Tells(At("supernet"), "holds a supernet run");
        Tells(At("search/result.json"), "is not the front.json of a search");
        File.Delete(At("search/front.json"));
        Tells(At("search"), "Run the search to its end");
        Assert.False(Directory.Exists(At("none")));
    }

    [Theory]
    [InlineData("[0].architecture", "0 1 2", "[0].architecture has 3 blocks; the network has 4")]
    [InlineData("[0].architecture", "0 1 2 9", "[0].architecture chooses 9 in block 3")]
    [InlineData("[0].top1", "1.5", "[0].top1 is 1.5, not a number from 0 to 1")]
    [InlineData("[0]", "null", "[0] is null")]
    [InlineData("", "[]", "it has no candidate")]
    [InlineData("", "[", "is damaged: it is not JSON")]
    [InlineData("", "[{}]", "is damaged: ")]
    [InlineData("twice", "", "[1].architecture is there twice")]
    public void A_front_that_no_search_left_is_refused_by_its_field(string field, string value, string told)
    {
        string file = At("search/front.json");
        JsonArray front = JsonNode.Parse(File.ReadAllText(file))!.AsArray();
        switch (field)
        {
            case "[0].architecture":
                front[0]!["architecture"] = value;
                break;
            case "[0].top1":
                front[0]!["top1"] = JsonNode.Parse(value);
                break;
            case "[0]":
                front[0] = null;
                break;
            case "twice":
                front.Insert(0, front[0]!.DeepClone());
                break;
        }
        File.WriteAllText(file, field.Length > 0 ? front.ToJsonString() : value);
        string message = Refused<CheckpointException>(Spec("damaged"));
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.Contains("run the search again by the same command", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("damaged")));
    }

    [Fact]
    public void A_front_of_other_classes_is_refused_or_gone_on_with_knowingly()
    {
        string file = At("search/search.json"), text = File.ReadAllText(file);
        string name = JsonNode.Parse(text)![nameof(Data)]!["Train"]!["Classes"]![0]!["Name"]!.GetValue<string>();
        File.WriteAllText(file, text.Replace($"\"{name}\"", "\"another\"", StringComparison.Ordinal));
        string message = Refused<DataException>(Spec("classes"));
        Assert.Contains("'another'", message, StringComparison.Ordinal);
        Assert.Contains("--accept-changed-data", message, StringComparison.Ordinal);
        using var observer = new RecordingObserver();
        FrontSpec knowingly = Spec("classes") with
        {
            NumNetworks = 2,
            Setup = Training("classes") with { Data = Data with { AcceptChanged = true } },
        };
        Assert.NotNull(FrontTraining.Run(knowingly, Context(observer)));
        Assert.Contains(observer.Said, said => said.Contains("It goes on, as --accept-changed-data says", StringComparison.Ordinal));

        File.WriteAllText(file, text[..^20]);
        File.Delete(At("search/search.previous.json"));
        Assert.Contains("nobody knows what was searched", Refused<CheckpointException>(Spec("torn")), StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_that_cannot_be_are_refused_by_their_field_and_all_goes_when_it_begins_anew()
    {
        FrontSpec spec = Spec("front") with { NumNetworks = 2 };
        Run(FrontTraining.Run, spec);
        string file = At("front/networks.json"), text = File.ReadAllText(file);
        foreach ((string field, string value, string told) in new[]
        {
            ("Top1", "1.5", "Architectures[0].Top1 is 1.5"), ("Loss", "-1", "Architectures[0].Loss is -1"),
            ("Top5", "null", "Architectures[0] has only some of Top1"), ("Source", "9", "Architectures[0].Source is 9"),
            ("Source", "\"none\"", "is damaged"), ("Architecture", "\"0\"", "Architectures[0].Architecture has 1 blocks"),
        })
        {
            JsonNode state = JsonNode.Parse(text)!;
            state["Architectures"]![0]![field] = JsonNode.Parse(value);
            File.WriteAllText(file, state.ToJsonString());
            Assert.Contains(told, Refused<CheckpointException>(spec), StringComparison.Ordinal);
        }
        JsonNode other = JsonNode.Parse(text)!;
        other["Architectures"]![0]!["Architecture"] = "3 3 3 0";
        File.WriteAllText(file, other.ToJsonString());
        Assert.Contains("has other architectures than are drawn now", Refused<UsageException>(spec), StringComparison.Ordinal);

        FrontSpec anew = spec with { Setup = spec.Setup with { Restart = true, Recipe = spec.Setup.Recipe with { Epochs = 1 } } };
        Run(FrontTraining.Run, anew);
        Assert.Equal(CheckpointFolder.NameOf(3), Path.GetFileName(CheckpointFolder.Files(At("front/front_000")).Last()));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Refused<T>(FrontSpec spec)
        where T : Exception => Assert.Throws<T>(() => Run(FrontTraining.Run, spec)).Message;

    private string At(string name) => Path.Combine(_folder, name);

    private TrainingSetup Training(string folder, params IReadOnlyList<RunOption> options) =>
        new(
            new RunSetup { Data = Data, Folder = At(folder), Options = options },
            new TrainingOptions { Epochs = 2, BatchSize = 6, LearningRate = 0.05f });

    private FrontSpec Spec(string folder, params IReadOnlyList<RunOption> options) => new()
    {
        Setup = Training(folder, options),
        Search = At("search"),
        NumNetworks = 3,
        TrainingOptions = options,
    };

    private void Search(string folder) => Run(PathSearch.Run, new SearchSpec
    {
        Setup = Training(folder, new RunOption(KeptOptions.CheckpointOption, At("supernet"), null, Influence.Kept)),
        Scoring = new ScoringSpec { Checkpoint = At("supernet"), TrainIters = 1, TrainBatchSize = 6, OnVal = true, AnyFlops = true },
        Evolution = new EvolutionOptions
        {
            Strategy = SearchStrategy.Nsga2,
            MaxEpochs = 2,
            NumPopulation = 12,
            NumSelect = 6,
            NumCrossover = 4,
            NumMutation = 4,
        },
        Objectives = [CostMeasure.Flops.Name],
    });

    [GeneratedRegex(@"^(features\.\d+)\.\d+\.")]
    private static partial Regex OperationNumber();
}
