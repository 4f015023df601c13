using Spos.Engine.Kernels;

namespace Spos.Cli.Benchmarks;

/// <summary>The launches of one kernel in one kind of work, or of all kernels.</summary>
/// <param name="Launches">A mean over the paths.</param>
/// <param name="LeastBlocks">Of a launch.</param>
/// <param name="MostBlocks">Of a launch.</param>
/// <param name="Bytes">Of all launches, each input read once and each output written once; a mean over the paths.</param>
/// <param name="Flops">Of all launches; a mean over the paths.</param>
/// <param name="WideLaunches">Launches that have a block for each multiprocessor; a mean over the paths.</param>
/// <param name="WideBytes">The bytes of those.</param>
internal sealed record LaunchCount(
    string Kernel, double Launches, long LeastBlocks, long MostBlocks, double Bytes, double Flops, double WideLaunches, double WideBytes)
{
    /// <summary>The part of the bytes in launches that have a block for each multiprocessor.</summary>
    public double WideShare => Bytes > 0 ? WideBytes / Bytes : 0;

    public static LaunchCount Of(string kernel, IReadOnlyCollection<RecordedLaunch> launches, int paths, int multiprocessors)
    {
        RecordedLaunch[] wide = [.. launches.Where(l => l.Blocks >= multiprocessors)];
        return new LaunchCount(
            kernel,
            (double)launches.Count / paths,
            launches.Min(l => l.Blocks),
            launches.Max(l => l.Blocks),
            launches.Sum(l => (double)l.Work.Bytes) / paths,
            launches.Sum(l => (double)l.Work.Flops) / paths,
            (double)wide.Length / paths,
            wide.Sum(l => (double)l.Work.Bytes) / paths);
    }
}

/// <summary>What one kind of work launches: each kernel, those that move most bytes first.</summary>
internal sealed record LaunchesOfWork(string Work, LaunchCount All, IReadOnlyList<LaunchCount> Kernels)
{
    public static LaunchesOfWork Of(string work, RecordedLaunch[] launches, int paths, int multiprocessors) => new(
        work,
        LaunchCount.Of("all", launches, paths, multiprocessors),
        [
            .. launches.GroupBy(l => l.Kernel).Select(g => LaunchCount.Of(g.Key, [.. g], paths, multiprocessors))
                .OrderByDescending(c => c.Bytes).ThenBy(c => c.Kernel, StringComparer.Ordinal),
        ]);
}
