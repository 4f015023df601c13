namespace Spos.Board.Reading;

/// <summary>
/// When the board looks at files again: soon, and so that it takes little of the processor from the runs that it shows. What a look costs
/// is what the process has computed since the one before, with the answers that it gave meanwhile.
/// </summary>
/// <param name="computed">The processor time of the process so far.</param>
internal sealed class Looks(TimeProvider time, Func<TimeSpan> computed)
{
    // Of one core. People wait no longer than the most, whatever it costs.
    private const double Share = 0.001;

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1), Most = TimeSpan.FromSeconds(3);

    private TimeSpan _before, _pause;
    private long? _last;

    /// <summary>How long it is until the next look; zero if one is due.</summary>
    public TimeSpan Wait
    {
        get
        {
            TimeSpan wait = _last is { } last ? _pause - time.GetElapsedTime(last) : TimeSpan.Zero;
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    /// <summary>It was looked.</summary>
    public void Done()
    {
        TimeSpan now = computed(), wanted = (now - _before) / Share;
        _pause = wanted < Least ? Least : wanted > Most ? Most : wanted;
        (_before, _last) = (now, time.GetTimestamp());
    }
}
