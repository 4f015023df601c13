namespace Spos.Engine.Kernels;

/// <summary>One launch of a kernel.</summary>
/// <param name="Blocks">Of the whole grid.</param>
public readonly record struct RecordedLaunch(string Kernel, KernelWork Work, long Blocks);

/// <summary>Notes every launch of a device while it is set as <see cref="KernelSet.Recorder"/>, in the order of issue.</summary>
public sealed class LaunchRecorder
{
    private readonly List<RecordedLaunch> _launches = [];
    private readonly Lock _lock = new();

    /// <summary>All launches since the last call, which are then forgotten.</summary>
    public RecordedLaunch[] Take()
    {
        lock (_lock)
        {
            RecordedLaunch[] launches = [.. _launches];
            _launches.Clear();
            return launches;
        }
    }

    internal void Add(RecordedLaunch launch)
    {
        lock (_lock) _launches.Add(launch);
    }
}
