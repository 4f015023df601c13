using System.Diagnostics;
using Spos.Engine.Data;
using Spos.Engine.Devices;

namespace Spos.Cli.Benchmarks;

/// <summary>One transform's passes.</summary>
internal sealed record LoaderResult(string Transform, Rates Rates);

/// <summary>
/// Times the loader alone: from files to normalised batches on the device, by the training and the validation transform in turn. A
/// small data set is read several times over in each pass, as a large one would be in one.
/// </summary>
/// <param name="least">Pictures of a pass, at least.</param>
internal sealed class LoaderBenchmark(
    Device device, ImageFolder data, LoaderOptions options, DamageReport damage, int least = LoaderBenchmark.LeastPictures)
{
    private const int Warmup = 1, LeastPictures = 2000;

    private readonly ImageFolder _data = Repeated(data, least);

    /// <param name="report">Told after each pass.</param>
    public IReadOnlyList<LoaderResult> Run(int runs, Action report)
    {
        (string Name, LoaderOptions Options)[] transforms =
            [("training", options with { Augmentation = new Augmentation(), Shuffle = true }), ("validation", options)];
        double[][] rates = [new double[runs], new double[runs]];
        for (int run = -Warmup; run < runs; run++)
        {
            for (int t = 0; t < transforms.Length; t++)
            {
                double rate = Pass(transforms[t].Options, run + Warmup);
                if (run >= 0) rates[t][run] = rate;
                report();
            }
        }
        return [.. transforms.Select((t, i) => new LoaderResult(t.Name, Rates.Of(rates[i])))];
    }

    /// <summary>
    /// Images a second that one thread reads, parses and entropy-decodes for a GPU, which does the rest (<see cref="HostWork"/>).
    /// </summary>
    /// <param name="report">Told after each pass.</param>
    public Rates RunHostWork(int runs, Action report)
    {
        double[] rates = new double[runs];
        for (int run = -Warmup; run < runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            int images = HostWork.Do(_data, damage);
            if (run >= 0) rates[run] = images / Stopwatch.GetElapsedTime(start).TotalSeconds;
            report();
        }
        return Rates.Of(rates);
    }

    /// <summary>How often <see cref="Run"/> and <see cref="RunHostWork"/> report together.</summary>
    public static int Reports(int runs) => 3 * (runs + Warmup);

    private static ImageFolder Repeated(ImageFolder data, int least)
    {
        int count = data.Samples.Length, times = (least - 1) / count + 1;
        return data.Subset(Enumerable.Range(0, times * count).Select(i => i % count));
    }

    // Images a second, until the last batch is there.
    private double Pass(LoaderOptions pass, int epoch)
    {
        using var stream = new DeviceStream(device);
        long start = Stopwatch.GetTimestamp();
        int images = 0;
        using (var loader = new BatchLoader(device, _data, pass, damage, epoch))
        {
            foreach (Batch batch in loader)
            {
                batch.ReadOn(stream);
                images += batch.Count;
                batch.Dispose();
            }
            stream.Synchronize();
            return images / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
