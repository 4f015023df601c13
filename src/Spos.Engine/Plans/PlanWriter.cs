using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>
/// Records what a network does with a batch, part by part: the stem, each operation of each block by itself, the tail; and the same
/// backward.
/// </summary>
internal sealed class PlanWriter : IDisposable
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly PlanKind _kind;
    private readonly FusionRules _rules;
    private readonly BlockWalk _walk;
    private readonly List<Turn<SegmentNotes>> _turns = [];
    private readonly Dictionary<Operation, IDisposable> _kept = [];
    private readonly Tape _stemTape = new(), _tailTape = new();
    private long _stemOutput;

    // In inference, of all layers of the network: one launch costs less than one in each part of a path, which has some of them.
    private FoldedBatchNorms.Values? _folded;

    /// <param name="batch">How many pictures.</param>
    /// <param name="oneProcessor">Whether each processor does all of the work on pictures of its own.</param>
    /// <param name="smoothing">Of labels, in training.</param>
    /// <param name="bringsStatistics">
    /// Whether whoever runs the plan brings running statistics, or what they are folded to, and not the layers; not in training.
    /// </param>
    public PlanWriter(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, bool oneProcessor, float smoothing,
        bool bringsStatistics = false)
    {
        network.Require(session);
        (_session, _network, _kind) = (session, network, kind);
        Batch = new Shape(batch, network.Spec.ImageSize, network.Spec.ImageSize, 3);
        Recording = new Recording(session);
        _rules = FusionRules.For(PassWith(_stemTape).BatchNorm, ConvolutionPlanner.Of(session).Plan, session.Precision);
        _walk = _rules.HandsOnRaw && network.HasFusedStages
            ? new FusedStages(session, network.Spec.StageRepeats, keeps: kind == PlanKind.Training)
            : new OpByOp(session, Recording, network.Spec.Blocks, PassWith, _rules);
        // What ops do to parameters while they are recorded is undone.
        Parameter[] parameters = [.. network.Parameters];
        bool[] had = [.. parameters.Select(parameter => parameter.HasGradient)];
        foreach (Parameter parameter in parameters) parameter.HasGradient = false;
        session.UsesOneProcessor = oneProcessor;
        try
        {
            (Images, Labels) = Write(smoothing, bringsStatistics);
        }
        catch
        {
            _folded?.Dispose();
            Recording.Dispose();
            throw;
        }
        finally
        {
            session.UsesOneProcessor = false;
            foreach ((Parameter parameter, bool has) in parameters.Zip(had)) parameter.HasGradient = has;
        }
    }

    /// <summary>The shape of the pictures.</summary>
    public Shape Batch { get; }

    public Recording Recording { get; }

    /// <summary>The numbers of the buffers that whoever runs the plan brings.</summary>
    public int Images { get; }

    /// <summary>Like <see cref="Images"/>.</summary>
    public int Labels { get; }

    /// <summary>The buffers of statistics that are brought; null if the layers' own are used.</summary>
    public BroughtStatistics? Statistics { get; private set; }

    /// <summary>The buffer of what the layers' own statistics are folded to, which the first turn does; null in training.</summary>
    public int? Folded { get; private set; }

    /// <summary>What is done, in that order.</summary>
    public IReadOnlyList<Turn<SegmentNotes>> Turns => _turns;

    /// <summary>What is left on the device; nothing by a recalibration.</summary>
    public (int Losses, int Ranks)? Results { get; private set; }

    public void Dispose()
    {
        _folded?.Dispose();
        _stemTape.Clear();
        _tailTape.Clear();
        foreach (IDisposable kept in _kept.Values) kept.Dispose();
        _walk.Dispose();
    }

    private (int Images, int Labels) Write(float smoothing, bool bringsStatistics)
    {
        Tensor input = default;
        DeviceArray<int> labels = null!;
        Recording.Record(() => (input, labels) = (_session.Rent(Batch), new DeviceArray<int>(_session.Pool, Batch.N)));
        (int Images, int Labels) numbers = (Recording.NumberOf(input.Address), Recording.NumberOf(labels.Address));
        if (bringsStatistics) Statistics = BringStatistics();
        else if (_kind == PlanKind.Inference) WriteFolding();
        WriteForward(input);
        WriteTail(labels, smoothing);
        if (_kind == PlanKind.Training) WriteBackward();
        return numbers;
    }

    private BroughtStatistics BringStatistics()
    {
        if (_kind == PlanKind.Recalibration)
        {
            return new BroughtStatistics(
                _network.BatchNorms.ToDictionary(
                    layer => layer, layer => (Recording.Replace(layer.RunningMean), Recording.Replace(layer.RunningVariance))),
                null, []);
        }
        // Its launch is no part of the plan.
        Recording.Record(() => _folded = FoldedBatchNorms.Begin(_session, _network.BatchNorms));
        return new BroughtStatistics(
            [], Recording.NumberOf(_folded!.Address), _network.BatchNorms.ToDictionary(layer => layer, _folded.ChannelsBefore));
    }

    private void WriteFolding()
    {
        Write([], () => _folded = FoldedBatchNorms.Begin(_session, _network.BatchNorms));
        Folded = Recording.NumberOf(_folded!.Address);
    }

    private void WriteForward(Tensor images)
    {
        Write([], () =>
        {
            Tensor x = _network.Stem(PassWith(_stemTape), _rules, images);
            _stemOutput = x.Identity;
            _walk.Begin(x);
        });
        BlockSpec[] blocks = [.. _network.Spec.BlockSpecs()];
        for (int stage = 0, block = 0; stage < _network.Spec.StageRepeats.Length; stage++)
        {
            (int current, BlockSpec first) = (stage, blocks[block]);
            Write([], () => _walk.BeginStage(current, first));
            for (int end = block + _network.Spec.StageRepeats[stage]; block < end; block++)
            {
                WriteBlock(block, adds: false, operation => _kept[operation] = _walk.Forward(operation));
            }
            Write([], () => _walk.EndStage(current));
        }
    }

    private void WriteTail(DeviceArray<int> labels, float smoothing)
    {
        bool trains = _kind == PlanKind.Training;
        Write(trains ? _network.TailGroups : [], () =>
        {
            Tensor x = _walk.End();
            long input = x.Identity;
            using Tensor logits = _network.Tail(PassWith(_tailTape), _rules, x);
            _folded?.Dispose();
            _folded = null;
            if (_kind == PlanKind.Recalibration) return;
            (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(
                _session, logits, labels, trains ? smoothing : 0, trains ? 1f / logits.Shape.N : 0);
            DeviceArray<int> ranks = TopK.Ranks(_session, logits, labels);
            Results = (Recording.NumberOf(losses.Address), Recording.NumberOf(ranks.Address));
            if (trains) _walk.BeginBackward(_tailTape.Backward(_session, logits.Identity, gradient!.Value, input)!.Value);
        });
    }

    private void WriteBackward()
    {
        int block = _network.Spec.Blocks - 1;
        for (int stage = _network.Spec.StageRepeats.Length - 1; stage >= 0; stage--)
        {
            int current = stage;
            for (int i = 0; i < _network.Spec.StageRepeats[stage]; i++, block--)
            {
                WriteBlock(block, adds: true, operation => _walk.Backward(operation, _kept[operation]));
            }
            Write([], () => _walk.EndBackwardStage(current));
        }
        Write([_network.FirstGroup], () => _stemTape.Backward(_session, _stemOutput, _walk.EndBackward()));
    }

    /// <param name="groups">Whose gradients it adds to.</param>
    private void Write(ParameterGroup[] groups, Action issue) =>
        _turns.Add(new Turn<SegmentNotes>(null, [new Part<SegmentNotes>(Recording.Record(issue), groups)]));

    private void WriteBlock(int block, bool adds, Action<Operation> issue)
    {
        Operation?[] operations = _network.OperationsOf(block);
        bool isAlone = operations.Count(operation => operation != null) == 1;
        int turn = Recording.BeginTurn();
        _turns.Add(new Turn<SegmentNotes>(block, [.. operations.Select((operation, alternative) => operation == null
            ? null
            : new Part<SegmentNotes>(
                Recording.Record(turn, (block, alternative), isAlone, () => issue(operation)), adds ? [operation.Parameters] : []))]));
    }

    private Pass PassWith(Tape tape) => _kind switch
    {
        PlanKind.Training => Pass.Training(_session, tape),
        PlanKind.Recalibration => Pass.Recalibration(_session),
        _ => Pass.Inference(_session),
    };
}

/// <summary>The buffers of running statistics that whoever runs a plan brings in place of the layers'.</summary>
/// <param name="Arrays">In a recalibration: of each layer's means and variances.</param>
/// <param name="Folded">In inference: of what all layers are folded to.</param>
/// <param name="ChannelsBefore">How many channels come before a layer's in that.</param>
internal sealed record BroughtStatistics(
    Dictionary<BatchNormLayer, (int Mean, int Variance)> Arrays, int? Folded, Dictionary<BatchNormLayer, int> ChannelsBefore)
{
    /// <summary>Their numbers.</summary>
    public IEnumerable<int> Buffers =>
        Folded is { } folded ? [folded] : Arrays.Values.SelectMany(arrays => new[] { arrays.Mean, arrays.Variance });
}
