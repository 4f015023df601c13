namespace Spos.Board.Tests;

/// <summary>A clock that tests move.</summary>
internal sealed class Clock : TimeProvider
{
    public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;
}
