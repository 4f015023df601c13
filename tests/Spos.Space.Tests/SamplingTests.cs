using System.Numerics;
using Spos.Engine.Supernet;

namespace Spos.Space.Tests;

public sealed class SamplingTests
{
    [Fact]
    public void Flops_of_a_published_path()
    {
        // The architecture that the official code ships; its paper counts about 323M for it.
        var flops = NetworkFlops.Of(new NetworkSpec());
        Assert.Equal(322_918_720, flops.Of(Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3")));
    }

    [Fact]
    public void Paths_within_a_window_are_within_it_and_uniform()
    {
        var spec = new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 };
        var flops = NetworkFlops.Of(spec);
        Architecture[] all = [.. Enumerable.Range(0, 256).Select(i => new Architecture([i & 3, (i >> 2) & 3, (i >> 4) & 3, i >> 6]))];
        double low = all.Min(flops.Of) * 1.02, high = all.Max(flops.Of) * 0.95;
        Architecture[] inside = [.. all.Where(a => flops.Of(a) >= low && flops.Of(a) <= high)];
        var sampler = new PathSampler(flops);
        var random = new CounterRandom(1, RandomPurpose.Paths, 0);
        const int draws = 40_000;
        var counts = new Dictionary<Architecture, int>();
        for (int i = 0; i < draws; i++)
        {
            Architecture path = sampler.Within(random, low, high);
            Assert.InRange(flops.Of(path), low, high);
            counts[path] = counts.GetValueOrDefault(path) + 1;
        }
        Assert.True(sampler.IsExact);
        Assert.Equal(inside.Length, counts.Count);
        AssertUniform(inside.Select(path => counts[path]), draws);
    }

    [Theory]
    [InlineData(double.NaN, 1e9, 7)]
    [InlineData(0, double.NaN, 7)]
    [InlineData(0, double.PositiveInfinity, 7)]
    [InlineData(1e9, 0, 7)]
    [InlineData(0, 1e9, 0)]
    [InlineData(0, 1e9, -1)]
    [InlineData(0, 1e9, int.MaxValue)]
    public void What_is_no_window_is_refused(double low, double high, int bins)
    {
        var sampler = new PathSampler(NetworkFlops.Of(new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 }));
        var random = new CounterRandom(1, RandomPurpose.Paths, 0);
        Assert.Throws<ArgumentException>(() => sampler.CountBins(low, high, bins));
        Assert.Throws<ArgumentException>(() => sampler.FromBins(random, low, high, bins));
        if (bins == 7) Assert.Throws<ArgumentException>(() => sampler.Within(random, low, high));
    }

    [Fact]
    public void Bins_are_equally_likely_and_so_are_the_paths_of_each()
    {
        var spec = new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 };
        var flops = NetworkFlops.Of(spec);
        Architecture[] all = [.. Enumerable.Range(0, 256).Select(i => new Architecture([i & 3, (i >> 2) & 3, (i >> 4) & 3, i >> 6]))];
        var sampler = new PathSampler(flops);
        const int bins = 5, draws = 40_000;
        double low = flops.Least, high = flops.Most, width = (high - low) / bins;
        int Bin(Architecture path) => Math.Min((int)((flops.Of(path) - low) / width), bins - 1);
        Assert.Equal(Enumerable.Range(0, bins).Select(b => (BigInteger)all.Count(p => Bin(p) == b)), sampler.CountBins(low, high, bins));
        var random = new CounterRandom(2, RandomPurpose.Paths, 0);
        Architecture[] drawn = [.. Enumerable.Range(0, draws).Select(_ => sampler.FromBins(random, low, high, bins))];
        AssertUniform(Enumerable.Range(0, bins).Select(b => drawn.Count(p => Bin(p) == b)), draws);
        var counts = drawn.CountBy(p => p).ToDictionary();
        foreach (IGrouping<int, Architecture> bin in all.GroupBy(Bin))
        {
            AssertUniform(bin.Select(p => counts.GetValueOrDefault(p)), drawn.Count(p => Bin(p) == bin.Key));
        }
    }

    [Fact]
    public void The_official_window_is_filled_as_published()
    {
        // How 12,500 random paths fall into 290M to 360M by megvii's table.
        int[] published = [132, 828, 2366, 3941, 3482, 1406, 312];
        BigInteger[] paths = new PathSampler(NetworkFlops.Of(new NetworkSpec())).CountBins(
            NetworkFlops.OfficialLow, NetworkFlops.OfficialHigh, NetworkFlops.OfficialBins);
        double all = (double)new NetworkSpec().Space.Size;
        double chi = published.Zip(paths, (seen, count) => (Seen: seen, Expected: 12500 * (double)count / all))
            .Sum(p => Math.Pow(p.Seen - p.Expected, 2) / p.Expected);
        // 22.5 is exceeded once in a thousand times.
        Assert.InRange(chi, 0, 22.5);
    }

    // Chi-square within five deviations.
    private static void AssertUniform(IEnumerable<int> counts, int draws)
    {
        int[] seen = [.. counts];
        double expected = draws / (double)seen.Length, chi = seen.Sum(c => (c - expected) * (c - expected) / expected);
        Assert.InRange(chi, 0, seen.Length - 1 + 5 * Math.Sqrt(2.0 * seen.Length));
    }

    [Fact]
    public void Disjoint_paths_use_every_operation_once()
    {
        var sampler = new PathSampler(NetworkFlops.Of(new NetworkSpec()));
        Architecture[] paths = sampler.Disjoint(new CounterRandom(1, RandomPurpose.Paths, 9), 4);
        for (int block = 0; block < 20; block++) Assert.Equal([0, 1, 2, 3], paths.Select(p => p.Blocks[block]).Order());
    }

    [Fact]
    public void An_empty_window_is_an_error() =>
        Assert.Throws<ArgumentException>(
            () => new PathSampler(NetworkFlops.Of(new NetworkSpec())).Within(new CounterRandom(1, RandomPurpose.Paths, 0), 0, 1e6));
}
