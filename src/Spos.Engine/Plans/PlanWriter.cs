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
    private readonly LossTarget _target;
    private readonly FusionRules _rules;
    private readonly BlockWalk _walk;
    private readonly List<Turn<SegmentNotes>> _turns = [];
    private readonly Dictionary<Operation, IDisposable> _kept = [];
    private readonly Tape _stemTape = new(), _tailTape = new();
    private long _stemOutput;

    // In inference.
    private FoldedBatchNorms.Values? _folded;
    private IDisposable? _packed;

    /// <param name="batch">How many pictures.</param>
    /// <param name="oneProcessor">Whether each processor does all of the work on pictures of its own.</param>
    /// <param name="target">Of training: what guesses are compared with.</param>
    /// <param name="bringsStatistics">
    /// Of a recalibration: whether whoever runs the plan brings running statistics in place of the layers'. For inference it always brings
    /// what is readied.
    /// </param>
    public PlanWriter(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, bool oneProcessor, LossTarget target,
        bool bringsStatistics = false)
    {
        network.Require(session);
        (_session, _network, _kind, _target) = (session, network, kind, kind == PlanKind.Training ? target : default);
        Batch = new Shape(batch, network.Spec.ImageSize, network.Spec.ImageSize, 3);
        Recording = new Recording(session);
        _rules = FusionRules.For(PassWith(_stemTape).BatchNorm, ConvolutionPlanner.Of(session).Plan, session.Precision);
        _walk = _rules.HandsOnRaw && network.HasFusedStages
            ? new FusedStages(session, network.Spec.StageRepeats, keeps: kind == PlanKind.Training)
            : new OpByOp(session, Recording, network.Spec.Blocks, PassWith, _rules);
        // What ops do to parameters while they are recorded is undone.
        Parameter[] parameters = [.. network.ComputedWith];
        bool[] had = [.. parameters.Select(parameter => parameter.HasGradient)];
        foreach (Parameter parameter in parameters) parameter.HasGradient = false;
        session.UsesOneProcessor = oneProcessor;
        try
        {
            (Images, Labels) = Write(bringsStatistics);
        }
        catch
        {
            DisposeOfReadied();
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

    /// <summary>The logits of the teacher, where there is one; like <see cref="Images"/>.</summary>
    public int? Teacher { get; private set; }

    /// <summary>The buffers of statistics, or for inference of what is readied, that are brought.</summary>
    public BroughtParameters Brought { get; private set; } = BroughtParameters.None;

    /// <summary>What is done, in that order.</summary>
    public IReadOnlyList<Turn<SegmentNotes>> Turns => _turns;

    /// <summary>What is left on the device; nothing by a recalibration.</summary>
    public LeftBuffers? Results { get; private set; }

    public void Dispose()
    {
        DisposeOfReadied();
        _stemTape.Clear();
        _tailTape.Clear();
        foreach (IDisposable kept in _kept.Values) kept.Dispose();
        _walk.Dispose();
    }

    private (int Images, int Labels) Write(bool bringsStatistics)
    {
        Tensor input = default;
        DeviceArray<int> labels = null!;
        Recording.Record(() => (input, labels) = (_session.Rent(Batch), new DeviceArray<int>(_session.Pool, Batch.N)));
        (int Images, int Labels) numbers = (Recording.NumberOf(input.Address), Recording.NumberOf(labels.Address));
        if (_kind == PlanKind.Inference) Brought = BringReadied();
        else if (bringsStatistics) Brought = BringStatistics();
        WriteForward(input);
        WriteTail(labels);
        if (_kind == PlanKind.Training) WriteBackward();
        return numbers;
    }

    private BroughtParameters BringStatistics() => BroughtParameters.None with
    {
        Statistics = _network.BatchNorms.ToDictionary(
            layer => layer, layer => (Recording.Replace(layer.RunningMean), Recording.Replace(layer.RunningVariance))),
    };

    // Of all layers of the network, of which a path has some. The launches are no part of the plan.
    private BroughtParameters BringReadied()
    {
        PackedWeights.Values? packed = null;
        Recording.Record(() =>
        {
            _folded = FoldedBatchNorms.Begin(_session, _network.BatchNorms);
            (_packed, packed) = PackedWeights.Begin(_session, _network.PointwiseWeights);
        });
        return BroughtParameters.None with
        {
            Folded = Recording.NumberOf(_folded!.Address),
            FoldedBefore = _network.BatchNorms.ToDictionary(
                layer => layer, layer => 2UL * (ulong)_folded.ChannelsBefore(layer) * sizeof(float)),
            Packed = packed == null ? null : Recording.NumberOf(packed.Address),
            PackedBefore = packed == null ? [] : _network.PointwiseWeights.ToDictionary(weight => weight, packed.BytesBefore),
        };
    }

    private void DisposeOfReadied()
    {
        _folded?.Dispose();
        _packed?.Dispose();
        (_folded, _packed) = (null, null);
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

    private void WriteTail(DeviceArray<int> labels)
    {
        bool trains = _kind == PlanKind.Training;
        Tensor teacher = default;
        if (_target.Divergence != null)
        {
            Recording.Record(() => teacher = _session.Rent(new Shape(Batch.N, 1, 1, _network.Spec.Classes)));
            Teacher = Recording.NumberOf(teacher.Address);
        }
        Write(trains ? _network.TailGroups : [], () =>
        {
            Tensor x = _walk.End();
            long input = x.Identity;
            using Tensor logits = _network.Tail(PassWith(_tailTape), _rules, x);
            DisposeOfReadied();
            if (_kind == PlanKind.Recalibration) return;
            float scale = trains ? 1f / logits.Shape.N : 0;
            (Tensor losses, Tensor? gradient) = _target.Divergence is { } divergence
                ? SoftmaxDivergence.Forward(_session, logits, teacher, divergence, scale)
                : SoftmaxCrossEntropy.Forward(_session, logits, labels, _target.Smoothing, scale);
            DeviceArray<int> ranks = TopK.Ranks(_session, logits, labels);
            Results = new LeftBuffers(
                Recording.NumberOf(losses.Address), Recording.NumberOf(ranks.Address),
                _target.LeavesLogits ? Recording.NumberOf(logits.Address) : null);
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
        PlanKind.Training => Pass.Training(_session, tape, drops: _target.Divergence == null),
        PlanKind.Recalibration => Pass.Recalibration(_session),
        _ => Pass.Inference(_session),
    };
}

/// <summary>The numbers of the buffers that a batch's results are left in.</summary>
/// <param name="Logits">Null unless they are to be left.</param>
internal readonly record struct LeftBuffers(int Losses, int Ranks, int? Logits)
{
    /// <summary>All of them.</summary>
    public IEnumerable<int> Buffers => Logits is { } logits ? [Losses, Ranks, logits] : [Losses, Ranks];
}

/// <summary>
/// The buffers of statistics and readied parameters that whoever runs a plan brings. Those of one part of a path follow each other, in the
/// plan and where they are brought from.
/// </summary>
/// <param name="Statistics">Of a recalibration, if it is not the layers' own: of each layer's means and variances.</param>
/// <param name="Folded">Of inference: of what all batch norms are folded to.</param>
/// <param name="FoldedBefore">Bytes in it before a layer's.</param>
/// <param name="Packed">Of inference, where weights are packed: of all of them.</param>
/// <param name="PackedBefore">Bytes in it before a weight's.</param>
internal sealed record BroughtParameters(
    Dictionary<BatchNormLayer, (int Mean, int Variance)> Statistics, int? Folded, Dictionary<BatchNormLayer, ulong> FoldedBefore,
    int? Packed, Dictionary<Tensor, ulong> PackedBefore)
{
    /// <summary>Nothing is.</summary>
    public static BroughtParameters None { get; } = new([], null, [], null, []);

    /// <summary>The buffers' numbers.</summary>
    public IEnumerable<int> Buffers =>
    [
        .. Statistics.Values.SelectMany(arrays => new[] { arrays.Mean, arrays.Variance }),
        .. new[] { Folded, Packed }.OfType<int>(),
    ];
}
