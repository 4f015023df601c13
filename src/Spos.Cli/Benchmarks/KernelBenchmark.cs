using Spos.Cli.Drawing;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Profiling;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Cli.Benchmarks;

/// <summary>One kernel at one shape.</summary>
/// <param name="Seconds">The median of its launches.</param>
/// <param name="Roofline">The least time that its work can take on this device, by its measured peaks, over the time taken.
/// More than 1 where the data comes from a cache; 0 where the work is unknown.</param>
/// <param name="Limit">Which of the peaks that goes by (<see cref="DevicePeaks.LimitOf"/>).</param>
internal sealed record KernelResult(
    string Kernel, string Shape, int Launches, double Seconds, double Bytes, double Flops, double Roofline, string Limit);

/// <summary>
/// Times every kernel where it runs: in training steps and evaluations of the network, each operation in every block in turn,
/// on batches that come through the loader.
/// </summary>
internal sealed class KernelBenchmark(Session session, NetworkSpec spec, int batchSize, int runs)
{
    // Pictures of about the size of ImageNet's.
    private const int PictureSize = 448, Classes = 4;

    /// <param name="report">Told after each part, in words.</param>
    public (DevicePeaks Peaks, IReadOnlyList<KernelResult> Results) Run(Action<string> report)
    {
        Device device = session.Device;
        DevicePeaks peaks = DevicePeaks.Measure(session, device.Kind == DeviceKind.Simt.Name ? 1e-4 : 1);
        report("measured the device's peaks");
        string folder = Directory.CreateTempSubdirectory("spos-bench-").FullName;
        try
        {
            Draw(folder);
            using var timer = new KernelTimer(device);
            using var network = new ShuffleNetV2OneShot(session, spec);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
            for (int run = 0; run <= runs; run++)
            {
                // The first run warms up.
                if (run == 1) device.Kernels.Timer = timer;
                foreach (int choice in spec.Space.Alike) RunPath(network, folder, choice);
                report(run == 0 ? "warmed up" : $"run {run} of {runs}");
            }
            device.Kernels.Timer = null;
            return (peaks, [.. timer.Launches.Select(l => Result(peaks, l.Kernel, l.Work, l.Seconds))]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void RunPath(ShuffleNetV2OneShot network, string folder, int choice)
    {
        Architecture path = spec.Space.PathOf(Enumerable.Repeat(choice, spec.Blocks));
        ImageFolder pictures = ImageFolder.Open(folder);
        var damage = new DamageReport(message => throw new DataException(message));
        var options = new TrainingOptions { Epochs = 1, BatchSize = batchSize, LearningRate = 1e-3f, Workers = 1 };
        new Trainer(session, network, pictures, options, _ => [path], damage).RunEpoch(_ => { }, CancellationToken.None);
        using var test = new BatchSource(
            session.Device, pictures, new LoaderOptions { ImageSize = spec.ImageSize, BatchSize = batchSize, Workers = 1 }, damage, 1, 0);
        Evaluator.Measure(session, network, path, test);
    }

    private void Draw(string folder)
    {
        for (int i = 0; i < Math.Max(batchSize, Classes); i++)
        {
            string classFolder = Path.Combine(folder, ShapeDrawer.Classes[i % Classes]);
            Directory.CreateDirectory(classFolder);
            File.WriteAllBytes(
                Path.Combine(classFolder, $"{i:D5}.jpg"),
                ShapeDrawer.Draw(i % Classes, PictureSize, 0.5f, (ulong)RandomPurpose.Drawing, (ulong)i));
        }
    }

    private static KernelResult Result(DevicePeaks peaks, string kernel, KernelWork work, double[] seconds)
    {
        Array.Sort(seconds);
        double median = seconds[seconds.Length / 2];
        return new KernelResult(
            kernel, work.Shape, seconds.Length, median, work.Bytes, work.Flops, peaks.LeastSeconds(work) / median, peaks.LimitOf(work));
    }
}
