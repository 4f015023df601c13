using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A trained supernet whose paths are to be scored: its checkpoint, costs and pictures.</summary>
internal sealed class ScoredSupernet : IDisposable
{
    // The paper's, of searches.
    private const double OfficialFlopsLimit = 330e6;

    private const string NeedsTable = "needs a --latency-table: spos latency measure makes one.";

    private const string FlopsLimitOption = "flops-limit";

    private readonly ScoringSpec _spec;
    private readonly (LatencyTable Table, CostTable Costs)? _latency;

    // Kept open: a supernet that is still being trained removes its older checkpoints.
    private readonly CheckpointReader _checkpoint;

    /// <exception cref="CheckpointException">There is none, or it is a single path.</exception>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    /// <exception cref="LimitException">It has no kernels for the precision.</exception>
    public ScoredSupernet(ScoringSpec spec, Precision precision, Action<string> warn)
    {
        _spec = spec;
        if (!Path.Exists(spec.Checkpoint))
        {
            throw new CheckpointException(
                $"{spec.Checkpoint}: no supernet checkpoint there. Run spos supernet first, or name one with --checkpoint.");
        }
        _checkpoint = CheckpointFolder.Open(spec.Checkpoint, warn);
        try
        {
            if (Header.Path != null)
            {
                throw new CheckpointException(
                    $"{Checkpoint} is of another network: a single path, {Header.Path}. A supernet's checkpoint is needed.");
            }
            ShuffleNetV2OneShot.Require(precision, Spec);
            Space = SearchedSpace.Within(_checkpoint, spec.SearchSpace);
            Flops = NamedNetwork.FlopsOf(spec.FlopsTable, Header.Spec).In(Space);
            Parameters = NetworkParameters.Of(Header.Spec).In(Space);
            if (spec.LatencyTable is { } table) _latency = ReadLatency(table, precision, warn);
            Limits = new CandidateLimits([.. AskedLimits()]);
        }
        catch
        {
            _checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The checkpoint's file.</summary>
    public string Checkpoint => _checkpoint.Path;

    public CheckpointHeader Header => _checkpoint.Header;

    public NetworkSpec Spec => Header.Spec;

    /// <summary>What paths are of.</summary>
    public SearchSpace Space { get; }

    public CostTable Flops { get; }

    /// <summary>Of a path that is trained from scratch.</summary>
    public CostTable Parameters { get; }

    /// <summary>What tells latencies; null if nothing does.</summary>
    public LatencyTable? LatencyTable => _latency?.Table;

    /// <summary>What all candidates keep.</summary>
    public CandidateLimits Limits { get; }

    /// <summary>The share of train that the supernet was not trained on.</summary>
    public float HeldOut => _spec.HeldOut ?? (SavedHeldOut);

    private IEnumerable<AskedLimit> AskedLimits()
    {
        double? most = _spec.AnyFlops ? null : Header.Spec.IsOfficialSize ? OfficialFlopsLimit : Flops.Mean;
        yield return new(Flops, "flops-lb", _spec.FlopsLeast, FlopsLimitOption, _spec.FlopsLimit, most);
        yield return new(Parameters, "params-lb", _spec.ParamsLeast, "params-limit", _spec.ParamsLimit);
        (double? least, double? longest) = (_spec.LatencyLeast, _spec.LatencyLimit);
        if (_latency is { } latency)
        {
            yield return new(latency.Costs, "latency-lb", least, "latency-limit", longest, Unit: CostMeasure.Latency.Unit);
        }
        else if ((longest ?? least) != null)
        {
            throw new UsageException($"--latency-{(longest != null ? "limit" : "lb")} {NeedsTable}");
        }
    }

    private (LatencyTable Table, CostTable Costs) ReadLatency(string file, Precision precision, Action<string> warn)
    {
        (LatencyTable table, CostTable costs) = SearchedLatency.Read(file, Spec);
        string own = precision.ToString().ToLowerInvariant();
        // Another program computes in what it can, whatever candidates are scored in.
        if (table.IsOfSpos && !own.Equals(table.Precision, StringComparison.OrdinalIgnoreCase))
        {
            warn(
                $"{file} was measured in {Shown.Excerpt(table.Precision)}, and candidates are scored in {own}: its times are not those of "
                + $"{own}. spos latency measure --precision {own} measures them.");
        }
        if (table.Doubt is { } doubt) warn($"{file}: {doubt}.");
        return (table, costs.In(Space));
    }

    private float SavedHeldOut =>
        float.TryParse(
            Header.Options.GetValueOrDefault(KeptOptions.HeldOutOption), NumberStyles.Float, CultureInfo.InvariantCulture, out float saved)
            ? saved : 0;

    /// <summary>
    /// What options came to that scores depend on: those of another supernet, or on pictures that are fed otherwise, must not be mixed in.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> CameTo(Preprocessing preprocessing) => new Dictionary<string, string>(Limits.CameTo)
    {
        [KeptOptions.CheckpointOption] = Convert.ToHexString(Header.Sha256),
        [KeptOptions.HeldOutOption] = HeldOut.ToString(CultureInfo.InvariantCulture),
        [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(preprocessing),
        [KeptOptions.SearchSpaceOption] = Space.Left,
        [KeptOptions.LatencyTableFact] = _latency?.Table.Checksum ?? "",
    };

    /// <summary>What the values of options that are not given follow from, for messages.</summary>
    public IReadOnlyDictionary<string, string> DefaultsOf(SearchStrategy strategy) => _spec.FlopsLimit != null
        ? new Dictionary<string, string>()
        : new() { [FlopsLimitOption] = $"the default of --strategy {strategy.ToString().ToLowerInvariant()}" };

    /// <summary>The costs of these names (<see cref="CostMeasure.Name"/>), which a front is over; FLOPs if there are no names.</summary>
    /// <exception cref="UsageException">There is no table of latencies, and one is needed.</exception>
    public CostTable[] Objectives(IReadOnlyList<string> names)
    {
        if (_latency == null && names.Contains(CostMeasure.Latency.Name)) throw new UsageException($"--objectives latency {NeedsTable}");
        return names.Count == 0 ? [Flops] : [.. Limits.Costs.Where(cost => names.Contains(cost.Measure.Name))];
    }

    /// <summary>The pictures to recalibrate on, and those to compare on.</summary>
    /// <param name="acceptChangedData">Classes of other names, but as many, are all right.</param>
    /// <exception cref="DataException">Their classes are not the supernet's.</exception>
    public (ImageFolder Calibration, ImageFolder Selection) Divide(
        ImageFolder train, ImageFolder val, bool acceptChangedData, Action<string> warn)
    {
        ClassCheck.Require(Checkpoint, Header, train, acceptChangedData, warn);
        (ImageFolder rest, ImageFolder held) = HeldOutSplit.Divide(train, HeldOut);
        if (_spec.OnVal) return (rest, val);
        if (Header.Train?.DifferenceTo(train.Identity) is { } difference)
        {
            warn($"{train.Root} is not what the supernet was trained on: {difference}. It may have seen pictures that are held out now.");
        }
        return HeldOut > 0 ? (rest, held) : throw new UsageException(
            "--select-on held-out: this supernet was trained on all of train. Use --select-on val.");
    }

    /// <summary>The network with its weights.</summary>
    public ShuffleNetV2OneShot Load(Session session)
    {
        var network = new ShuffleNetV2OneShot(session, Spec);
        _checkpoint.Load(session, network);
        return network;
    }

    /// <summary>Its weights, for trainings of its paths to begin from.</summary>
    public InheritedWeights Inherited(ImageFolder data, IRunObserver observer) => new(_checkpoint, data, observer);

    public void Dispose() => _checkpoint.Dispose();
}
