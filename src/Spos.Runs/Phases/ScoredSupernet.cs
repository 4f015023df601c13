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
    private readonly ScoringSpec _spec;

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
        if (Header.Path != null)
        {
            throw new CheckpointException(
                $"{Checkpoint} is of another network: a single path, {Header.Path}. A supernet's checkpoint is needed.");
        }
        ShuffleNetV2OneShot.Require(precision, Spec);
        Flops = NamedNetwork.FlopsOf(spec.FlopsTable, Header.Spec);
        Sampler = new PathSampler(Flops);
        FlopsLimit = spec.FlopsLimit ?? (Header.Spec.IsOfficialSize ? 330e6 : Flops.Mean);
        if (FlopsLimit < Flops.Least)
        {
            throw new UsageException(
                $"--flops-limit {FlopsLimit}: no path is within it; this network's have {Flops.Least / 1e6:0.###}M to "
                + $"{Flops.Most / 1e6:0.###}M FLOPs.");
        }
    }

    /// <summary>The checkpoint's file.</summary>
    public string Checkpoint => _checkpoint.Path;

    public CheckpointHeader Header => _checkpoint.Header;

    public NetworkSpec Spec => Header.Spec;

    public CostTable Flops { get; }

    public PathSampler Sampler { get; }

    /// <summary>Most FLOPs of a candidate.</summary>
    public double FlopsLimit { get; }

    /// <summary>The share of train that the supernet was not trained on.</summary>
    public float HeldOut => _spec.HeldOut ?? (SavedHeldOut);

    private float SavedHeldOut =>
        float.TryParse(
            Header.Options.GetValueOrDefault(KeptOptions.HeldOutOption), NumberStyles.Float, CultureInfo.InvariantCulture, out float saved)
            ? saved : 0;

    /// <summary>
    /// What options came to that scores depend on: those of another supernet, or on pictures that are fed otherwise, must not be mixed in.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> CameTo(Preprocessing preprocessing) => new Dictionary<string, string>
    {
        [KeptOptions.CheckpointOption] = Convert.ToHexString(Header.Sha256),
        [KeptOptions.HeldOutOption] = HeldOut.ToString(CultureInfo.InvariantCulture),
        ["flops-limit"] = FlopsLimit.ToString(CultureInfo.InvariantCulture),
        [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(preprocessing),
    };

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

    public void Dispose() => _checkpoint.Dispose();
}
