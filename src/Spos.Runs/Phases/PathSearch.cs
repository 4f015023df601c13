using System.Diagnostics;
using System.Globalization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How paths are scored with a supernet's weights.</summary>
public sealed record ScoringSpec
{
    /// <summary>The supernet: a checkpoint, or its folder.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Training batches that recalibrate batch norm for a path.</summary>
    public int TrainIters { get; init; } = 200;

    /// <summary>Pictures of a recalibration batch.</summary>
    public int TrainBatchSize { get; init; } = 128;

    /// <summary>Pictures of a test batch.</summary>
    public int TestBatchSize { get; init; } = 512;

    /// <summary>Whether paths are compared on val, and not on what the supernet was not trained on of train.</summary>
    public bool OnVal { get; init; }

    /// <summary>The share of train that the supernet was not trained on; null for what its checkpoint says.</summary>
    public float? HeldOut { get; init; }

    /// <summary>Most FLOPs of a path; null for 330M at the official sizes, else the mean of all paths.</summary>
    public double? FlopsLimit { get; init; }

    /// <summary>Whether a path may have any FLOPs where <see cref="FlopsLimit"/> is null, as for a front.</summary>
    public bool AnyFlops { get; init; }

    /// <summary>Least FLOPs of a path; null for none.</summary>
    public double? FlopsLeast { get; init; }

    /// <summary>Most parameters of a path that is trained from scratch; null for any number.</summary>
    public double? ParamsLimit { get; init; }

    /// <summary>Least parameters of such a path; null for none.</summary>
    public double? ParamsLeast { get; init; }

    /// <summary>Longest time of a path's batch by <see cref="LatencyTable"/>, in milliseconds; null for any.</summary>
    public double? LatencyLimit { get; init; }

    /// <summary>Shortest time of a path's batch, in milliseconds; null for any.</summary>
    public double? LatencyLeast { get; init; }

    /// <summary>A file that spos latency measure wrote; null for none.</summary>
    public string? LatencyTable { get; init; }

    /// <summary>
    /// A file with the alternatives that paths have, as spos search-space and spos shrink write it, of those that the supernet was trained
    /// on; null for all of these.
    /// </summary>
    public string? SearchSpace { get; init; }

    /// <summary>A table of megvii's to count FLOPs by; null to compute them from the shapes.</summary>
    public string? FlopsTable { get; init; }

    /// <summary>
    /// The most paths that are scored together, so that each picture is read once for them, and what they begin with is computed once;
    /// at least 1. Results do not depend on it.
    /// </summary>
    public int Together { get; init; } = 64;
}

/// <summary>How a supernet is searched.</summary>
public sealed record SearchSpec
{
    public required RunSetup Setup { get; init; }

    public required ScoringSpec Scoring { get; init; }

    /// <summary>
    /// The search's settings. Its limits are those of <see cref="Scoring"/>, its seed is that of <see cref="RunSetup.Data"/>.
    /// </summary>
    public EvolutionOptions Evolution { get; init; } = new();

    /// <summary>What a front is over besides accuracy, by <see cref="CostMeasure.Name"/>; empty for FLOPs alone.</summary>
    public IReadOnlyList<string> Objectives { get; init; } = [];

    /// <summary>How long it searches at most; null for no limit.</summary>
    public TimeSpan? MaxDuration { get; init; }

    /// <summary>Candidates that are scored at once; at least 1.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>Makes a pool of other processes that score, too; null where this one scores alone. Results do not depend on it.</summary>
    public Func<PoolSpec, IWorkPool>? Pool { get; init; }
}

/// <summary>What a search came to.</summary>
/// <param name="IsWhole">Whether it came to its end, and not to --max-duration's.</param>
/// <param name="Front">The candidates than which none is better in all of accuracy and the objectives; the cheapest first.</param>
/// <param name="Costs">What candidates may be limited in; the best one's are worth telling.</param>
/// <param name="Objectives">Those that the front is over.</param>
/// <param name="Latencies">The table that tells latencies; null if there is none.</param>
/// <param name="Predictions">How well generations were predicted, if there was a predictor.</param>
/// <param name="Noise">How much of the best score may be chance.</param>
public sealed record SearchResult(
    string Folder, string ArchitectureFile, Candidate Best, IReadOnlyList<Candidate> Candidates, bool IsWhole,
    IReadOnlyList<Candidate> Front, IReadOnlyList<CostTable> Costs, IReadOnlyList<CostTable> Objectives, LatencyTable? Latencies,
    IReadOnlyList<PredictedGeneration> Predictions, SelectionNoise Noise, MeasuredPictures Pictures, DamageReport Damage);

/// <summary>Phase 2: searches a supernet's paths.</summary>
public static class PathSearch
{
    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static SearchResult? Run(SearchSpec spec, RunContext context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.Concurrency, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.Scoring.Together, 1);
        IRunObserver observer = context.Observer;
        (RunSetup setup, ScoringSpec scoring, DataSpec data) = (spec.Setup, spec.Scoring, spec.Setup.Data);
        setup.Require(RunKind.Search);
        EvolutionOptions options = spec.Evolution with { Seed = data.Seed };
        Refusal.Of(options.Validate);
        using var supernet = new ScoredSupernet(scoring, setup.Precision, observer.Warn);
        CostTable[] objectives = supernet.Objectives(spec.Objectives);
        Device device = context.OpenDevice();
        using IDisposable share = DeviceUse.Share(device, spec.Concurrency);
        using var pictures = ScoringData.Open(data, scoring, supernet, device, observer);
        Preprocessing preprocessing = data.PreprocessingOf(supernet.Header);
        using var folder = new RunFolder(setup.Folder, RunKind.Search, observer);
        var kept = new KeptOptions(
            setup.Options, [.. supernet.CameTo(preprocessing), PoolOf(options)], supernet.DefaultsOf(options.Strategy));
        var state = new SearchState(folder.Folder, kept, pictures.Record, data.AcceptChanged, observer.Warn);
        using var scorers = new Scorers(supernet, () => DeviceUse.NewSession(device, setup.Plan, setup.Precision), spec.Concurrency);
        // All that can be refused has been: now what is there may go.
        Dictionary<string, Candidate> known = Known(setup, folder, state, supernet.Space);
        RunRecord.Write(folder, setup.Options, device, NetworkRecord.Of(supernet.Spec, preprocessing), pictures.ClassNames);
        SortedDictionary<string, string?> repeated = RunRecord.OptionsOf(setup.Options);
        if (supernet.LatencyTable is { } table) repeated[SearchedLatency.Option] = SearchedLatency.Write(folder, table);
        foreach ((string option, string value) in supernet.Limits.CameTo.Where(o => o.Value.Length > 0)) repeated[option] = value;
        observer.Begin(new RunBegin(folder.Folder, supernet.Spec, repeated, supernet.Space));
        if (!pictures.Cache(observer, context.Cancel)) return null;
        observer.Say(
            $"Search: {supernet.Checkpoint}{SearchedSpace.NoteOf(supernet.Space)}; candidates of {supernet.Limits.Sampler.Limits}, "
            + $"compared on {pictures.Selection.Samples.Length} pictures{(known.Count > 0 ? $"; {known.Count} are known already" : "")}.");

        using var clock = CancellationTokenSource.CreateLinkedTokenSource(context.Cancel);
        if (spec.MaxDuration is { } time) clock.CancelAfter(time);
        long start = Stopwatch.GetTimestamp();
        TimeSpan TimeLeft() => spec.MaxDuration is { } most ? most - Stopwatch.GetElapsedTime(start) : TimeSpan.MaxValue;
        SearchRun NewRun() =>
            new(
                new EvolutionSearch(supernet.Flops, supernet.Limits.Sampler, options, objectives), options, folder, state, observer,
                kept.With(setup.Options), known);
        SearchRun run = NewRun();
        try
        {
            var own = scorers.On(pictures.Calibration, pictures.Test, context.Cancel, scoring.Together, TimeLeft);
            var facts = WorkFacts.Of(setup.Options, supernet, preprocessing, pictures.Record, pictures.ClassNames, device);
            using IWorkPool? pool = spec.Pool?.Invoke(new PoolSpec(facts, null, folder.Folder, observer));
            IGenerationScorer scorer = pool?.Scorer(data.Seed, own) ?? new ScorerThreads(own);
            bool? whole = null;
            while (whole == null)
            {
                try
                {
                    whole = run.Run(scorer, clock.Token);
                }
                catch (ScoresWithdrawnException wrong)
                {
                    Withdraw([.. wrong.Scores.Select(score => score.Path)], run.Search.Candidates, known);
                    state.Save([.. known.Values]);
                    run = NewRun();
                }
            }
            if (whole == true || (!context.Cancel.IsCancellationRequested && run.Search.Candidates.Count > 0))
            {
                SearchResult result = Finish(folder, supernet, run.Search, objectives, pictures, whole == true);
                pool?.MarkDone();
                return result;
            }
        }
        catch (WriteException error)
        {
            throw InterruptedRunException.Of(error, "The scores that were written before are kept");
        }
        observer.Say(
            $"Stopped after {run.Search.Candidates.Count} candidates, saved to {state.FilePath}. To go on, run the same command again.");
        return null;
    }

    // Nothing without a predictor, as in searches of before there were any.
    private static KeyValuePair<string, string> PoolOf(EvolutionOptions options) =>
        new("predictor-pool", options.Predictor == null ? "" : options.PredictorPool.ToString(CultureInfo.InvariantCulture));

    /// <summary>The scores that an earlier run has left; none if there is nothing, or it begins anew.</summary>
    /// <exception cref="UsageException">They are of another run, or there have to be some and are not.</exception>
    internal static Dictionary<string, Candidate> Known(RunSetup setup, RunFolder folder, SearchState state, SearchSpace space)
    {
        if (!setup.Restart && state.Load(space) is { } known) return known;
        if (setup.Resume) throw new UsageException($"--resume: {state.FilePath} does not exist.");
        if (!setup.Restart) folder.RequireNoResult(Path.GetFileName(state.FilePath));
        folder.Clear();
        return [];
    }

    // Leaves what the search repeats itself by, up to the generation that has the first wrong score: later ones come of that score.
    // Nothing came of scores that the search was not told.
    private static void Withdraw(HashSet<string> wrong, IReadOnlyList<Candidate> candidates, Dictionary<string, Candidate> known)
    {
        int last = candidates.Where(one => wrong.Contains(one.Path.ToString())).Select(one => one.Generation)
            .DefaultIfEmpty(int.MaxValue).Min();
        foreach (Candidate candidate in candidates)
        {
            string path = candidate.Path.ToString();
            if (candidate.Generation <= last && !wrong.Contains(path)) known.TryAdd(path, candidate);
            else known.Remove(path);
        }
    }

    private static SearchResult Finish(
        RunFolder folder, ScoredSupernet supernet, EvolutionSearch search, CostTable[] objectives, ScoringData data, bool whole)
    {
        Candidate best = search.Best(1)[0];
        string architecture = Path.Combine(folder.Folder, NetworkOrigin.ArchitectureName);
        ArchitectureFile.Write(architecture, best.Path, search.Space);
        MeasuredPictures pictures = MeasuredPictures.Of(data.Test);
        SelectionNoise noise = SelectionNoise.Of(pictures.Count, [.. search.Candidates.Select(c => c.Top1)]);
        Candidate[] front = search.Front();
        FrontFiles.Write(folder, front, search.Space, supernet.Limits.Costs);
        folder.WriteResult(new
        {
            architecture = best.Path.Operations,
            channel_scales = best.Path.HasScales ? best.Path.Scales : (IReadOnlyList<int>?)null,
            flops = best.Flops,
            parameters = supernet.Parameters.Of(best.Path),
            latencies = supernet.LatencyTable?.Conditions,
            top1 = best.Top1,
            candidates = search.Candidates.Count,
            front = front.Length,
            predictions = search.Predictions.Count == 0 ? null : search.Predictions.Select(one => new
            {
                generation = one.Generation,
                learned_from = one.Learned,
                candidates = one.Candidates,
                kendall_tau = one.KendallTau,
            }),
            whole,
            pictures = pictures.Count,
            left_out = pictures.LeftOut,
            top1_mean = noise.Mean,
            top1_deviation = noise.Deviation,
            standard_error = noise.StandardError,
            best_by_chance = noise.BestByChance,
            classes = data.ClassNames,
        });
        return new SearchResult(
            folder.Folder, architecture, best, search.Candidates, whole, front, supernet.Limits.Costs, objectives, supernet.LatencyTable,
            search.Predictions, noise, pictures, data.Damage);
    }
}
