namespace Spos.Board.Reading;

/// <summary>How fast something is done, as the board has seen it: files do not tell.</summary>
/// <param name="time">What tells the time; tests have their own.</param>
internal sealed class Pace(TimeProvider time)
{
    // Of the last minutes, and from one change to another, for files are written now and then.
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2);

    private readonly Queue<(long At, long Done)> _changes = new();
    private long _last = -1;

    /// <summary>Done a second; null as long as that is not known.</summary>
    public double? PerSecond { get; private set; }

    /// <summary>It is seen that so much is done.</summary>
    public void See(long done)
    {
        if (done == _last) return;
        long now = time.GetTimestamp();
        // What was there when the board began to look was done nobody knows when.
        bool isFirst = _last < 0, isAnew = done < _last;
        _last = done;
        if (isAnew) Forget();
        if (isFirst || isAnew) return;
        _changes.Enqueue((now, done));
        while (_changes.Count > 2 && time.GetElapsedTime(_changes.Peek().At, now) > Window) _changes.Dequeue();
        (long at, long before) = _changes.Peek();
        double seconds = time.GetElapsedTime(at, now).TotalSeconds;
        PerSecond = seconds > 0 ? (done - before) / seconds : null;
    }

    /// <summary>The run is over.</summary>
    public void Forget()
    {
        _changes.Clear();
        PerSecond = null;
    }
}
