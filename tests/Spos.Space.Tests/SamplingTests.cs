using System.Collections.Immutable;
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

    // Checksums of 500 paths of each kind, as the version of 28 November 2026 drew them: searches and supernets that began then go on with
    // the same paths. The costs of the third space are rounded; the fourth has more paths than 128 bits count.
    [Theory]
    [InlineData("official", 290e6, 360e6, 0x95BDCF15F40A6673, 0xB61FC7A2B66276E9)]
    [InlineData("4 3 10 0", 1000, 4000, 0xFDB67B396FC8FDBD, 0x2900674A19B4B603)]
    [InlineData("20 32 1000003 7", 0.4e9, 1.1e9, 0x36A1F378205E3B79, 0x981135BB79813491)]
    [InlineData("140 2 1 0", 5000, 9000, 0x1871D3BB1AAAE38E, 0x1CD216D7D4088E84)]
    public void Paths_of_a_seed_stay_the_same(string space, double low, double high, ulong within, ulong fromBins)
    {
        var sampler = new PathSampler(space == "official" ? NetworkFlops.Of(new NetworkSpec()) : Wide(space));
        var random = new CounterRandom(7, RandomPurpose.Paths, 3);
        ulong one = 14695981039346656037, other = one;
        for (int i = 0; i < 500; i++)
        {
            Add(ref one, sampler.Within(random, low, high));
            Add(ref other, sampler.FromBins(random, low, high, 5));
        }
        Assert.Equal((within, fromBins), (one, other));

        // FNV-1a, by choices.
        static void Add(ref ulong sum, Architecture path)
        {
            foreach (int choice in path.Blocks) sum = (sum ^ (ulong)choice) * 1099511628211;
        }
    }

    // So many blocks of so many alternatives, whose costs are multiples of a number, and a little more with each alternative.
    private static CostTable Wide(string numbers)
    {
        int[] of = [.. numbers.Split(' ').Select(int.Parse)];
        int[] alternatives = [.. Enumerable.Range(0, of[1])];
        var space = new SearchSpace(Enumerable.Range(0, of[0]).Select(_ =>
            alternatives.Select(c => new Alternative($"{c}")).ToImmutableArray()));
        return new CostTable(space, 1000, Enumerable.Range(0, of[0]).Select(b =>
            alternatives.Select(c => of[2] * (1 + (b * 31L + 7) * (c * 17L + 3) % 101) + c * of[3])));
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

    // Costs of many sizes are counted in rounded steps, by which the dearest path costs more than it does.
    [Fact]
    public void The_dearest_path_is_within_a_window_that_ends_at_it()
    {
        var space = new SearchSpace(Enumerable.Repeat<ImmutableArray<Alternative>>([new("a"), new("b"), new("c")], 6));
        var costs = new CostTable(space, 7, Enumerable.Range(0, 6).Select(b => new long[] { 0, 1_000_003 + 17 * b, 2_000_029 + 1009 * b }));
        var sampler = new PathSampler(costs);
        Assert.False(sampler.IsExact);
        Assert.Equal(space.Size, sampler.CountBins(costs.Least, costs.Most, 1)[0]);
    }

    [Fact]
    public void An_empty_window_is_an_error() =>
        Assert.Throws<ArgumentException>(
            () => new PathSampler(NetworkFlops.Of(new NetworkSpec())).Within(new CounterRandom(1, RandomPurpose.Paths, 0), 0, 1e6));
}
