using Spos.Board.Reading;

namespace Spos.Board.Tests;

/// <summary>How often the board looks, by a clock and a processor that the tests move.</summary>
public sealed class LooksTests
{
    [Theory]
    [InlineData(0.0, 1000)]
    [InlineData(0.9, 1000)]
    [InlineData(1.5, 1500)]
    [InlineData(700, 3000)]
    public void What_costs_more_is_done_more_seldom_and_people_wait_three_seconds_at_most(double milliseconds, int wait)
    {
        var clock = new Clock();
        TimeSpan computed = TimeSpan.FromSeconds(3);
        var looks = new Looks(clock, () => computed);
        Assert.Equal(TimeSpan.Zero, looks.Wait);
        looks.Done();
        // All that the process has computed before was for the first look.
        Assert.Equal(TimeSpan.FromSeconds(3), looks.Wait);
        clock.Now += TimeSpan.FromSeconds(5);
        Assert.Equal(TimeSpan.Zero, looks.Wait);
        computed += TimeSpan.FromMilliseconds(milliseconds);
        looks.Done();
        Assert.Equal(TimeSpan.FromMilliseconds(wait), looks.Wait);
        clock.Now += TimeSpan.FromMilliseconds(400);
        Assert.Equal(TimeSpan.FromMilliseconds(wait - 400), looks.Wait);
    }
}
