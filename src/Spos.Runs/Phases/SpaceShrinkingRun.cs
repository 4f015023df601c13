using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Leaves those alternatives out of a search space that do worst in a trained supernet.</summary>
public static class SpaceShrinkingRun
{
    /// <summary>The name of the file of what is left.</summary>
    public const string SpaceName = "search_space.json";

    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static ShrinkResult? Run(ShrinkSpec spec, RunContext context)
    {
        IRunObserver observer = context.Observer;
        (RunSetup setup, DataSpec data) = (spec.Setup, spec.Setup.Data);
        setup.Require(RunKind.Shrink);
        using var supernet = new ScoredSupernet(spec.Scoring with { AnyFlops = true }, setup.Precision, observer.Warn);
        var shrinking = new SpaceShrinking(spec.Keep, spec.Drop);
        Require(spec, shrinking, supernet.Space);
        if (Draw(spec, supernet, context.Cancel) is not { } drawn) return null;
        RequireAll(spec, supernet, drawn);
        if (drawn.Count < spec.NumPaths)
        {
            observer.Say($"--num-paths {spec.NumPaths}: no more than {drawn.Count} were found, and these are compared.");
        }
        using InitialWeights? initial =
            spec.By == ShrinkBy.Angle ? new InitialWeights(supernet.Checkpoint, supernet.Header, spec.Initial, observer.Warn) : null;
        Device device = context.OpenDevice();
        // Angles need no pictures.
        using ScoringData? pictures = initial == null ? ScoringData.Open(data, spec.Scoring, supernet, device, observer) : null;
        using var folder = new RunFolder(setup.Folder, RunKind.Shrink, observer);
        KeptOptions kept = KeptBy(spec, supernet, initial);
        DataRecord record = pictures?.Record ?? DataRecord.Of(supernet.Header);
        var state = new SearchState(folder.Folder, kept, record, data.AcceptChanged, observer.Warn, SearchState.OfShrink, initial != null);
        Dictionary<string, Candidate> known = PathSearch.Known(setup, folder, state, supernet.Space);
        NetworkRecord network = NetworkRecord.Of(supernet.Spec, data.PreprocessingOf(supernet.Header));
        RunRecord.Write(folder, setup.Options, device, network, pictures?.ClassNames ?? supernet.Header.ClassNames);
        observer.Begin(new RunBegin(folder.Folder, supernet.Spec, RunRecord.OptionsOf(setup.Options), supernet.Space));
        if (pictures?.Cache(observer, context.Cancel) == false) return null;
        observer.Say(
            $"Shrink: {supernet.Checkpoint}{SearchedSpace.NoteOf(supernet.Space)}; paths of {supernet.Limits.Sampler.Limits}, compared "
            + $"by {(pictures == null ? "the angles of their weights" : $"their scores on {pictures.Selection.Samples.Length} pictures")}"
            + $"{(known.Count > 0 ? $"; {known.Count} are known already" : "")}.");
        var search = new EvolutionSearch(supernet.Flops, supernet.Limits.Sampler, OptionsOf(spec, drawn[^1].Generation + 1));
        try
        {
            if (initial != null) Score(search, [AnglesOf(setup, supernet, initial, device)], known, state, observer, context.Cancel);
            else
            {
                using var scorers = new Scorers(supernet, () => DeviceUse.NewSession(device, setup.Plan, setup.Precision), 1);
                IReadOnlyList<IPathScorer> all =
                    scorers.On(pictures!.Calibration, pictures.Test, context.Cancel, spec.Scoring.Together);
                var part = new RunPart(PartKind.Scoring, "scores", folder.Folder, "path", drawn.Count, known.Count > 0 ? 1 : 0);
                observer.Observe(part, () => Score(search, all, known, state, observer, context.Cancel));
            }
        }
        catch (OperationCanceledException)
        {
            observer.Say(
                $"Stopped after {search.Candidates.Count} paths, saved to {state.FilePath}. To go on, run the same command again.");
            return null;
        }
        catch (WriteException error)
        {
            throw InterruptedRunException.Of(error, "The scores that were written before are kept");
        }
        return Finish(spec, folder, supernet, shrinking, search.Candidates, pictures, observer);
    }

    private static void Score(
        EvolutionSearch search, IReadOnlyList<IPathScorer> scorers, Dictionary<string, Candidate> known, SearchState state,
        IRunObserver observer, CancellationToken cancel)
    {
        var scores = new SavedScores(search, state, observer, known);
        search.Run(scores.On(new ScorerThreads(scorers)), After, _ => { }, cancel);
        scores.Save();

        void After(Candidate candidate)
        {
            bool isNew = scores.IsNew(candidate);
            // Angles are there at once.
            if (scorers[0] is Angles) return;
            observer.Score(search.Candidates.Count, candidate.Top1);
            if (isNew) scores.Save();
        }
    }

    private static ShrinkResult Finish(
        ShrinkSpec spec, RunFolder folder, ScoredSupernet supernet, SpaceShrinking shrinking, IReadOnlyList<Candidate> scored,
        ScoringData? pictures, IRunObserver observer)
    {
        SearchSpace space = supernet.Space;
        IReadOnlyList<ScoredAlternative> alternatives = ScoredAlternative.Of(space, scored), dropped = shrinking.Of(alternatives);
        SearchSpace left = dropped.Aggregate(space, (before, one) => one.LeftOutOf(before));
        string file = Path.Combine(folder.Folder, SpaceName);
        SearchSpaceFile.Write(file, left);
        if (!HasPath(left, supernet))
        {
            observer.Warn(
                $"{file}: no path of what is left was found that keeps the limits, {supernet.Limits.Sampler.Limits}, so a search with the "
                + "same limits refuses it. Leave more, or search with other limits.");
        }
        MeasuredPictures? measured = pictures == null ? null : MeasuredPictures.Of(pictures.Test);
        bool isAngle = spec.By == ShrinkBy.Angle;
        folder.WriteResult(new
        {
            by = $"{spec.By}".ToLowerInvariant(),
            paths = scored.Count,
            pictures = measured?.Count,
            left_out = measured?.LeftOut,
            alternatives_before = space.Choices.Sum(block => block.Length),
            alternatives_after = left.Choices.Sum(block => block.Length),
            search_space = file,
            alternatives = alternatives.Select(one => new
            {
                block = one.Block,
                kind = one.IsScale ? "channel scale" : "operation",
                number = one.Number,
                name = NameOf(space, one),
                paths = one.Paths,
                top1 = isAngle || one.Paths == 0 ? (double?)null : one.Score,
                degrees = isAngle && one.Paths > 0 ? DegreesOf(one) : (double?)null,
                dropped = dropped.Contains(one),
            }),
        });
        return new ShrinkResult(
            folder.Folder, file, space, left, alternatives, dropped, scored.Count, measured, pictures?.Damage);
    }

    /// <summary>What an alternative is called.</summary>
    public static string NameOf(SearchSpace space, ScoredAlternative one) =>
        one.IsScale ? ChannelScales.NameOf(one.Number) : space.OperationName(one.Block, one.Number);

    /// <summary>A mean angle in degrees.</summary>
    public static double DegreesOf(ScoredAlternative one) => one.Score * 180;

    // A search of random paths alone draws them, and has what each scores.
    private static EvolutionOptions OptionsOf(ShrinkSpec spec, int generations) => new()
    {
        Strategy = SearchStrategy.Random,
        MaxTrials = spec.NumPaths,
        MaxEpochs = generations,
        Seed = spec.Setup.Data.Seed,
    };

    // The paths that will be compared, without their scores; null if it is stopped. Small spaces, and limits, have fewer than are asked
    // for: it ends with the first generation that brings none.
    private static IReadOnlyList<Candidate>? Draw(ShrinkSpec spec, ScoredSupernet supernet, CancellationToken cancel)
    {
        var search = new EvolutionSearch(supernet.Flops, supernet.Limits.Sampler, OptionsOf(spec, int.MaxValue));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        int before = 0;
        try
        {
            Refusal.Of(() => search.Run([_ => 0.0], _ => { }, AfterGeneration, stop.Token));
        }
        catch (OperationCanceledException)
        {
            if (cancel.IsCancellationRequested) return null;
        }
        return search.Candidates;

        void AfterGeneration(int generation)
        {
            if (search.Candidates.Count == before) stop.Cancel();
            before = search.Candidates.Count;
        }
    }

    private static void Require(ShrinkSpec spec, SpaceShrinking shrinking, SearchSpace space)
    {
        if (spec.Initial != null && spec.By != ShrinkBy.Angle) throw new UsageException("--initial is for --by angle.");
        if ((spec.Keep == null) == (spec.Drop == null))
        {
            throw new UsageException(
                "how much goes is told by --drop N, the worst N alternatives of all blocks, or by --keep N, all but the best N of each "
                + $"block: one of them {(spec.Keep == null ? "is missing" : "alone")}.");
        }
        if (spec.Drop is { } drop && drop > SpaceShrinking.MostOf(space))
        {
            throw new UsageException(
                $"--drop {drop}: at most {SpaceShrinking.MostOf(space)} alternatives can go, since no block gives up its last.");
        }
        if (shrinking.CountIn(space) == 0) throw new UsageException($"--keep {spec.Keep}: no block has more, so nothing goes.");
    }

    // Each alternative that a path within the limits can have is in one.
    private static void RequireAll(ShrinkSpec spec, ScoredSupernet supernet, IReadOnlyList<Candidate> drawn)
    {
        foreach (ScoredAlternative one in ScoredAlternative.Of(supernet.Space, drawn).Where(one => one.Paths == 0))
        {
            if (!HasPath(one.Alone(supernet.Space), supernet)) continue;
            throw new UsageException(
                $"--num-paths {spec.NumPaths}: none of these paths has {NameOf(supernet.Space, one)} in block {one.Block}, so nothing is "
                + "known of it. Draw more.");
        }
    }

    // Whether a part of the space has a path within the limits of all.
    private static bool HasPath(SearchSpace part, ScoredSupernet supernet)
    {
        var limits = supernet.Limits.Sampler.Limits.All.Select(limit => limit with { Table = limit.Table.In(part) });
        return new LimitedSampler(new CostLimits(limits)).TryDraw(new CounterRandom(0, RandomPurpose.Search, 0)) != null;
    }

    private static KeptOptions KeptBy(ShrinkSpec spec, ScoredSupernet supernet, InitialWeights? initial)
    {
        Dictionary<string, string> cameTo = new(supernet.CameTo(spec.Setup.Data.PreprocessingOf(supernet.Header)));
        if (initial != null) cameTo["initial"] = initial.Checksum;
        return new KeptOptions(spec.Setup.Options, cameTo);
    }

    private static Angles AnglesOf(RunSetup setup, ScoredSupernet supernet, InitialWeights initial, Device device)
    {
        using Session session = DeviceUse.NewSession(device, setup.Plan);
        using ShuffleNetV2OneShot before = initial.Load(session), after = supernet.Load(session);
        return new Angles(PathAngles.Of(session, before, after), supernet.Checkpoint);
    }

    // Scores as files have them are shares, and angles are no more than half a turn.
    private sealed class Angles(PathAngles angles, string supernet) : IPathScorer
    {
        public int Room => int.MaxValue;

        public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths) => [.. paths.Select(Of)];

        private double Of(Architecture path) => angles.Of(path) / Math.PI is var share && double.IsFinite(share)
            ? share
            : throw new CheckpointException($"{supernet}, or what its training began from, has weights that are not finite.");
    }
}
