using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Cli.Benchmarks;

/// <summary>What a network is computed with.</summary>
internal readonly record struct Computation(ConvolutionPlan Plan, Precision Precision);

/// <summary>One kind of work, computed in one way.</summary>
/// <param name="DeviceBytes">The most device memory in use at once, without parameters and images.</param>
/// <param name="ManagedBytes">What a run allocates on the managed heap.</param>
internal sealed record StepResult(string Work, Computation By, Rates Rates, long DeviceBytes, long ManagedBytes);

/// <summary>
/// Times whole training steps (forward, loss, backward, SGD) and inference of the supernet, each run on another random path, the same
/// for each way to compute it, and these in turn, so that a machine that slows down slows all of them. The same path again and again is
/// worked on as training from scratch and evaluation do it: on a GPU as a graph.
/// </summary>
internal sealed class StepBenchmark : IDisposable
{
    // The time does not depend on what pictures show, and drawing noise takes time.
    private const int Warmup = IInference.Warmup, DifferentPictures = 64;
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
        _sampler = new PathSampler(NetworkFlops.Of(spec));
        Initialisation.Initialise(_network, session.Stream, 1, InitialisationScheme.Official);
        _images = session.Rent(new Shape(batch, spec.ImageSize, spec.ImageSize, 3));
        FillImages(Math.Min(batch, DifferentPictures));
        _labels = new DeviceArray<int>(session.Pool, batch);
        _labels.Upload(session.Stream, [.. Enumerable.Range(0, batch).Select(i => i % spec.Classes)]);
    }

    // Part by part: a batch may have more values than an array.
    private void FillImages(int part)
    {
        long picture = _images.Shape.Count / _batch;
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        float[] noise = [.. Enumerable.Range(0, (int)(part * picture)).Select(_ => random.NextNormal())];
        for (int first = 0; first < _batch; first += part)
        {
            int count = Math.Min(part, _batch - first);
            using Tensor some = _images.View(_images.Shape with { N = count }, first * picture);
            some.Upload(_session.Stream, noise.AsSpan(0, (int)(count * picture)));
        }
    }

    /// <param name="path">The path of every run; null for random ones.</param>
    /// <param name="inference">Whether inference is all that is timed.</param>
    /// <param name="report">Told after each run.</param>
    public IReadOnlyList<StepResult> Run(
        IReadOnlyList<Computation> ways, Architecture? path, int runs, bool inference, Action report)
    {
        var results = new List<StepResult>();
        foreach (Work work in Works.Where(w => !inference || w.Kind == PlanKind.Inference))
        {
            Repeated[] repeated = path == null ? [] : [.. ways.Select(way => new Repeated(this, work.Kind, way, path))];
            double[][] rates = [.. ways.Select(_ => new double[runs])];
            long[] deviceBytes = new long[ways.Count], managedBytes = new long[ways.Count];
            for (int run = -Warmup; run < runs; run++)
            {
                Architecture chosen = path ?? RandomPath(run);
                for (int w = 0; w < ways.Count; w++)
                {
                    Compute(ways[w]);
                    long managedBefore = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
                    if (path != null) repeated[w].Run();
                    else PlanOf(work.Kind).Run(_images, _labels, chosen).Dispose();
                    work.Finish(chosen);
                    _session.Stream.Synchronize();
                    deviceBytes[w] = PlanOf(work.Kind).Bytes;
                    if (run < 0) continue;
                    rates[w][run] = _batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
                    managedBytes[w] = Math.Max(managedBytes[w], GC.GetAllocatedBytesForCurrentThread() - managedBefore);
                }
                report();
            }
            foreach (Repeated each in repeated) each.Dispose();
            for (int w = 0; w < ways.Count; w++)
            {
                results.Add(new StepResult(work.Name, ways[w], Rates.Of(rates[w]), deviceBytes[w], managedBytes[w]));
            }
        }
        return results;
    }

    /// <summary>Times the inference of a path that is ready and warm.</summary>
    /// <returns>Seconds of each run.</returns>
    public double[] Infer(in Computation way, Architecture path, int runs)
    {
        using var repeated = new Repeated(this, PlanKind.Inference, way, path);
        return IInference.TimeOf(
            () =>
            {
                repeated.Run();
                _session.Stream.Synchronize();
            },
            runs);
    }

    /// <summary>What a training step and an inference launch, on the mean over <paramref name="paths"/>.</summary>
    /// <param name="report">Told after each step and each inference.</param>
    public IReadOnlyList<LaunchesOfWork> Record(IReadOnlyList<Architecture> paths, Action report)
    {
        var results = new List<LaunchesOfWork>();
        var recorder = new LaunchRecorder();
        foreach (Work work in Works)
        {
            // Once before: what a plan measures and what a first step makes does not count.
            foreach (Architecture path in paths) Do(path);
            _session.Device.Kernels.Recorder = recorder;
            foreach (Architecture path in paths) Do(path);
            _session.Device.Kernels.Recorder = null;
            results.Add(LaunchesOfWork.Of(work.Name, recorder.Take(), paths.Count, _session.Device.Multiprocessors));

            void Do(Architecture path)
            {
                PlanOf(work.Kind).Run(_images, _labels, path).Dispose();
                work.Finish(path);
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
    public static int Reports(int runs, bool inference) => (inference ? 1 : 2) * (runs + Warmup);

    public void Dispose()
    {
        _labels.Dispose();
        _images.Dispose();
        _network.Dispose();
    }

    private Work[] Works =>
    [
        new("training step", PlanKind.Training, path => _optimizer.Step(_session, _network.GroupsOf(path), LearningRate)),
        new("inference", PlanKind.Inference, _ => { }),
    ];

    private NetworkPlan PlanOf(PlanKind kind) =>
        NetworkPlans.Of(_network).For(_session, _network, kind, _batch, LossTarget.Labels(LabelSmoothing));

    private void Compute(in Computation way) => (ConvolutionPlanner.Of(_session).Plan, _session.Precision) = (way.Plan, way.Precision);

    // The same path again and again. It is ready for inference before, as for the batches of an evaluation.
    private sealed class Repeated : IDisposable
    {
        private readonly StepBenchmark _benchmark;
        private readonly PathGroup? _ready;
        private readonly RepeatedWork<Predictions> _work;

        public Repeated(StepBenchmark benchmark, PlanKind kind, in Computation way, Architecture path)
        {
            _benchmark = benchmark;
            benchmark.Compute(way);
            if (kind == PlanKind.Inference) _ready = PathGroup.Ready(benchmark._session, benchmark._network, path);
            _work = new RepeatedWork<Predictions>(benchmark._session, (images, labels) => _ready == null
                ? benchmark.PlanOf(kind).Run(images, labels, path)
                : benchmark.PlanOf(kind).Run(images, labels, _ready));
        }

        public void Run() => _work.Run(_benchmark._images, _benchmark._labels);

        public void Dispose()
        {
            _work.Dispose();
            _ready?.Dispose();
        }
    }

    /// <param name="Kind">What is planned, and the same for each batch.</param>
    /// <param name="Finish">What follows on it.</param>
    private sealed record Work(string Name, PlanKind Kind, Action<Architecture> Finish);
}
