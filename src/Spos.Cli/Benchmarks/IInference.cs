using System.Diagnostics;
using Spos.Space;

namespace Spos.Cli.Benchmarks;

/// <summary>Inference of a network's paths, in batches of one size, which can be timed.</summary>
internal interface IInference : IDisposable
{
    /// <summary>Runs before those that count.</summary>
    const int Warmup = 3;

    /// <summary>Times a path that is ready and warm.</summary>
    /// <returns>Seconds of each run.</returns>
    double[] Time(Architecture path, int runs);

    /// <summary>Times a work, after some runs that warm it up.</summary>
    /// <returns>Seconds of each run that counts.</returns>
    static double[] TimeOf(Action work, int runs)
    {
        double[] seconds = new double[runs];
        for (int run = -Warmup; run < runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            if (run >= 0) seconds[run] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return seconds;
    }
}

/// <summary>Inference by Spos itself.</summary>
internal sealed class OwnInference(StepBenchmark benchmark, Computation way) : IInference
{
    public double[] Time(Architecture path, int runs) => benchmark.Infer(way, path, runs);

    public void Dispose() => benchmark.Dispose();
}
