using Spos.Engine.Ranks;

namespace Spos.Engine.Tests.Training;

/// <summary>Devices of one process, and what becomes of the others when one fails.</summary>
public sealed class DeviceRanksTests
{
    public static IReadOnlyList<string> Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"device {i}")];

    [Fact]
    public void Each_has_what_the_others_have_sent_it()
    {
        float[][] got = DeviceRanks.Run(Names(3), ranks =>
        {
            // So many values for the second one as this one's number, and one for the third.
            int[] sent = [0, ranks.Rank, 1];
            int[][] received = [[0, 0, 0], [0, 1, 2], [1, 1, 1]];
            float[] values = [.. Enumerable.Range(0, sent.Sum()).Select(i => 10f * ranks.Rank + i)];
            float[] mine = new float[received[ranks.Rank].Sum()];
            ranks.Exchange(values, sent, mine, received[ranks.Rank]);
            return mine;
        });
        Assert.Equal([[], [10, 20, 21], [0, 11, 22]], got);
    }

    [Fact]
    public void All_have_what_the_first_one_gives()
    {
        byte[][] got = DeviceRanks.Run(Names(3), ranks =>
        {
            byte[] values = [(byte)(ranks.Rank + 7), (byte)(ranks.Rank + 8)];
            ranks.Broadcast(values);
            return values;
        });
        Assert.All(got, values => Assert.Equal([7, 8], values));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void When_one_fails_those_that_wait_for_it_end_and_its_failure_is_thrown(int failing)
    {
        var ended = new Exception?[3];
        var thrown = Assert.Throws<RanksException>(() => DeviceRanks.Run(Names(3), ranks =>
        {
            ranks.GatherAll<int>([1]);
            if (ranks.Rank == failing) throw new RanksException("the failure");
            ended[ranks.Rank] = Record.Exception(() => ranks.GatherAll<int>([2]));
            if (ended[ranks.Rank] is { } error) throw error;
            return 0;
        }));
        Assert.Equal("the failure", thrown.Message);
        Assert.All(ended.Index().Where(one => one.Index != failing), one => Assert.IsType<OtherFailedException>(one.Item));
    }

    [Fact]
    public void When_one_fails_what_another_waits_for_is_broken_off()
    {
        Assert.Throws<RanksException>(() => DeviceRanks.Run(Names(2), ranks =>
        {
            if (ranks.Rank == 0) throw new RanksException("the failure");
            // As a loader waits for pictures, and a measurement goes from batch to batch.
            WaitHandle.WaitAll([ranks.Broken.WaitHandle, ranks.Stopped.WaitHandle]);
            ranks.Stopped.ThrowIfCancellationRequested();
            return 0;
        }));
    }

    [Fact]
    public void What_all_fail_of_the_first_one_tells()
    {
        using var meeting = new Barrier(3);
        var thrown = Assert.Throws<RanksException>(() => DeviceRanks.Run<int>(Names(3), ranks =>
        {
            meeting.SignalAndWait();
            // The last one is the first to fail.
            if (ranks.Rank < 2) ranks.Broken.WaitHandle.WaitOne();
            throw new RanksException($"failure of {ranks.Rank}");
        }));
        Assert.Equal("failure of 0", thrown.Message);
    }

    [Fact]
    public void One_that_does_not_end_when_another_has_failed_is_told_of()
    {
        using var hangs = new ManualResetEventSlim();
        Exception? told = null;
        Assert.Throws<RanksException>(() => DeviceRanks.Run(
            Names(2),
            ranks =>
            {
                if (ranks.Rank == 1) throw new RanksException("the failure");
                hangs.Wait();
                return 0;
            },
            TimeSpan.FromMilliseconds(1),
            failure =>
            {
                told = failure;
                hangs.Set();
            }));
        Assert.Equal("the failure", told?.Message);
    }

    [Fact]
    public void One_that_does_other_work_than_the_rest_ends_all()
    {
        Assert.Throws<InvalidOperationException>(() => DeviceRanks.Run(Names(3), ranks =>
        {
            if (ranks.Rank != 1) ranks.Broadcast(new byte[4]);
            return 0;
        }));
        Assert.Throws<InvalidOperationException>(() => DeviceRanks.Run(Names(2), ranks =>
        {
            ranks.Broadcast(new byte[4 + ranks.Rank]);
            return 0;
        }));
    }
}
