using Spos.Engine.Plans;

namespace Spos.Engine.Tests.Plans;

/// <summary>Where the buffers of a plan lie.</summary>
public sealed class BufferLayoutTests
{
    [Fact]
    public void Buffers_that_are_in_use_together_do_not_overlap()
    {
        var random = new System.Random(3);
        var buffers = new List<PlannedBuffer>();
        for (int i = 0; i < 400; i++)
        {
            int turn = random.Next(20);
            (int, int)? owner = random.Next(3) == 0 ? null : (turn, random.Next(4));
            Moment birth = new(turn, random.Next(5));
            Moment death = random.Next(4) == 0
                ? new Moment(turn + random.Next(1, 10), random.Next(5))
                : new Moment(turn, birth.Event + random.Next(1, 5));
            buffers.Add(new PlannedBuffer((ulong)i, random.Next(1, 5000), owner, birth) { Death = death });
        }
        long bytes = BufferLayout.Place(buffers);
        foreach (PlannedBuffer one in buffers)
        {
            Assert.InRange(one.Offset, 0, bytes - one.Size);
            Assert.Equal(0, one.Offset % 256);
            foreach (PlannedBuffer other in buffers.Where(other => other != one && other.Meets(one)))
            {
                Assert.True(
                    one.Offset + one.Size <= other.Offset || other.Offset + other.Size <= one.Offset,
                    $"{one.Address} and {other.Address} overlap.");
            }
        }
        Assert.InRange(bytes, 1, buffers.Sum(b => b.Size) - 1);
    }

    [Fact]
    public void Memory_is_used_again_by_what_comes_later_and_by_other_alternatives()
    {
        var first = new PlannedBuffer(1, 1000, null, new Moment(0, 0)) { Death = new Moment(1, 0) };
        var later = new PlannedBuffer(2, 1000, null, new Moment(1, 0)) { Death = new Moment(2, 0) };
        Assert.Equal(1024, BufferLayout.Place([first, later]));
        var one = new PlannedBuffer(3, 1000, (5, 0), new Moment(5, 0)) { Death = new Moment(9, 0) };
        var other = new PlannedBuffer(4, 2000, (5, 1), new Moment(5, 0)) { Death = new Moment(9, 0) };
        Assert.Equal(2048, BufferLayout.Place([one, other]));
        var common = new PlannedBuffer(5, 500, null, new Moment(6, 0)) { Death = Moment.Never };
        Assert.Equal(2048 + 512, BufferLayout.Place([one, other, common]));
    }
}
