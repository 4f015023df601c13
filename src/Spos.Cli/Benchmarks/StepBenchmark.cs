using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Optim;
using Spos.Engine.Random;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Cli.Benchmarks;

/// <summary>One kind of work under one plan.</summary>
/// <param name="DeviceBytes">The most device memory in use at once, without parameters and images.</param>
/// <param name="ManagedBytes">What a run allocates on the managed heap.</param>
internal sealed record StepResult(string Work, ConvolutionPlan Plan, Rates Rates, long DeviceBytes, long ManagedBytes);

/// <summary>
/// Times whole training steps (forward, loss, backward, SGD) and inference of the supernet, each run on another random path, the same
/// for each plan, and the plans in turn, so that a machine that slows down slows all of them.
/// </summary>
internal sealed class StepBenchmark : IDisposable
{
    private const int Warmup = 3;
    private const float LabelSmoothing = 0.1f, LearningRate = 0.01f;

    private readonly Session _session;
    private readonly int _batch;
    private readonly ShuffleNetV2OneShot _network;
    private readonly PathSampler _sampler;
    private readonly Sgd _optimizer = new(0.9f, 4e-5f);
    private readonly Tensor _images;
    private readonly DeviceArray<int> _labels;

    public StepBenchmark(Session session, NetworkSpec spec, int batch)
    {
        _session = session;
        _batch = batch;
        _network = new ShuffleNetV2OneShot(session, spec);
        _sampler = new PathSampler(new FlopsTable(spec));
        Initialisation.Initialise(_network, session.Stream, 1, InitialisationScheme.Official);
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        _images = session.Rent(new Shape(batch, spec.ImageSize, spec.ImageSize, 3));
        _images.Upload(session.Stream, [.. Enumerable.Range(0, (int)_images.Shape.Count).Select(_ => random.NextNormal())]);
        _labels = new DeviceArray<int>(session.Pool, batch);
        _labels.Upload(session.Stream, [.. Enumerable.Range(0, batch).Select(i => i % spec.Classes)]);
    }

    /// <param name="path">The path of every run; null for random ones.</param>
    /// <param name="report">Told after each run.</param>
    public IReadOnlyList<StepResult> Run(IReadOnlyList<ConvolutionPlan> plans, Architecture? path, int runs, Action report)
    {
        var results = new List<StepResult>();
        foreach ((string name, Action<Architecture> work) in Works)
        {
            double[][] rates = [.. plans.Select(_ => new double[runs])];
            long[] deviceBytes = new long[plans.Count], managedBytes = new long[plans.Count];
            for (int run = -Warmup; run < runs; run++)
            {
                Architecture chosen = path ?? RandomPath(run);
                for (int p = 0; p < plans.Count; p++)
                {
                    ConvolutionPlanner.Of(_session).Plan = plans[p];
                    _session.Pool.ResetPeak();
                    long before = _session.Pool.PeakBytesInUse, managedBefore = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
                    work(chosen);
                    _session.Stream.Synchronize();
                    if (run < 0) continue;
                    rates[p][run] = _batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
                    deviceBytes[p] = Math.Max(deviceBytes[p], _session.Pool.PeakBytesInUse - before);
                    managedBytes[p] = Math.Max(managedBytes[p], GC.GetAllocatedBytesForCurrentThread() - managedBefore);
                }
                report();
            }
            for (int p = 0; p < plans.Count; p++) results.Add(new StepResult(name, plans[p], Rates.Of(rates[p]), deviceBytes[p], managedBytes[p]));
        }
        return results;
    }

    /// <summary>What a training step and an inference launch, on the mean over <paramref name="paths"/>.</summary>
    /// <param name="report">Told after each step and each inference.</param>
    public IReadOnlyList<LaunchesOfWork> Record(IReadOnlyList<Architecture> paths, Action report)
    {
        var results = new List<LaunchesOfWork>();
        var recorder = new LaunchRecorder();
        foreach ((string name, Action<Architecture> work) in Works)
        {
            // Once before: what a plan measures and what a first step makes does not count.
            foreach (Architecture path in paths) Do(path);
            _session.Device.Recorder = recorder;
            foreach (Architecture path in paths) Do(path);
            _session.Device.Recorder = null;
            results.Add(LaunchesOfWork.Of(name, recorder.Take(), paths.Count, _session.Device.Multiprocessors));

            void Do(Architecture path)
            {
                work(path);
                _session.Stream.Synchronize();
                report();
            }
        }
        return results;
    }

    /// <summary>How often <see cref="Record"/> reports.</summary>
    public static int ReportsOfLaunches(int paths) => 4 * paths;

    /// <summary>The path of a run, from 0 on, where paths are random.</summary>
    public Architecture RandomPath(int run) => _sampler.Uniform(new CounterRandom(1, RandomPurpose.Paths, (ulong)(run + Warmup)));

    /// <summary>How often <see cref="Run"/> reports.</summary>
    public static int Reports(int runs) => 2 * (runs + Warmup);

    public void Dispose()
    {
        _labels.Dispose();
        _images.Dispose();
        _network.Dispose();
    }

    private (string Name, Action<Architecture> Work)[] Works => [("training step", Train), ("inference", Infer)];

    private void Train(Architecture path)
    {
        _session.BatchNorm = BatchNormMode.Batch;
        _session.Tape = new Tape();
        using Tensor logits = _network.Forward(_session, _images, path);
        (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(_session, logits, _labels, LabelSmoothing, 1f / _batch);
        loss.Dispose();
        _session.Tape.Backward(_session, logits, gradient!.Value);
        _session.Tape = null;
        ParameterGroup[] groups = [.. _network.GroupsOf(path)];
        foreach (ParameterGroup group in groups) group.GradientCount++;
        _optimizer.Step(_session, groups, LearningRate);
    }

    private void Infer(Architecture path)
    {
        _session.BatchNorm = BatchNormMode.Running;
        _network.Forward(_session, _images, path).Dispose();
    }
}
