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
    private readonly bool _bringsStatistics;

    /// <param name="images">The shape of the batch.</param>
    /// <param name="smoothing">Of labels, in training.</param>
    /// <param name="bringsStatistics">
    /// Whether whoever runs the plan brings running statistics, or what they are folded to, and not the layers; not in training.
    /// </param>
    public PlanWriter(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, Shape images, float smoothing, bool bringsStatistics = false)
    {
        (_session, _network, _kind, _bringsStatistics) = (session, network, kind, bringsStatistics);
        Recording = new Recording(session);
        _rules = FusionRules.For(PassWith(_stemTape).BatchNorm, ConvolutionPlanner.Of(session).Plan);
        _walk = _rules.HandsOnRaw && network.HasFusedStages
            ? new FusedStages(session, network.Spec.StageRepeats, keeps: kind == PlanKind.Training)
            : new OpByOp(session, Recording, network.Spec.Blocks, PassWith, _rules);
        try
        {
            (Images, Labels) = Write(images, smoothing);
        }
        catch
        {
            _folded?.Dispose();
            Recording.Dispose();
            throw;
        }
    }

    public Recording Recording { get; }

    /// <summary>The numbers of the buffers that whoever runs the plan brings.</summary>
    public int Images { get; }

    /// <summary>Like <see cref="Images"/>.</summary>
    public int Labels { get; }

    /// <summary>In a recalibration whose statistics are brought: the buffers in place of each batch norm's arrays.</summary>
    public Dictionary<BatchNormLayer, (int Mean, int Variance)> Statistics { get; } = [];

    /// <summary>In inference whose statistics are brought: the buffer in place of what all batch norms are folded to.</summary>
    public int? Folded { get; private set; }

    /// <summary>How many channels come before a batch norm's in <see cref="Folded"/>.</summary>
    public Dictionary<BatchNormLayer, int> ChannelsBefore { get; } = [];

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

    private (int Images, int Labels) Write(Shape images, float smoothing)
    {
        Tensor input = default;
        DeviceArray<int> labels = null!;
        Recording.Record(() => (input, labels) = (_session.Rent(images), new DeviceArray<int>(_session.Pool, images.N)));
        (int Images, int Labels) numbers = (Recording.NumberOf(input.Address), Recording.NumberOf(labels.Address));
        if (_bringsStatistics) BringStatistics();
        else if (_kind == PlanKind.Inference) Write([], () => _folded = FoldedBatchNorms.Begin(_session, _network.BatchNorms));
        WriteForward(input);
        WriteTail(labels, smoothing);
        if (_kind == PlanKind.Training) WriteBackward();
        return numbers;
    }

    private void BringStatistics()
    {
        if (_kind == PlanKind.Recalibration)
        {
            foreach (BatchNormLayer layer in _network.BatchNorms)
            {
                Statistics.Add(layer, (Recording.Replace(layer.RunningMean), Recording.Replace(layer.RunningVariance)));
            }
            return;
        }
        // Its launch is no part of the plan.
        Recording.Record(() => _folded = FoldedBatchNorms.Begin(_session, _network.BatchNorms));
        Folded = Recording.NumberOf(_folded!.Address);
        foreach (BatchNormLayer layer in _network.BatchNorms) ChannelsBefore.Add(layer, _folded.ChannelsBefore(layer));
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
