using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>The phases as another program runs them: from records of options, without a command line or a console.</summary>
// Searches divide the threads of the one host device among their scorers.
[Collection("searches")]
public sealed class PhaseTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-phases-").FullName;

    [Fact]
    public void Each_phase_returns_what_it_came_to_and_tells_its_observer_alone()
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using var printed = new StringWriter();
        try
        {
            Console.SetOut(printed);
            Console.SetError(printed);
            string training = "Training: step* saved step* saved end";
            SupernetResult supernet = Run(SupernetTraining.Run, Supernet(), $"begin {training} Scoring: score* end")!;
            Assert.Equal(3, supernet.RandomTop1.Count);
            Assert.True(File.Exists(supernet.Checkpoint));

            var search = new SearchSpec
            {
                Setup = Setup("search"),
                Scoring = Scoring,
                Evolution = new EvolutionOptions { MaxEpochs = 2, NumPopulation = 3, NumSelect = 2, NumCrossover = 1, NumMutation = 1 },
            };
            string generation = "saved candidate saved candidate saved candidate generation";
            SearchResult found = Run(PathSearch.Run, search, $"begin Search: {generation} {generation} end")!;
            Assert.True(found.IsWhole);
            Assert.Equal(found.Best.Top1, found.Candidates.Max(c => c.Top1));

            var scratch = new ScratchSpec
            {
                Setup = Training("scratch"),
                Sizes = Tiny,
                Architecture = found.ArchitectureFile,
                EmaDecay = 0.9f,
            };
            string epoch = "step* measured averaged saved";
            ScratchResult trained = Run(ScratchTraining.Run, scratch, $"begin Training: {epoch} {epoch} end")!;
            Assert.Equal(found.Best.Path, trained.Architecture);
            Assert.NotNull(trained.LastTop1);

            var rank = new RankSpec
            {
                Setup = Training("rank"),
                Scoring = Scoring,
                NumArchitectures = 3,
                Recalibrations = 2,
                TrainingOptions = [],
            };
            string ranking = $"begin Scoring: score* end saved {training} saved {training} saved {training} saved";
            RankResult ranked = Run(Ranking.Run, rank, ranking)!;
            Assert.Equal(3, ranked.Standalone.Length);

            var evaluation = new EvaluationSpec { Data = Data, Checkpoint = At("scratch") };
            EvaluationResult evaluated = Run(Evaluation.Run, evaluation, "");
            Assert.Equal(trained.Accuracy, evaluated.Accuracy);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
        Assert.Empty(printed.ToString());
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void A_run_that_was_stopped_goes_on_to_the_same_bits(Precision precision)
    {
        SupernetSpec spec = Supernet("stopped", precision: precision);
        byte[] whole = File.ReadAllBytes(Run(SupernetTraining.Run, Supernet("whole", precision: precision))!.Checkpoint);
        using var stopping = new RecordingObserver { StopsAtOnce = true };
        Assert.Null(SupernetTraining.Run(spec, Context(stopping)));
        Assert.Equal("begin Training: step saved end", stopping.Told);

        using var going = new RecordingObserver();
        SupernetResult result = SupernetTraining.Run(spec, Context(going))!;
        Assert.Equal(1, going.Parts[0].FirstStep);
        Assert.Equal(whole, File.ReadAllBytes(result.Checkpoint));
    }

    [Fact]
    public void A_run_with_another_option_is_refused_by_its_name()
    {
        RunOption momentum = new("momentum", "0.9", "0.9", Influence.Kept), frequency = new("log-frequency", "10", "10", Influence.None);
        Run(SupernetTraining.Run, Supernet(options: [momentum, frequency]));
        SupernetSpec other = Supernet(options: [momentum with { Value = "0.5" }, frequency]);
        string refusal = Assert.Throws<UsageException>(() => Run(SupernetTraining.Run, other)).Message;
        Assert.Contains("was made with --momentum 0.9, not 0.5.", refusal, StringComparison.Ordinal);
        // As of an option that there was not when the run began.
        Run(SupernetTraining.Run, Supernet(options: [momentum, frequency with { Value = "1" }, new("new", "3", "3", Influence.Kept)]));
    }

    [Fact]
    public void A_run_that_goes_on_removes_a_checkpoint_that_a_killed_one_left()
    {
        Run(SupernetTraining.Run, Supernet());
        string[] kept = [.. CheckpointFolder.Files(At("supernet"))];
        File.Copy(kept[0], At($"supernet/{CheckpointFolder.NameOf(1)}"));
        Assert.Equal(3, CheckpointFolder.Files(At("supernet")).Count());
        Run(SupernetTraining.Run, Supernet());
        Assert.Equal(kept, CheckpointFolder.Files(At("supernet")));
    }

    [Fact]
    public void A_search_compares_on_what_its_supernet_held_out_in_any_culture_and_gives_the_threads_back()
    {
        (CultureInfo culture, int threads) = (CultureInfo.CurrentCulture, Device.Host.Threads);
        var written = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (written.NumberFormat.NumberDecimalSeparator, written.NumberFormat.NumberGroupSeparator) = (",", ".");
        try
        {
            CultureInfo.CurrentCulture = written;
            Device.Host.Threads = 4;
            Run(SupernetTraining.Run, Supernet());
            CultureInfo.CurrentCulture = culture;
            var search = new SearchSpec
            {
                Setup = Setup("search"),
                Scoring = Scoring with { OnVal = false },
                Evolution = new EvolutionOptions { MaxEpochs = 1, NumPopulation = 3, NumSelect = 2, NumCrossover = 1, NumMutation = 1 },
                Concurrency = 2,
            };
            // One of six of each class.
            Assert.Equal(3, Run(PathSearch.Run, search)!.Pictures.Count);
            Assert.Equal(4, Device.Host.Threads);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
            Device.Host.Threads = threads;
        }
    }

    [Fact]
    public void A_search_or_ranking_that_cannot_write_says_what_to_do()
    {
        Run(SupernetTraining.Run, Supernet());
        void Tells<TSpec, T>(Func<TSpec, RunContext, T> phase, TSpec spec)
        {
            // A folder in its place: the next time the file cannot be written.
            void Block(string file)
            {
                if (!file.EndsWith(".json", StringComparison.Ordinal)) return;
                File.Delete(file);
                Directory.CreateDirectory(file);
            }

            using var observer = new RecordingObserver { OnSaved = Block };
            string told = Assert.Throws<InterruptedRunException>(() => phase(spec, Context(observer))).Message;
            Assert.Matches(@"could not be written: .+ are kept: make room and run the same command again\.$", told);
        }

        Tells(PathSearch.Run, new SearchSpec
        {
            Setup = Setup("search"),
            Scoring = Scoring,
            Evolution = new EvolutionOptions { MaxEpochs = 1, NumPopulation = 3, NumSelect = 2, NumCrossover = 1, NumMutation = 1 },
        });
        Tells(Ranking.Run, new RankSpec
        {
            Setup = Training("rank"),
            Scoring = Scoring,
            NumArchitectures = 2,
            Recalibrations = 1,
            TrainingOptions = [],
        });
    }

    [Fact]
    public void A_ranking_that_was_stopped_among_its_repeats_goes_on_to_the_same_bits()
    {
        Run(SupernetTraining.Run, Supernet());
        RunOption seed = new("seed", "42", "42", Influence.Kept);
        RankSpec Spec(string folder) => new()
        {
            Setup = Training(folder, [seed]),
            Scoring = Scoring,
            NumArchitectures = 3,
            Recalibrations = 1,
            Repeats = 3,
            FlopsBins = 3,
            TrainingOptions = [seed],
        };
        RankResult whole = Run(Ranking.Run, Spec("whole"))!;
        Assert.All(whole.Trainings, trainings => Assert.Equal(3, trainings.Length));
        Assert.Equal(whole.Trainings.Select(t => t.Average()), whole.Standalone);
        Assert.NotNull(whole.Figures.Agreement);

        // It is stopped after each step anew; --resume finds a ranking, if not yet this training.
        int runs = 0;
        for (RankResult? gone = null; gone == null; runs++)
        {
            using var stopping = new RecordingObserver { StopsAtOnce = true };
            RankSpec spec = Spec("stopped");
            try
            {
                gone = Ranking.Run(spec with { Setup = spec.Setup with { Resume = runs > 0 } }, Context(stopping));
            }
            catch (OperationCanceledException)
            {
                // The step was a training's last one, which is then not measured.
            }
        }
        // Six steps of nine trainings.
        Assert.Equal(6 * 9 + 1, runs);
        string[] files =
        [
            "rank.json", "result.json", .. new[] { "", "-seed-43", "-seed-44" }.SelectMany(seed => Enumerable.Range(0, 3).Select(
                i => Path.GetRelativePath(At("whole"), CheckpointFolder.Files(At($"whole/architecture-00{i}{seed}")).Last()))),
        ];
        Assert.All(
            files, file => Assert.Equal(File.ReadAllBytes(At($"whole/{file}")), File.ReadAllBytes(At($"stopped/{file}"))));

        // Fewer repeats are a part of them; and more go on from fewer.
        RankResult fewer = Run(Ranking.Run, Spec("whole") with { Repeats = 2 })!;
        Assert.Equal(whole.Trainings.Select(t => t[..2]), fewer.Trainings);
        RankResult one = Run(Ranking.Run, Spec("more") with { Repeats = 1 })!;
        Assert.Null(one.Figures.Agreement);
        Assert.DoesNotContain("Repeats", File.ReadAllText(At("more/rank.json")), StringComparison.Ordinal);
        using var observer = new RecordingObserver();
        RankResult more = Ranking.Run(Spec("more"), Context(observer))!;
        Assert.Equal(whole.Trainings, more.Trainings);
        Assert.Equal(6, observer.Parts.Count);
        Assert.Equal("architecture 1/3, training 2/3", observer.Parts[0].Title);
        Assert.Equal(File.ReadAllBytes(At("whole/rank.json")), File.ReadAllBytes(At("more/rank.json")));

        // All of it goes when it begins anew.
        Run(Ranking.Run, Spec("more") with { Repeats = 1, Setup = Spec("more").Setup with { Restart = true } });
        Assert.Empty(CheckpointFolder.Files(At("more/architecture-000-seed-43")));
    }

    [Theory]
    [InlineData(ConvolutionPlan.Unfused)]
    [InlineData(ConvolutionPlan.Cudnn)]
    [InlineData(ConvolutionPlan.Auto)]
    public void A_precision_that_a_plan_does_not_compute_in_is_refused_before_it_begins(ConvolutionPlan plan)
    {
        void Refused<TSpec, T>(Func<TSpec, RunContext, T> phase, TSpec spec) => Assert.Equal(
            $"--precision bf16 needs --plan fused: --plan {plan.ToString().ToLowerInvariant()} computes in fp32 only.",
            Assert.Throws<UsageException>(() => Run(phase, spec)).Message);
        T By<T>(T setup)
            where T : RunSetup => setup with { Plan = plan, Precision = Precision.Bf16 };
        Refused(SupernetTraining.Run, Supernet() with { Setup = By(Training("supernet")) });
        Refused(ScratchTraining.Run, new ScratchSpec { Setup = By(Training("scratch")), Sizes = Tiny, Architecture = "0 1 2 3" });
        Refused(PathSearch.Run, new SearchSpec { Setup = By(Setup("search")), Scoring = Scoring });
        Refused(Ranking.Run, new RankSpec { Setup = By(Training("rank")), Scoring = Scoring, TrainingOptions = [] });
        Refused(
            Evaluation.Run, new EvaluationSpec { Data = Data, Checkpoint = At("none"), Plan = plan, Precision = Precision.Bf16 });
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    // What a kernel's name ends with is the type of what it reads or writes.
    [Theory]
    [InlineData(Precision.Fp32, "f32", "bf16")]
    [InlineData(Precision.Bf16, "bf16", "f32")]
    public void All_products_of_blocks_are_in_the_precision(Precision precision, string type, string other)
    {
        string[] measuring = ["pointwise_fused_forward", "pointwise_normalised"], training = [.. measuring, "pointwise_fused_backward"];
        TrainingSetup setup = Training("scratch") with { Precision = precision };
        Launches(training, SupernetTraining.Run, Supernet(precision: precision));
        Launches(measuring, PathSearch.Run, new SearchSpec
        {
            Setup = Setup("search") with { Precision = precision },
            Scoring = Scoring,
            Evolution = new EvolutionOptions { MaxEpochs = 1, NumPopulation = 3, NumSelect = 2, NumCrossover = 1, NumMutation = 1 },
        });
        Launches(training, ScratchTraining.Run, new ScratchSpec { Setup = setup, Sizes = Tiny, Architecture = "0 1 2 3" });
        Launches(training, Ranking.Run, new RankSpec
        {
            Setup = setup with { Folder = At("rank") },
            Scoring = Scoring,
            NumArchitectures = 2,
            Recalibrations = 1,
            TrainingOptions = [],
        });
        Launches(measuring, Evaluation.Run, new EvaluationSpec
        {
            Data = Data,
            Precision = precision,
            Checkpoint = At("scratch"),
            Recalibrate = true,
            TrainIters = 1,
            TrainBatchSize = 6,
        });

        void Launches<TSpec, T>(IEnumerable<string> kernels, Func<TSpec, RunContext, T> phase, TSpec spec)
        {
            var recorder = new LaunchRecorder();
            Device.Host.Kernels.Recorder = recorder;
            try
            {
                Run(phase, spec);
            }
            finally
            {
                Device.Host.Kernels.Recorder = null;
            }
            HashSet<string> launched = [.. recorder.Take().Select(launch => launch.Kernel)];
            foreach (string kernel in kernels)
            {
                Assert.Contains($"{kernel}_{type}", launched);
                Assert.DoesNotContain($"{kernel}_{other}", launched);
            }
        }
    }

    [Fact]
    public void What_makes_no_run_is_refused_before_it_begins()
    {
        void Refused<TSpec, T>(Func<TSpec, RunContext, T> phase, TSpec spec) =>
            Assert.Throws<ArgumentOutOfRangeException>(() => Run(phase, spec));
        Refused(SupernetTraining.Run, Supernet() with { RandomPaths = 0 });
        Refused(PathSearch.Run, new SearchSpec { Setup = Setup("search"), Scoring = Scoring, Concurrency = 0 });
        RankSpec rank = new() { Setup = Training("rank"), Scoring = Scoring, TrainingOptions = [] };
        Refused(Ranking.Run, rank with { NumArchitectures = 1 });
        Refused(Ranking.Run, rank with { Recalibrations = 0 });
        Refused(Ranking.Run, rank with { Repeats = 0 });
        Refused(Ranking.Run, rank with { FlopsBins = 0 });
        Assert.StartsWith(
            "--flops-bins 17: --num-architectures 16 are fewer",
            Assert.Throws<UsageException>(() => Run(Ranking.Run, rank with { FlopsBins = 17 })).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ScoringSpec Scoring => new() { Checkpoint = At("supernet"), TrainIters = 1, TrainBatchSize = 6, OnVal = true };

    private string At(string name) => Path.Combine(_folder, name);

    private RunSetup Setup(string folder, IReadOnlyList<RunOption>? options = null) =>
        new() { Data = Data, Folder = At(folder), Options = options ?? [] };

    private TrainingSetup Training(string folder, IReadOnlyList<RunOption>? options = null) =>
        new(Setup(folder, options), new TrainingOptions { Epochs = 2, BatchSize = 6, LearningRate = 0.05f });

    private SupernetSpec Supernet(
        string folder = "supernet", IReadOnlyList<RunOption>? options = null, Precision precision = Precision.Fp32) =>
        new()
        {
            Setup = Training(folder, options) with { Precision = precision },
            Sizes = Tiny,
            PathsPerStep = 2,
            HeldOut = 0.2f,
            RandomPaths = 3,
        };
}
