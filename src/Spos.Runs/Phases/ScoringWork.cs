using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>What a worker needs to score the paths of a supernet for a search.</summary>
public sealed record WorkerSpec
{
    public required DataSpec Data { get; init; }

    public required ScoringSpec Scoring { get; init; }

    /// <summary>What computes convolutions, and what in.</summary>
    public required (Engine.Ops.Convolutions.ConvolutionPlan Plan, Engine.Autograd.Precision Precision) Computing { get; init; }

    /// <summary>All options by name.</summary>
    public required IReadOnlyList<RunOption> Options { get; init; }
}

/// <summary>The paths of a supernet are scored for another process, which searches.</summary>
public sealed class ScoringWork : IPathScorer, IDisposable
{
    private readonly ScoredSupernet _supernet;
    private readonly ScoringData _pictures;
    private readonly Scorers _scorers;
    private readonly IPathScorer _scorer;

    // The coordinator may ask again for what it has not got.
    private readonly Dictionary<Architecture, double> _known = [];

    private ScoringWork(
        ScoredSupernet supernet, ScoringData pictures, Scorers scorers, IPathScorer scorer, IReadOnlyDictionary<string, string> facts) =>
        (_supernet, _pictures, _scorers, _scorer, Facts) = (supernet, pictures, scorers, scorer, facts);

    /// <summary>All that a score depends on.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; }

    public int Room => _scorer.Room;

    /// <summary>Opens checkpoint and pictures, and makes the cache of pictures if one is asked for.</summary>
    /// <returns>Null if it was stopped.</returns>
    /// <exception cref="SposException">They cannot be had.</exception>
    public static ScoringWork? Open(WorkerSpec spec, RunContext context)
    {
        IRunObserver observer = context.Observer;
        DeviceUse.Require(spec.Computing.Precision, spec.Computing.Plan);
        var opened = new Stack<IDisposable>();
        try
        {
            var supernet = new ScoredSupernet(spec.Scoring with { AnyFlops = true }, spec.Computing.Precision, observer.Warn);
            opened.Push(supernet);
            Device device = context.OpenDevice();
            var pictures = ScoringData.Open(spec.Data, spec.Scoring, supernet, device, observer);
            opened.Push(pictures);
            Preprocessing preprocessing = spec.Data.PreprocessingOf(supernet.Header);
            var scorers = new Scorers(supernet, () => DeviceUse.NewSession(device, spec.Computing.Plan, spec.Computing.Precision), 1);
            opened.Push(scorers);
            if (!pictures.Cache(observer, context.Cancel)) return null;
            IPathScorer scorer = scorers.On(pictures.Calibration, pictures.Test, context.Cancel, spec.Scoring.Together)[0];
            var facts = ScoringFacts.Of(spec.Options, supernet, preprocessing, pictures, device);
            opened.Clear();
            return new ScoringWork(supernet, pictures, scorers, scorer, facts);
        }
        finally
        {
            foreach (IDisposable one in opened) one.Dispose();
        }
    }

    /// <summary>The architecture that a text names.</summary>
    /// <exception cref="FormatException">It is none of the supernet's.</exception>
    public Architecture PathOf(string text)
    {
        var path = Architecture.Parse(text);
        return _supernet.Space.FaultOf(path) is { } fault ? throw new FormatException($"the architecture {fault}.") : path;
    }

    public IReadOnlyList<double> Score(IReadOnlyList<Architecture> paths)
    {
        Architecture[] others = [.. paths.Where(path => !_known.ContainsKey(path)).Distinct()];
        if (others.Length > 0)
        {
            foreach ((Architecture path, double score) in others.Zip(_scorer.Score(others))) _known[path] = score;
        }
        return [.. paths.Select(path => _known[path])];
    }

    public void Dispose()
    {
        _scorers.Dispose();
        _pictures.Dispose();
        _supernet.Dispose();
    }
}
