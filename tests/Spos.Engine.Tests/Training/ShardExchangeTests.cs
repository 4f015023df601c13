using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ranks;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Native;
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
    [OnHostAndSimt(8, 1001, false)]
    [OnHostAndSimt(8, 1001, true)]
    [OnHostAndSimt(8, 3, false)]
    [OnHostAndSimt(8, 3, true)]
    [OnHostAndSimt(5, 64, true)]
    [OnHostAndSimt(13, 257, false)]
    [OnHostAndSimt(13, 257, true)]
    public void All_processes_have_the_sum_by_the_tree_however_many_there_are(string name, int shards, int length, bool byNccl)
    {
        using TestDevice test = TestDevice.Open(name);
        using StandInNccl? nccl = byNccl ? new StandInNccl(test.Device) : null;
        Device device = test.Device;
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
            float[][] all = DeviceRanks.Run(DeviceRanksTests.Names(count), ranks => SumOf(ranks, device, nccl?.Library, shards, length));
            Assert.All(all, got => Assert.Equal(want, got));
        }
        if (nccl != null) Assert.Equal((0, 0, 0), (nccl.Open, nccl.Aborted, nccl.Left));
    }

    [Fact]
    public void Values_of_different_number_are_gathered_by_rank()
    {
        int[][][] got = DeviceRanks.Run(
            DeviceRanksTests.Names(3),
            ranks => ranks.GatherAll<int>([.. Enumerable.Range(0, ranks.Rank).Select(i => 10 * ranks.Rank + i)]));
        Assert.All(got, all => Assert.Equal([[], [10], [20, 21]], all));
    }

    private static float[] SumOf(IRanks ranks, Device device, Nccl? nccl, int shards, int length)
    {
        using var session = new Session(device);
        using NcclLink? link = nccl == null ? null : new NcclLink(ranks, session.Device, nccl);
        ShardExchange exchange = ShardExchange.Of(ranks, shards, session, link);
        Tensor[] sums = [.. exchange.Own.Select(_ => session.Rent(Shape.Vector(length)))];
        foreach ((Tensor sum, ShardRange node) in sums.Zip(exchange.Own)) sum.Upload(session.Stream, Sum(node, length));
        // In three sections, one of which may have no values for some.
        int[] ends = [length / 3, length - 1, length];
        foreach ((int first, int end) in ends.Prepend(0).Zip(ends))
        {
            exchange.Begin([.. sums.Select(sum => sum.View(Shape.Vector(end - first), first))]);
        }
        exchange.End();
        float[] total = sums[0].Download(session.Stream);
        foreach (Tensor sum in sums) sum.Dispose();
        link?.Close();
        Assert.Equal(0, session.Pool.InUse);
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
