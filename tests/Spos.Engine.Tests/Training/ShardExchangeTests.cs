using Spos.Engine.Ranks;
using Spos.Engine.Training;

namespace Spos.Engine.Tests.Training;

/// <summary>Sums over devices; tests/cluster has processes.</summary>
public sealed class ShardExchangeTests
{
    // Values of magnitudes so far apart that another order of summation gives other bits, and some that are denormal.
    private static float[] ValuesOf(int shard, int length)
    {
        var random = new CounterRandom(7, RandomPurpose.Drawing, (ulong)shard);
        return [.. Enumerable.Range(0, length).Select(i => random.NextNormal() * MathF.Pow(2, i % 5 == 4 ? -135 : i * 7 % 30 - 15))];
    }

    [Theory]
    [InlineData(8, 1001)]
    [InlineData(8, 3)]
    [InlineData(5, 64)]
    [InlineData(13, 257)]
    public void All_devices_have_the_sum_by_the_tree_however_many_there_are(int shards, int length)
    {
        float[] want = Sum(new ShardRange(0, shards), length);
        if (length > 4)
        {
            Assert.Contains(want, value => value != 0 && !float.IsNormal(value));
            // The order does matter.
            float[] inOrder = new float[length];
            foreach (int shard in Enumerable.Range(0, shards)) Add(inOrder, ValuesOf(shard, length));
            Assert.NotEqual(want, inOrder);
        }
        for (int count = 1; count <= shards; count++)
        {
            float[][] sums = DeviceRanks.Run(DeviceRanksTests.Names(count), ranks => SumOf(ranks, shards, length));
            Assert.All(sums, got => Assert.Equal(want, got));
        }
    }

    [Fact]
    public void Values_of_different_number_are_gathered_by_rank()
    {
        int[][][] got = DeviceRanks.Run(
            DeviceRanksTests.Names(3),
            ranks => ranks.GatherAll<int>([.. Enumerable.Range(0, ranks.Rank).Select(i => 10 * ranks.Rank + i)]));
        Assert.All(got, all => Assert.Equal([[], [10], [20, 21]], all));
    }

    private static float[] SumOf(IRanks ranks, int shards, int length)
    {
        var exchange = new ShardExchange(ranks, shards);
        float[][] sums = [.. exchange.Own.Select(node => Sum(node, length))];
        float[] total = new float[length];
        exchange.Add(sums, total);
        return total;
    }

    private static float[] Sum(ShardRange node, int length)
    {
        if (node.IsLeaf) return ValuesOf(node.First, length);
        float[] sum = Sum(node.Left, length);
        Add(sum, Sum(node.Right, length));
        return sum;
    }

    private static void Add(float[] sum, float[] other)
    {
        for (int i = 0; i < sum.Length; i++) sum[i] += other[i];
    }
}
