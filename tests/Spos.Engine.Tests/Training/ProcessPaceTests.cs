using Spos.Engine.Training;

namespace Spos.Engine.Tests.Training;

public sealed class ProcessPaceTests
{
    [Fact]
    public void The_slowest_process_is_named_with_how_much_slower_it_is()
    {
        (int Process, double Times)? slowest = After(60, [1, 1, 3, 1]);
        Assert.Equal(2, slowest?.Process);
        Assert.Equal(3, slowest!.Value.Times, 1e-9);
    }

    [Fact]
    public void Processes_that_differ_by_less_than_a_quarter_are_alike() => Assert.Null(After(60, [1, 1.24]));

    [Fact]
    public void The_first_step_does_not_count_and_the_next_few_name_nobody()
    {
        var pace = new ProcessPace(2);
        pace.Add([100, 1]);
        for (int step = 0; step < 19; step++) pace.Add([1, 2]);
        Assert.Null(pace.Slowest);
        pace.Add([1, 2]);
        Assert.Equal((1, 2.0), pace.Slowest);
    }

    [Fact]
    public void A_single_pause_names_nobody_and_a_process_that_becomes_slow_is_named()
    {
        var pace = new ProcessPace(2);
        for (int step = 0; step < 60; step++) pace.Add([1, 1]);
        pace.Add([10, 1]);
        Assert.Null(pace.Slowest);
        for (int step = 0; step < 60; step++) pace.Add([1, 2]);
        Assert.Equal(1, pace.Slowest?.Process);
    }

    [Fact]
    public void One_process_waits_for_nobody() => Assert.Null(After(60, [1]));

    private static (int Process, double Times)? After(int steps, double[] seconds)
    {
        var pace = new ProcessPace(seconds.Length);
        for (int step = 0; step < steps; step++) pace.Add(seconds);
        return pace.Slowest;
    }
}
