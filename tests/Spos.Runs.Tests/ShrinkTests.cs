using System.Text.Json;
using Spos.Engine.Autograd;
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

/// <summary>Search spaces that lack alternatives, and finding which ones they can lack.</summary>
[Collection("searches")]
public sealed class ShrinkTests : IDisposable
{
    private static readonly SearchSpace Whole = Tiny.Spec(3, affine: false).Space;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-shrink-").FullName;

    [Theory]
    [InlineData("uniform")]
    [InlineData("fair")]
    [InlineData("sandwich")]
    [InlineData("window")]
    public void Training_leaves_what_is_left_out_as_it_began(string how)
    {
        string[] told = ["0 2 | 1 3 | 0 1 2 3 | 2 3", "1 2 | 0 3 | 0 1 2 | 0 1"];
        foreach (string left in told)
        {
            SearchSpace space = Whole.With(left);
            string name = $"supernet-{Array.IndexOf(told, left)}";
            SupernetSpec spec = Supernet(name, space, epochs: 8);
            Run(SupernetTraining.Run, how switch
            {
                "fair" => spec with { PathsPerStep = 2 },
                "sandwich" => spec with { SandwichPaths = 1 },
                "window" => spec with { FlopsLow = 1 },
                _ => spec,
            });
            using CheckpointReader reader = Open(name);
            Assert.Equal(left, reader.Header.Options[KeptOptions.SearchSpaceOption]);
            using Session session = NewSession();
            using var trained = new ShuffleNetV2OneShot(session, reader.Header.Spec);
            reader.Load(session, trained);
            using var initial = new InitialWeights(reader.Path, reader.Header, null, _ => { });
            using ShuffleNetV2OneShot before = initial.Load(session);
            for (int block = 0; block < 4; block++)
            {
                for (int choice = 0; choice < 4; choice++)
                {
                    // So the weights that it began from are made again bit by bit.
                    bool isSame = Weights(session, before, block, choice).SequenceEqual(Weights(session, trained, block, choice));
                    Assert.Equal(!space.Choices[block].Contains(choice), isSame);
                }
            }
        }
    }

    [Fact]
    public void Searches_rankings_and_fronts_keep_to_what_a_supernet_was_trained_on()
    {
        const string left = "0 2 | 1 3 | 0 2 3 | 2 3";
        SearchSpace space = Whole.With(left);
        Run(SupernetTraining.Run, Supernet("supernet", space));
        SearchResult searched = Run(PathSearch.Run, Search("search") with
        {
            Evolution = new EvolutionOptions
            {
                Strategy = SearchStrategy.Nsga2,
                MaxEpochs = 40,
                NumPopulation = 8,
                NumSelect = 2,
                NumMutation = 4,
                NumCrossover = 4,
            },
            Scoring = Scoring() with { AnyFlops = true },
        })!;
        Assert.Equal(space.Size, searched.Candidates.Count);
        Assert.All(searched.Candidates, candidate => Assert.Null(space.FaultOf(candidate.Path)));
        RankSpec rank = new()
        {
            Setup = Training("rank", 1),
            Scoring = Scoring(),
            NumArchitectures = 3,
            Recalibrations = 1,
            TrainingOptions = [],
        };
        Assert.All(Run(Ranking.Run, rank)!.Architectures, one => Assert.Null(space.FaultOf(Architecture.Parse(one.Architecture))));
        FrontSpec front = new()
        {
            Setup = Training("front", 1),
            Search = At("search"),
            NumNetworks = 2,
            Random = 20,
            TrainingOptions = [],
        };
        Assert.Equal(left, SearchedFront.Open(At("search"), "--search", _ => { }).Space.Left);
        Assert.All(
            Run(FrontTraining.Run, front)!.Networks,
            one => Assert.Null(space.FaultOf(Architecture.Parse(one.Network.Architecture))));
    }

    [Fact]
    public void Weights_that_were_never_trained_are_not_inherited()
    {
        Run(SupernetTraining.Run, Supernet("supernet", Whole.With("1 2 | 1 2 | 1 2 3 | 1 2")));
        Run(PathSearch.Run, Search("search") with { Scoring = Scoring() with { AnyFlops = true } });
        Run(SupernetTraining.Run, Supernet("other", Whole.With("0 | 0 | 0 | 0")));
        FrontSpec front = new()
        {
            Setup = Training("front", 1),
            Search = At("search"),
            NumNetworks = 2,
            Handmade = 2,
            Inherit = true,
            Checkpoint = At("supernet"),
            TrainingOptions = [],
        };
        using var observer = new RecordingObserver();
        FrontResult inherited = FrontTraining.Run(front, Context(observer))!;
        Assert.DoesNotContain(inherited.Networks, one => one.Network.Architecture is "0 0 0 0" or "3 3 3 3");
        Assert.Contains(observer.Said, said => said.EndsWith("and that the supernet was trained on.", StringComparison.Ordinal));
        // From random weights any one is a comparison.
        FrontSpec random = front with { Setup = Training("random", 1), Inherit = false, Checkpoint = null };
        Assert.Contains(Run(FrontTraining.Run, random)!.Networks, one => one.Network.Architecture == "0 0 0 0");
        Refused("was not trained on", FrontTraining.Run, front with { Setup = Training("none", 1), Checkpoint = At("other") });
        ScratchSpec scratch = new()
        {
            Setup = Training("scratch", 1),
            Sizes = Tiny,
            Architecture = "1 1 0 1",
            LoadCheckpoint = At("supernet"),
        };
        Refused("was not trained on 1 1 0 1: this chooses 0 in block 2", ScratchTraining.Run, scratch);
        Assert.False(Directory.Exists(At("scratch")));
        Assert.NotNull(Run(ScratchTraining.Run, scratch with { Architecture = "1 1 3 1" }));
    }

    [Fact]
    public void A_supernet_of_the_whole_space_is_searched_in_a_smaller_one_and_goes_on_in_it()
    {
        Run(SupernetTraining.Run, Supernet("supernet", null));
        SearchSpace space = Whole.With("0 | 1 | 2 | 0 3");
        SearchSpec search = Search("search") with { Scoring = Scoring() with { SearchSpace = FileOf(space), AnyFlops = true } };
        SearchResult searched = Run(PathSearch.Run, search)!;
        Assert.Equal(["0 1 2 0", "0 1 2 3"], searched.Candidates.Select(c => $"{c.Path}").Order());
        // It goes on with the same space only.
        foreach ((string? other, string told) in new[]
        {
            (null, "0 | 1 | 2 | 0 3, not (unset)."),
            (FileOf(Whole.With("0 | 1 | 2 | 1 3")), "0 3 in block 3, not 1 3 in block 3."),
        })
        {
            SearchSpec changed = search with { Scoring = search.Scoring with { SearchSpace = other } };
            Refused($"search.json was made with --search-space {told}", PathSearch.Run, changed);
        }
        Assert.Equal(searched.Candidates, Run(PathSearch.Run, search)!.Candidates);

        SupernetSpec further = Supernet("further", space) with { LoadCheckpoint = At("supernet") };
        Run(SupernetTraining.Run, further);
        Refused(
            "was made with --search-space 0 | 1 | 2 | 0 3, not (unset)", SupernetTraining.Run,
            further with { SearchSpace = FileOf(Whole) });
        // What is not asked for is that of the checkpoint; and what it has not learnt is not searched.
        Run(SupernetTraining.Run, Supernet("again", null) with { LoadCheckpoint = At("further") });
        Assert.Equal("0 | 1 | 2 | 0 3", SearchedSpace.Of(Open("again").Header, "again").Left);
        Refused(
            "in block 1 it has alternative 2, which", PathSearch.Run,
            Search("none") with { Scoring = Scoring("further") with { SearchSpace = FileOf(Whole.With("0 | 1 2 | 2 | 0")) } });
    }

    [Fact]
    public void What_the_space_cannot_do_is_refused_with_what_it_has()
    {
        SearchSpace space = Whole.With("0 2 | 1 3 | 0 | 2 3");
        Refused(
            "--paths-per-step 2: paths of a step share nothing, and block 2 is left with 1 operation.", SupernetTraining.Run,
            Supernet("supernet", space) with { PathsPerStep = 2 });
        Run(SupernetTraining.Run, Supernet("supernet", space));
        CostTable flops = NetworkFlops.Of(Tiny.Spec(3, affine: false)).In(space);
        Refused(
            $"no path is within it; this network's have {flops.Measure.TextOf(flops.Least, flops.Most)}", PathSearch.Run,
            Search("search") with { Scoring = Scoring() with { FlopsLimit = flops.Least - 1 } });
        ShrinkSpec shrink = Shrink("shrink", ShrinkBy.Score);
        Refused("--drop 4: at most 3 alternatives can go", SpaceShrinkingRun.Run, shrink with { Drop = 4 });
        Refused("--keep 2: no block has more", SpaceShrinkingRun.Run, shrink with { Drop = null, Keep = 2 });
        Refused("one of them alone", SpaceShrinkingRun.Run, shrink with { Drop = 1, Keep = 1 });
        Refused("one of them is missing", SpaceShrinkingRun.Run, shrink with { Drop = null });
        Refused("--initial is for --by angle", SpaceShrinkingRun.Run, shrink with { Initial = At("supernet") });
        Refused("began from random weights", SpaceShrinkingRun.Run, Shrink("shrink", ShrinkBy.Angle) with { Initial = At("supernet") });
        Refused("in block ", SpaceShrinkingRun.Run, shrink with { NumPaths = 1 });
        Assert.False(Directory.Exists(At("shrink")));
    }

    [Fact]
    public void An_alternative_whose_paths_score_at_chance_goes()
    {
        // A few paths learn the training pictures by heart, and are scored on those.
        DataSpec known = Known();
        SupernetSpec learning = Supernet("learnt", Whole.With("0 1 | 0 1 | 0 1 2 | 0 1"), epochs: 100);
        var recipe = learning.Setup.Recipe with
        {
            LearningRate = 0.1f,
            LabelSmoothing = 0,
            Augmentation = new Augmentation { MinArea = 1, Jitter = 0, Flip = 0 },
        };
        Run(SupernetTraining.Run, learning with { Setup = learning.Setup with { Data = known, Recipe = recipe }, PathsPerStep = 2 });
        // Without weights nothing of the picture goes on.
        Change("learnt", "supernet", (session, network) => Set(session, network.OperationAt(2, 1), _ => 0));
        ShrinkSpec spec = Shrink("shrink", ShrinkBy.Score) with { Scoring = Scoring() with { TrainIters = 3 } };
        ShrinkResult shrunk = Run(SpaceShrinkingRun.Run, spec with { Setup = spec.Setup with { Data = known } })!;
        Assert.Equal(24, shrunk.Paths);
        ScoredAlternative gone = Assert.Single(shrunk.Dropped);
        string scores = string.Join(", ", shrunk.Alternatives.Select(one => $"{one.Block}:{one.Number} {one.Score:0.00}"));
        Assert.True((gone.Block, gone.Number, gone.Paths) == (2, 1, 8), scores);
        Assert.Equal(1 / 3.0, gone.Score, 9);
        Assert.Equal("0 1 | 0 1 | 0 2 | 0 1", SearchSpaceFile.Read(shrunk.SpaceFile, Whole).Left);
        JsonElement result = JsonDocument.Parse(File.ReadAllText(At("shrink/result.json"))).RootElement;
        JsonElement one = Assert.Single(result.GetProperty("alternatives").EnumerateArray(), a => a.GetProperty("dropped").GetBoolean());
        Assert.Equal("shufflenet_5x5", one.GetProperty("name").GetString());
        // The file is one that a search takes.
        SearchResult searched = Run(PathSearch.Run, Search("search") with { Scoring = Scoring() with { SearchSpace = shrunk.SpaceFile } })!;
        Assert.DoesNotContain(searched.Candidates, candidate => candidate.Path.Blocks[2] == 1);
    }

    [Fact]
    public void An_alternative_that_has_learnt_nothing_goes_by_its_angle()
    {
        Run(SupernetTraining.Run, Supernet("learnt", null));
        // All but one turn by about 90 degrees: every second weight has the other sign.
        bool IsPlanted(Parameter one) => one.Name.StartsWith("features.3.2.", StringComparison.Ordinal);
        ChangeFirst("supernet", (parameter, i, first) => IsPlanted(parameter) || i % 2 == 0 ? first : -first);
        ShrinkSpec spec = Shrink("shrink", ShrinkBy.Angle) with { NumPaths = 256 };
        // Pictures are not even looked for.
        ShrinkResult shrunk = Run(
            SpaceShrinkingRun.Run, spec with { Setup = spec.Setup with { Data = Data with { Folder = At("none") } } })!;
        Assert.Equal([(3, 2)], shrunk.Dropped.Select(gone => (gone.Block, gone.Number)));
        Assert.All(shrunk.Alternatives, one => Assert.InRange(SpaceShrinkingRun.DegreesOf(one), 0.01, 179));
        // Files of before had angles by the name of accuracies.
        string state = File.ReadAllText(At("shrink/shrink.json"));
        Assert.DoesNotContain("Top1", state, StringComparison.Ordinal);
        File.WriteAllText(At("shrink/shrink.json"), state.Replace("\"Angle\":", "\"Top1\":", StringComparison.Ordinal));
        ShrinkSpec again = spec with { Setup = spec.Setup with { Data = Data with { Folder = At("none") }, Resume = true } };
        using (var observer = new RecordingObserver())
        {
            Assert.Equal(shrunk.Alternatives, SpaceShrinkingRun.Run(again, Context(observer))!.Alternatives);
            Assert.Contains(observer.Said, said => said.Contains("256 are known already", StringComparison.Ordinal));
        }
        Assert.Null(shrunk.Pictures);

        // What has not turned has no angle, whatever its length: but for the rounding of some ten thousand sums, of which an angle is
        // the root.
        ChangeFirst("longer", (_, _, first) => first * 3);
        ShrinkResult longer = Run(SpaceShrinkingRun.Run, spec with { Setup = Setup("shrink-2"), Scoring = Scoring("longer") })!;
        Assert.All(longer.Alternatives, one => Assert.InRange(SpaceShrinkingRun.DegreesOf(one), 0, 1e-4));
        ChangeFirst("endless", (_, i, first) => i == 0 ? float.PositiveInfinity : first);
        ShrinkSpec endless = spec with { Setup = Setup("shrink-3"), Scoring = Scoring("endless") };
        string told = Assert.Throws<CheckpointException>(() => Run(SpaceShrinkingRun.Run, endless)).Message;
        Assert.Contains("weights that are not finite", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Angles_need_the_weights_that_training_began_from()
    {
        Run(SupernetTraining.Run, Supernet("first", null));
        SupernetSpec further = Supernet("supernet", null, more: new("load-checkpoint", At("first"), "", Influence.Kept));
        Run(SupernetTraining.Run, further with { LoadCheckpoint = At("first") });
        ShrinkSpec spec = Shrink("shrink", ShrinkBy.Angle);
        ShrinkResult shrunk = Run(SpaceShrinkingRun.Run, spec)!;
        Directory.Move(At("first"), At("moved"));
        Refused("began from another checkpoint, ", SpaceShrinkingRun.Run, spec);
        Refused("is not the checkpoint that the training of", SpaceShrinkingRun.Run, spec with { Initial = At("supernet") });
        Assert.Equal(
            shrunk.Alternatives, Run(SpaceShrinkingRun.Run, spec with { Initial = At("moved"), Setup = Setup("other") })!.Alternatives);
        // As of an imported network.
        Change("moved", "imported", (_, _) => { }, []);
        Refused("does not tell the --seed and the --init", SpaceShrinkingRun.Run, spec with { Scoring = Scoring("imported") });
    }

    [Fact]
    public void Scores_are_the_same_bytes_for_any_threads_and_wherever_it_was_stopped()
    {
        Run(SupernetTraining.Run, Supernet("supernet", null, epochs: 4));
        ShrinkSpec spec = Shrink("whole", ShrinkBy.Score) with { NumPaths = 30, Keep = 3, Drop = null };
        Run(SpaceShrinkingRun.Run, spec);
        int threads = Device.Host.Threads;
        try
        {
            Device.Host.Threads = threads == 1 ? 2 : 1;
            Run(SpaceShrinkingRun.Run, spec with { Setup = Setup("threads") });
        }
        finally
        {
            Device.Host.Threads = threads;
        }
        Same("whole", "threads");
        foreach (int scores in new[] { 1, 7, 29 })
        {
            string name = $"stopped-{scores}";
            using var stopping = new StoppingObserver(scores);
            Assert.Null(SpaceShrinkingRun.Run(spec with { Setup = Setup(name) }, new(() => Device.Host, stopping, stopping.Token)));
            Assert.False(File.Exists(At($"{name}/result.json")));
            using var going = new RecordingObserver();
            SpaceShrinkingRun.Run(spec with { Setup = Setup(name) }, Context(going));
            Assert.Contains(going.Said, said => said.Contains("are known already", StringComparison.Ordinal));
            Same("whole", name);
        }
        // More paths begin with the same ones, and fewer forget none.
        ShrinkResult more = Run(SpaceShrinkingRun.Run, spec with { Setup = Setup("threads"), NumPaths = 40 })!;
        Assert.Equal(40, more.Paths);
        Assert.Equal(30, Run(SpaceShrinkingRun.Run, spec with { Setup = Setup("threads") })!.Paths);
        using JsonDocument state = JsonDocument.Parse(File.ReadAllText(At("threads/shrink.json")));
        Assert.Equal(40, state.RootElement.GetProperty("Scores").GetArrayLength());
    }

    [Fact]
    public void No_score_is_lost_when_a_run_is_stopped_again_or_asks_for_fewer_paths()
    {
        Run(SupernetTraining.Run, Supernet("supernet", null));
        ShrinkSpec spec = Shrink("whole", ShrinkBy.Score) with { NumPaths = 60, Scoring = Scoring() with { Together = 5 } };
        Run(SpaceShrinkingRun.Run, spec);
        ShrinkSpec stopped = spec with { Setup = Setup("stopped") };
        string[] before = [];
        // The first run ends groups in the order of choices, so that what it leaves is no beginning of what is proposed.
        foreach (int saves in new[] { 16, 1, 1, 1 })
        {
            using var stopping = new StoppingObserver(saves: saves);
            Assert.Null(SpaceShrinkingRun.Run(stopped, new(() => Device.Host, stopping, stopping.Token)));
            string[] after = PathsOf("stopped");
            Assert.Subset(after.ToHashSet(), before.ToHashSet());
            Assert.True(after.Length > before.Length);
            before = after;
        }
        Assert.Equal(20, Run(SpaceShrinkingRun.Run, stopped with { NumPaths = 20 })!.Paths);
        Assert.Subset(PathsOf("stopped").ToHashSet(), before.ToHashSet());
        Run(SpaceShrinkingRun.Run, stopped);
        Same("whole", "stopped");
    }

    [Fact]
    public void Of_a_small_space_all_paths_are_compared_however_many_are_asked_for()
    {
        Run(SupernetTraining.Run, Supernet("supernet", Whole.With("0 2 | 1 3 | 0 | 2 3")));
        using var observer = new RecordingObserver();
        ShrinkSpec many = Shrink("many", ShrinkBy.Angle) with { NumPaths = int.MaxValue };
        Assert.Equal(8, SpaceShrinkingRun.Run(many, Context(observer))!.Paths);
        Assert.Contains(observer.Said, said => said.Contains("no more than 8 were found", StringComparison.Ordinal));
        // And whoever stops it while it draws need not wait.
        Run(SupernetTraining.Run, Supernet("large", null));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        ShrinkSpec large = many with { Setup = Setup("none"), Scoring = Scoring("large") };
        Assert.Null(SpaceShrinkingRun.Run(large, new(() => Device.Host, observer, cancelled.Token)));
        Assert.False(Directory.Exists(At("none")));
    }

    [Fact]
    public void What_is_left_without_a_path_within_the_limits_is_told()
    {
        SearchSpace space = Whole.With("0 1 2 3 | 0 1 2 3 | 0 | 0");
        Run(SupernetTraining.Run, Supernet("learnt", space));
        CostTable flops = NetworkFlops.Of(Tiny.Spec(3, affine: false)).In(space);
        int[] dearest = [.. Enumerable.Range(0, 2).Select(block => Enumerable.Range(0, 4).MaxBy(choice =>
            flops.Of(new Architecture(Enumerable.Range(0, 4).Select(b => b == block ? choice : 0)))))];
        // The dearest of two blocks have turned the most: each is kept, and together they are above the limit.
        string[] turned = [.. dearest.Select((choice, block) => $"features.{block}.{choice}.")];
        ChangeFirst("supernet", (parameter, i, first) =>
            i % 2 == 0 && turned.Any(name => parameter.Name.StartsWith(name, StringComparison.Ordinal)) ? -first : first);
        foreach (double limit in new[] { flops.Most - 1, flops.Most })
        {
            using var observer = new RecordingObserver();
            ShrinkSpec spec = Shrink($"shrink-{limit}", ShrinkBy.Angle) with { Drop = null, Keep = 1 };
            ShrinkResult shrunk = SpaceShrinkingRun.Run(spec with { Scoring = Scoring() with { FlopsLimit = limit } }, Context(observer))!;
            Assert.Equal(dearest, shrunk.After.Operations.Take(2).Select(left => Assert.Single(left)));
            Assert.Equal(
                limit < flops.Most,
                observer.Said.Any(said => said.Contains("no path of what is left was found", StringComparison.Ordinal)));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Session NewSession() => DeviceUse.NewSession(Device.Host, default);

    private static float[] Weights(Session session, ShuffleNetV2OneShot network, int block, int choice) =>
        [.. network.OperationAt(block, choice).Parameters.Parameters.SelectMany(one => one.Value.Download(session.Stream))];

    // Each weight becomes what its number and its value give.
    private static void Set(Session session, Operation operation, Func<int, float> value)
    {
        foreach (Parameter one in operation.Parameters.Parameters)
        {
            one.Value.Upload(session.Stream, [.. Enumerable.Range(0, (int)one.Shape.Count).Select(value)]);
        }
    }

    private static void Refused<TSpec, T>(string told, Func<TSpec, RunContext, T> phase, TSpec spec) =>
        Assert.Contains(told, Assert.Throws<UsageException>(() => Run(phase, spec)).Message, StringComparison.Ordinal);

    // A supernet with other weights, and else as it was.
    private void Change(
        string from, string to, Action<Session, ShuffleNetV2OneShot> change, Dictionary<string, string>? options = null)
    {
        using Session session = NewSession();
        using CheckpointReader reader = Open(from);
        using var network = new ShuffleNetV2OneShot(session, reader.Header.Spec);
        reader.Load(session, network);
        change(session, network);
        Directory.CreateDirectory(At(to));
        Checkpoint.Save(
            At($"{to}/{CheckpointFolder.NameOf(reader.Header.StepsDone)}"), session, network, reader.Header.StepsDone,
            options ?? reader.Header.Options);
    }

    // A supernet whose weights are made of those that it began from.
    private void ChangeFirst(string to, Func<Parameter, int, float, float> change) => Change("learnt", to, (session, network) =>
    {
        using CheckpointReader reader = Open("learnt");
        using var initial = new InitialWeights("learnt", reader.Header, null, _ => { });
        using ShuffleNetV2OneShot before = initial.Load(session);
        foreach ((Parameter now, Parameter first) in network.Parameters.Zip(before.Parameters))
        {
            now.Value.Upload(session.Stream, [.. first.Value.Download(session.Stream).Select((value, i) => change(now, i, value))]);
        }
    });

    // Whose val has the pictures of train.
    private DataSpec Known()
    {
        string train = Path.Combine(Data.Folder, "train");
        foreach (string file in Directory.GetFiles(train, "*", SearchOption.AllDirectories))
        {
            foreach (string split in new[] { "train", "val" })
            {
                string copy = Path.Combine(At("pictures"), split, Path.GetRelativePath(train, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
        return Data with { Folder = At("pictures") };
    }

    private void Same(string one, string other)
    {
        foreach (string file in new[] { "shrink.json", SpaceShrinkingRun.SpaceName })
        {
            Assert.Equal(File.ReadAllText(At($"{one}/{file}")), File.ReadAllText(At($"{other}/{file}")));
        }
        Assert.Equal(
            File.ReadAllText(At($"{one}/result.json")).Replace(At(one), "", StringComparison.Ordinal),
            File.ReadAllText(At($"{other}/result.json")).Replace(At(other), "", StringComparison.Ordinal));
    }

    private string[] PathsOf(string folder)
    {
        using JsonDocument state = JsonDocument.Parse(File.ReadAllText(At($"{folder}/shrink.json")));
        JsonElement scores = state.RootElement.GetProperty("Scores");
        return [.. scores.EnumerateArray().Select(score => score.GetProperty("Architecture").GetString()!)];
    }

    private CheckpointReader Open(string name) => CheckpointFolder.Open(At(name), _ => { });

    private string FileOf(SearchSpace space)
    {
        string file = At($"{Guid.NewGuid()}.json");
        SearchSpaceFile.Write(file, space);
        return file;
    }

    private string At(string name) => Path.Combine(_folder, name);

    private RunSetup Setup(string folder, params RunOption[] more) => new()
    {
        Data = Data,
        Folder = At(folder),
        Options = [new("seed", "42", "42", Influence.Kept), new("init", "kaiming", "official", Influence.Kept), .. more],
    };

    private TrainingSetup Training(string folder, int epochs, params RunOption[] more) =>
        new(Setup(folder, more), new TrainingOptions { Epochs = epochs, BatchSize = 6, LearningRate = 0.05f })
        {
            Init = InitialisationScheme.Kaiming,
        };

    private SupernetSpec Supernet(string folder, SearchSpace? space, int epochs = 1, RunOption? more = null) => new()
    {
        Setup = more == null ? Training(folder, epochs) : Training(folder, epochs, more),
        Sizes = Tiny,
        HeldOut = 0,
        RandomPaths = 1,
        SearchSpace = space == null ? null : FileOf(space),
    };

    private ScoringSpec Scoring(string supernet = "supernet") =>
        new() { Checkpoint = At(supernet), TrainIters = 2, TrainBatchSize = 6, OnVal = true };

    private SearchSpec Search(string folder) => new()
    {
        Setup = Setup(folder),
        Scoring = Scoring(),
        Evolution = new EvolutionOptions { MaxEpochs = 2, NumPopulation = 6, NumSelect = 2, NumCrossover = 2, NumMutation = 2 },
    };

    private ShrinkSpec Shrink(string folder, ShrinkBy by) =>
        new() { Setup = Setup(folder), Scoring = Scoring(), By = by, NumPaths = 60, Drop = 1 };

    // Stops after so many scores, or when so many were saved.
    private sealed class StoppingObserver(int scores = 0, int saves = 0) : IRunObserver, IDisposable
    {
        private readonly CancellationTokenSource _cancel = new();
        private int _saved;

        public CancellationToken Token => _cancel.Token;

        public void Score(long done, double top1)
        {
            if (done == scores) _cancel.Cancel();
        }

        public void Saved(string file)
        {
            if (++_saved == saves) _cancel.Cancel();
        }

        public void Dispose() => _cancel.Dispose();
    }
}
