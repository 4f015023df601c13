namespace Spos.Engine.Ranks;

/// <summary>What a device's thread has for the others. It stays there until all have parted.</summary>
/// <param name="Counts">Whole numbers of 32 bits; how many there are depends on the call.</param>
internal readonly record struct DeviceOffer(nint Values, nint Counts)
{
    /// <summary>What it is for.</summary>
    public string Call { get; init; } = "";
}

/// <summary>Where the threads of a process's devices meet. Nobody waits any longer for a thread that has failed.</summary>
internal sealed class DeviceMeeting(IReadOnlyList<string> names) : IDisposable
{
    private readonly Barrier _barrier = new(names.Count);
    private readonly CancellationTokenSource _broken = new();
    private readonly DeviceOffer[] _offers = new DeviceOffer[names.Count];
    private readonly Exception?[] _failures = new Exception?[names.Count];
    private Exception? _first;

    public IReadOnlyList<string> Names => names;

    public int Count => names.Count;

    /// <summary>Signalled when one has failed.</summary>
    public CancellationToken Broken => _broken.Token;

    /// <summary>
    /// Why it is broken off; null if it is not. Of those that fail by themselves, the one of the lowest number tells.
    /// </summary>
    public Exception? Failure
    {
        get
        {
            lock (_failures)
            {
                return _failures.FirstOrDefault(one => one is not (null or OtherFailedException or OperationCanceledException)) ?? _first;
            }
        }
    }

    /// <summary>Waits for all, and returns what each has for the others.</summary>
    /// <exception cref="OtherFailedException">One has failed.</exception>
    public ReadOnlySpan<DeviceOffer> Meet(int rank, DeviceOffer offer)
    {
        _offers[rank] = offer;
        try
        {
            _barrier.SignalAndWait(Broken);
        }
        catch (OperationCanceledException)
        {
            throw new OtherFailedException();
        }
        return _offers;
    }

    /// <summary>Waits until all have what they want. Between <see cref="Meet"/> and this nothing fails, so all come.</summary>
    public void Part() => _barrier.SignalAndWait(CancellationToken.None);

    /// <summary>One fails: the others are not to wait for it.</summary>
    public void Break(int rank, Exception failure)
    {
        lock (_failures)
        {
            _failures[rank] ??= failure;
            _first ??= failure;
        }
        _broken.Cancel();
    }

    public void Dispose()
    {
        _barrier.Dispose();
        _broken.Dispose();
    }
}
