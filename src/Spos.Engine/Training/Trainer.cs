using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Ranks;
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
    long Step, long Steps, int Epoch, float Loss, float Top1, float Top5, float LearningRate, int Images)
{
    /// <summary>The process that others wait for; null if there is none.</summary>
    public SlowProcess? Slowest { get; init; }
}

/// <summary>What a process tells the others about a step.</summary>
/// <param name="Seconds">That it took for a shard, from reading pictures to gradients.</param>
/// <param name="IsAskedToStop">Whether it was.</param>
internal readonly record struct ShareReport(double Seconds, bool IsAskedToStop);

/// <summary>
/// Trains the paths of a network that a rule chooses for each step; only their parameters move. All randomness is a
/// function of the seed and the step, so training that stops and goes on gives the same bits. Several processes or devices may have the
/// shards of each batch among them: then all of them have the same network before and after each step.
/// </summary>
public sealed class Trainer
{
    private readonly Session _session;
    private readonly ShuffleNetV2OneShot _network;
    private readonly ImageFolder _data;
    private readonly TrainingOptions _options;
    private readonly Func<long, IReadOnlyList<Architecture>> _pathsOf;
    private readonly DamageReport _damage;
    private readonly Sgd _optimizer;
    private readonly LoaderOptions _loader;
    private readonly ShardWork _work;
    private readonly ShardReport[] _reports;
    private readonly IRanks _ranks;
    private readonly ShardRange _own;
    private readonly ShardExchange _exchange;
    private readonly ProcessPace _pace;
    private readonly float[] _firstGradients;
    private readonly HashSet<ParameterGroup> _moved = [];
    private long _stepBegan;

    /// <param name="pathsOf">The paths to train at a step, counted from 0.</param>
    /// <param name="ranks">The processes that train together; null for this one alone.</param>
    /// <param name="link">What carries gradients between them; null for <paramref name="ranks"/>.</param>
    /// <exception cref="DataException">There are fewer pictures than a batch takes.</exception>
    public Trainer(
        Session session, ShuffleNetV2OneShot network, ImageFolder data, TrainingOptions options,
        Func<long, IReadOnlyList<Architecture>> pathsOf, DamageReport damage, IRanks? ranks = null,
        NcclLink? link = null)
    {
        options.Validate();
        _ranks = ranks ?? OneRank.Alone;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_ranks.Count, options.Shards, nameof(ranks));
        _own = ShardRange.Of(options.Shards, _ranks.Rank, _ranks.Count);
        _exchange = ShardExchange.Of(_ranks, options.Shards, session, link);
        _pace = new ProcessPace(_ranks.Count);
        (_session, _network, _data, _options, _pathsOf, _damage) = (session, network, data, options, pathsOf, damage);
        _optimizer = new Sgd(options.Momentum, options.WeightDecay);
        _loader = options.Loader(network.Spec.ImageSize, _own);
        _firstGradients = new float[network.FirstGroup.Length];
        (_work, _reports) = (new ShardWork(session, network, options), new ShardReport[options.Shards]);
        StepsPerEpoch = BatchLoader.BatchesOf(data.Samples.Length, _loader) / options.Shards;
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
    /// started step is finished, but a batch is not waited for, unless other processes are at the same step.
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
            int first = (int)(StepsDone % StepsPerEpoch) * _options.Shards;
            CancellationToken waiting = _ranks.Count == 1 ? cancel : _ranks.Broken;
            using var loader = new BatchLoader(_session.Device, _data, _loader, _damage, epoch, first, waiting);
            using RepeatedWork<Predictions>? repeated = _work.RepeatedPath();
            using IEnumerator<Batch> shards = loader.GetEnumerator();
            _stepBegan = Stopwatch.GetTimestamp();
            while (shards.MoveNext())
            {
                report(RunStep(shards, epoch, repeated));
                if (StepsDone == Steps || cancel.IsCancellationRequested) return;
                _stepBegan = Stopwatch.GetTimestamp();
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

    /// <summary>Throws if something that a checkpoint keeps is no finite number, so that it is not saved.</summary>
    /// <param name="average">The averaged weights that are saved too; null without.</param>
    /// <exception cref="DivergenceException">It is; the message names the first one.</exception>
    public void RequireFiniteWeights(ShuffleNetV2OneShot? average)
    {
        foreach ((string name, Tensor tensor) in Checkpoint.TensorsOf(_network).Concat(Checkpoint.AveragesOf(average)))
        {
            if (AreFinite(tensor.Download(_session.Stream))) continue;
            float learningRate = _options.LearningRateAt(Math.Max(0, StepsDone - 1), Steps);
            throw new DivergenceException($"{name} has values that are no longer finite numbers", StepsDone, Steps, learningRate);
        }
    }

    // The loader stands at the step's first shard.
    private StepReport RunStep(IEnumerator<Batch> shards, int epoch, RepeatedWork<Predictions>? repeated)
    {
        IReadOnlyList<Architecture> paths = _pathsOf(StepsDone);
        long moment = _session.Pool.Rentings;
        try
        {
            return RunStep(shards, epoch, paths, repeated);
        }
        catch
        {
            Undo(paths, moment);
            throw;
        }
    }

    private StepReport RunStep(IEnumerator<Batch> shards, int epoch, IReadOnlyList<Architecture> paths, RepeatedWork<Predictions>? repeated)
    {
        float learningRate = _options.LearningRateAt(StepsDone, Steps);
        bool stops = false;
        if (_options.Shards == 1) RunShard(shards, 0, paths, repeated, finished: null);
        else stops = AddShards(shards, paths, repeated);
        double sum = 0;
        foreach (ShardReport shard in _reports) sum += shard.Loss;
        float loss = (float)(sum / _options.Shards);
        DivergenceException Diverged(string what) => new(what, StepsDone + 1, Steps, learningRate);
        if (!float.IsFinite(loss)) throw Diverged("the loss is no longer a finite number");
        // Gradients that explode do so towards the image, so the first layer tells; the losses' download has waited for them.
        _network.FirstGroup.Gradients.Download(_session.Stream, _firstGradients);
        if (!AreFinite(_firstGradients)) throw Diverged("the gradients are no longer finite numbers");
        _moved.Clear();
        foreach (Architecture path in paths) Step(path, learningRate);
        StepsDone++;
        if (stops) _ranks.StopAll();
        int top1 = 0, top5 = 0;
        foreach (ShardReport shard in _reports) (top1, top5) = (top1 + shard.Top1, top5 + shard.Top5);
        float predictions = _options.BatchSize * paths.Count;
        return new StepReport(StepsDone, Steps, epoch, loss, top1 / predictions, top5 / predictions, learningRate, _options.BatchSize)
        {
            Slowest = _pace.Slowest is var (process, times) ? new SlowProcess(_ranks.NameOf(process), times) : null,
        };
    }

    // The loader stands at the first shard, or at the one before.
    private void RunShard(
        IEnumerator<Batch> shards, int shard, IReadOnlyList<Architecture> paths, RepeatedWork<Predictions>? repeated,
        Action<ParameterGroup>? finished)
    {
        if (shard > _own.First && !shards.MoveNext()) throw new InvalidOperationException("A pass ends within a batch.");
        using Batch batch = shards.Current;
        _reports[shard] = _work.Run(batch, StepsDone, shard, paths, repeated, finished);
    }

    // Leaves the mean of all shards in the network. Returns whether a process was asked to stop.
    private bool AddShards(IEnumerator<Batch> shards, IReadOnlyList<Architecture> paths, RepeatedWork<Predictions>? repeated)
    {
        bool stops = false;
        var sum = new ShardSum(_session, _network, paths, _options.Shards);
        try
        {
            // Others' sums come while the last shard's backward pass computes what is left.
            Tensor[] sums = sum.Of(
                _exchange.Own, (shard, finished) => RunShard(shards, shard, paths, repeated, finished),
                _ranks.Count > 1 ? _exchange.Begin : null);
            if (_ranks.Count > 1)
            {
                double seconds = Stopwatch.GetElapsedTime(_stepBegan).TotalSeconds / _own.Count;
                _exchange.End();
                stops = TellShards(seconds);
            }
            sum.Put(sums[0]);
            foreach (Tensor one in sums) one.Dispose();
        }
        catch (OperationCanceledException)
        {
            // A batch is not waited for: the run is saved as it was before the step.
            sum.Rewind();
            throw;
        }
        sum.End();
        return stops;
    }

    // Tells what the shards came to, how long each took, and whether this process was asked to stop. Returns whether any was.
    private bool TellShards(double seconds)
    {
        ShardReport[][] all = _ranks.GatherAll<ShardReport>(_reports.AsSpan(_own.First, _own.Count));
        all.SelectMany(own => own).ToArray().CopyTo(_reports, 0);
        ShareReport[][] shares = _ranks.GatherAll<ShareReport>([new ShareReport(seconds, _ranks.IsAskedToStop)]);
        _pace.Add([.. shares.Select(share => share[0].Seconds)]);
        return shares.Any(share => share[0].IsAskedToStop);
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
        if (_exchange.GiveUp()) _session.Pool.GiveBackSince(moment);
        foreach (ParameterGroup group in paths.SelectMany(_network.GroupsOf)) group.ClearGradients();
    }

    // How many pictures of a batch should fit: 0 if none does, null if it was not waited for.
    private int? RoomForBatch(CancellationToken cancel)
    {
        try
        {
            _session.Device.Pools.Trim();
            var loading = new LoaderMemory(_session.Pool, _data, _loader, cancel);
            long reserved = ReservedBytes()
                + ShardSum.BytesOf(_session, _network, _pathsOf(StepsDone), _options.Shards, _exchange.SumsOnDevice);
            int fits = BatchRoom.Largest(_session, _options.ShardSize, reserved, count =>
                _session.Pool.SizeFor(NetworkPlan.BytesOf(_session, _network, PlanKind.Training, count)) + TeacherBytes(count)
                + loading.Bytes(count));
            return fits >= TrainingOptions.LeastBatch ? fits * _options.Shards : 0;
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
}
