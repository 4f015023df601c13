using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Training;

/// <summary>What a training step did.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">Mean over the batch and the step's paths; of a path with a teacher, of the divergence from its guesses.</param>
/// <param name="Top1">Share of pictures whose class was the first guess; with mixup, their own class.</param>
/// <param name="Top5">Share of pictures whose class was among the first five guesses.</param>
public readonly record struct StepReport(
    long Step, long Steps, int Epoch, float Loss, float Top1, float Top5, float LearningRate, int Images);

/// <summary>
/// Trains the paths of a network that a rule chooses for each step; only their parameters move. All randomness is a
/// function of the seed and the step, so training that stops and goes on gives the same bits.
/// </summary>
public sealed class Trainer
{
    // Dropout of path i of a step has key number i modulo this, and a seed of its own for each so many paths: results depend on it.
    private const int PathsOfASeed = 4;

    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly ImageFolder _data;
    private readonly TrainingOptions _options;
    private readonly Func<long, IReadOnlyList<Architecture>> _pathsOf;
    private readonly DamageReport _damage;
    private readonly Sgd _optimizer;
    private readonly LoaderOptions _loader;
    private readonly float[] _firstGradients, _losses;
    private readonly int[] _ranks;
    private readonly HashSet<ParameterGroup> _moved = [];

    /// <param name="pathsOf">The paths to train at a step, counted from 0.</param>
    /// <exception cref="DataException">There are fewer pictures than a batch takes.</exception>
    public Trainer(
        Session session, ShuffleNetV2OneShot network, ImageFolder data, TrainingOptions options,
        Func<long, IReadOnlyList<Architecture>> pathsOf, DamageReport damage)
    {
        options.Validate();
        (_session, _network, _data, _options, _pathsOf, _damage) = (session, network, data, options, pathsOf, damage);
        _optimizer = new Sgd(options.Momentum, options.WeightDecay);
        _loader = options.Loader(network.Spec.ImageSize);
        _firstGradients = new float[network.FirstGroup.Length];
        (_losses, _ranks) = (new float[options.BatchSize], new int[options.BatchSize]);
        StepsPerEpoch = BatchLoader.BatchesOf(data.Samples.Length, _loader);
        if (StepsPerEpoch == 0)
        {
            throw new DataException(
                $"{data.Root}: {data.Samples.Length} pictures to train on are fewer than a batch of {options.BatchSize}. "
                + "Lower --batch-size.");
        }
        Steps = options.TotalIters ?? (long)StepsPerEpoch * options.Epochs;
    }

    public int StepsPerEpoch { get; }

    /// <summary>
    /// Bytes of the device that others will take besides, such as pictures that are kept: no batch is advised that needs them.
    /// </summary>
    public Func<long> ReservedBytes { get; set; } = () => 0;

    /// <summary>Steps of the whole training.</summary>
    public long Steps { get; }

    /// <summary>Steps done; set it to go on from a checkpoint.</summary>
    public long StepsDone { get; set; }

    /// <summary>Epochs done.</summary>
    public int EpochsDone => (int)(StepsDone / StepsPerEpoch);

    /// <summary>
    /// Trains until the current epoch or all training ends or <paramref name="cancel"/> is signalled, whichever is first; a
    /// started step is finished, but a batch is not waited for.
    /// </summary>
    /// <exception cref="DivergenceException">
    /// The loss or its gradients are no longer finite numbers. The weights are those before the step.
    /// </exception>
    /// <exception cref="DeviceMemoryException">
    /// The batch does not fit; the message says which should. The weights are those before the step.
    /// </exception>
    public void RunEpoch(Action<StepReport> report, CancellationToken cancel)
    {
        try
        {
            int epoch = EpochsDone;
            using var loader = new BatchLoader(_session.Device, _data, _loader, _damage, epoch, (int)(StepsDone % StepsPerEpoch), cancel);
            using RepeatedWork<Predictions>? repeated = RepeatedPath();
            foreach (Batch batch in loader)
            {
                using (batch) report(RunStep(batch, epoch, repeated));
                if (StepsDone == Steps || cancel.IsCancellationRequested) return;
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The loader may wait for files for long.
        }
        catch (DeviceMemoryException error) when (error.Option == null)
        {
            throw error.ForBatch(_options.BatchSize, RoomForBatch(cancel), "--batch-size");
        }
    }

    /// <summary>Throws if a weight is no finite number, so that such weights are not saved.</summary>
    /// <exception cref="DivergenceException">One is not.</exception>
    public void RequireFiniteWeights()
    {
        foreach (Parameter parameter in _network.Parameters)
        {
            if (AreFinite(parameter.Value.Download(_session.Stream))) continue;
            float learningRate = _options.LearningRateAt(Math.Max(0, StepsDone - 1), Steps);
            throw new DivergenceException($"{parameter.Name} has values that are no longer finite numbers", StepsDone, Steps, learningRate);
        }
    }

    // What makes the gradients of a network's only path, by the same launches at each step. Null if a network has more paths, and with
    // mixup, whose share is another at each step.
    private RepeatedWork<Predictions>? RepeatedPath()
    {
        if (_network.Path is not { } path || _options.Mixup != 0) return null;
        ParameterGroup[] groups = [.. _network.GroupsOf(path)];
        return new RepeatedWork<Predictions>(_session, (images, labels) =>
        {
            // The launches write over the gradients, whatever was issued before.
            foreach (ParameterGroup group in groups) group.ClearGradients();
            return AddGradients(images, labels, path, 1, LossTarget.Labels(_options.LabelSmoothing), teacher: null);
        });
    }

    private StepReport RunStep(Batch batch, int epoch, RepeatedWork<Predictions>? repeated)
    {
        batch.ReadOn(_session.Stream);
        IReadOnlyList<Architecture> paths = _pathsOf(StepsDone);
        long moment = _session.Pool.Rentings;
        try
        {
            return RunStep(batch, epoch, paths, repeated);
        }
        catch
        {
            Undo(paths, moment);
            throw;
        }
    }

    private StepReport RunStep(Batch batch, int epoch, IReadOnlyList<Architecture> paths, RepeatedWork<Predictions>? repeated)
    {
        float learningRate = _options.LearningRateAt(StepsDone, Steps), share = MixupShare(), loss = 0;
        if (share < 1) Mixup.Apply(_session, batch.Images, share);
        int top1 = 0, top5 = 0;
        // What the first path guesses, where the others learn from it.
        Tensor? teacher = null;
        for (int i = 0; i < paths.Count; i++)
        {
            // Numbers of its own for every (step, path): dropout never repeats.
            ulong purpose = ((ulong)RandomPurpose.Dropout << 56) + ((ulong)(i / PathsOfASeed) << 48);
            Dropout.UseKey(_session, _options.Seed ^ purpose, (ulong)StepsDone * PathsOfASeed + (ulong)(i % PathsOfASeed));
            LossTarget target = teacher != null
                ? LossTarget.Teacher(_options.Distillation!.Value)
                : LossTarget.Labels(_options.LabelSmoothing, leavesLogits: _options.Distillation != null && paths.Count > 1);
            Tensor? logits = Work(batch, paths[i], share, target, teacher, repeated);
            teacher ??= logits;
            loss += Mean(_losses.AsSpan(0, batch.Count)) / paths.Count;
            top1 += Within(1, batch.Count);
            top5 += Within(5, batch.Count);
        }
        teacher?.Dispose();
        DivergenceException Diverged(string what) => new(what, StepsDone + 1, Steps, learningRate);
        if (!float.IsFinite(loss)) throw Diverged("the loss is no longer a finite number");
        // Gradients that explode do so towards the image, so the first layer tells; the losses' download has waited for them.
        _network.FirstGroup.Gradients.Download(_session.Stream, _firstGradients);
        if (!AreFinite(_firstGradients)) throw Diverged("the gradients are no longer finite numbers");
        _moved.Clear();
        foreach (Architecture path in paths) Step(path, learningRate);
        StepsDone++;
        float predictions = batch.Count * paths.Count;
        return new StepReport(StepsDone, Steps, epoch, loss, top1 / predictions, top5 / predictions, learningRate, batch.Count);
    }

    // Moves a path's parameters, but for those that another path of the step has moved.
    private void Step(Architecture path, float learningRate)
    {
        for (int i = 0; i < _network.GroupsOfPath; i++)
        {
            ParameterGroup group = _network.GroupOf(path, i);
            if (_moved.Add(group)) _optimizer.Step(_session, group, learningRate);
        }
    }

    // Leaves losses and ranks on the host. Returns the logits, if the target says so, for the caller to dispose of.
    private Tensor? Work(
        Batch batch, Architecture path, float share, LossTarget target, Tensor? teacher, RepeatedWork<Predictions>? repeated)
    {
        Predictions predictions = repeated?.Run(batch.Images, batch.Labels)
            ?? AddGradients(batch.Images, batch.Labels, path, share, target, teacher);
        predictions.Download(_session.Stream, _losses.AsSpan(0, batch.Count), _ranks.AsSpan(0, batch.Count));
        // Repeated work keeps what it leaves.
        if (repeated != null) return null;
        (predictions with { Logits = null }).Dispose();
        return predictions.Logits;
    }

    // As precise as a mean of doubles.
    private static float Mean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += value;
        return (float)(sum / values.Length);
    }

    // How many labels are among so many first guesses.
    private int Within(int guesses, int pictures)
    {
        int count = 0;
        foreach (int rank in _ranks.AsSpan(0, pictures))
        {
            if (rank < guesses) count++;
        }
        return count;
    }

    // How much of each picture is its own: 1 without mixup.
    private float MixupShare() =>
        _options.Mixup == 0 ? 1 : new CounterRandom(_options.Seed, RandomPurpose.Mixup, (ulong)StepsDone).NextBeta(_options.Mixup);

    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value)) return false;
        }
        return true;
    }

    // A step that failed leaves no memory and no gradients.
    private void Undo(IReadOnlyList<Architecture> paths, long moment)
    {
        _session.Pool.GiveBackSince(moment);
        foreach (ParameterGroup group in paths.SelectMany(_network.GroupsOf)) group.ClearGradients();
    }

    // How many pictures of a batch should fit: 0 if none does, null if it was not waited for.
    private int? RoomForBatch(CancellationToken cancel)
    {
        try
        {
            _session.Device.Pools.Trim();
            var loading = new LoaderMemory(_session.Pool, _data, _loader, cancel);
            int fits = BatchRoom.Largest(_session, _options.BatchSize, ReservedBytes(), count =>
                _session.Pool.SizeFor(NetworkPlan.BytesOf(_session, _network, PlanKind.Training, count)) + TeacherBytes(count)
                + loading.Bytes(count));
            return fits >= TrainingOptions.LeastBatch ? fits : 0;
        }
        catch (DeviceMemoryException)
        {
            return 0;
        }
        catch (Exception error) when (error is DataException or OperationCanceledException)
        {
            return null;
        }
    }

    // Of logits that are kept for the paths that learn from them.
    private long TeacherBytes(int pictures) =>
        _options.Distillation == null ? 0 : _session.Pool.SizeFor((long)pictures * _network.Spec.Classes * sizeof(float));

    private Predictions AddGradients(
        Tensor images, DeviceArray<int> labels, Architecture path, float mixupShare, LossTarget target, Tensor? teacher)
    {
        NetworkPlan plan = NetworkPlans.Of(_network).For(_session, _network, PlanKind.Training, images.Shape.N, target);
        Predictions predictions = plan.Run(images, labels, path, mixupShare, teacher);
        for (int i = 0; i < _network.GroupsOfPath; i++) _network.GroupOf(path, i).GradientCount++;
        return predictions;
    }
}
