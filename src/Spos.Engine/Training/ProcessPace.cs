namespace Spos.Engine.Training;

/// <summary>One of several processes, for which the others wait.</summary>
/// <param name="Name">Its number, and its machine where there are several.</param>
/// <param name="Times">Its time for a shard, over the mean of the others'.</param>
public readonly record struct SlowProcess(string Name, double Times);

/// <summary>
/// Tells which of several processes the others wait for: the one with the longest time for a shard, if that is a quarter more than the mean
/// of the others'. Times are means over about the last fifty steps, so that a single pause names nobody.
/// </summary>
internal sealed class ProcessPace(int processes)
{
    private const double Slow = 1.25;
    private const int FewestSteps = 20, Window = 50;

    private readonly double[] _seconds = new double[processes];

    // The first step is none of these: it may read and compile what the others do not.
    private int _steps = -1;

    /// <summary>The process, and how many times the others' time it takes; null if none is slow, or it is not known yet.</summary>
    public (int Process, double Times)? Slowest
    {
        get
        {
            if (processes == 1 || _steps < FewestSteps) return null;
            int slowest = Array.IndexOf(_seconds, _seconds.Max());
            double others = (_seconds.Sum() - _seconds[slowest]) / (processes - 1), times = _seconds[slowest] / others;
            return times >= Slow ? (slowest, times) : null;
        }
    }

    /// <summary>Takes what a step took.</summary>
    /// <param name="seconds">For a shard, by process, without waiting for other processes; more than 0.</param>
    public void Add(ReadOnlySpan<double> seconds)
    {
        if (++_steps == 0) return;
        double weight = 1.0 / Math.Min(_steps, Window);
        for (int process = 0; process < processes; process++) _seconds[process] += weight * (seconds[process] - _seconds[process]);
    }
}
