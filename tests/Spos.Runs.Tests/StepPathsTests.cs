using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Runs.Tests;

/// <summary>Which paths a step of a supernet's training trains.</summary>
public sealed class StepPathsTests
{
    private static readonly NetworkSpec Scaled = new()
    {
        ImageSize = 32,
        StemChannels = 8,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [20, 40, 60, 80],
        LastChannels = 16,
        BlockSet = BlockSet.ShuffleV2Channels,
    };

    [Fact]
    public void Between_the_widest_and_the_narrowest_path_are_random_ones()
    {
        SupernetSpec spec = Spec(sandwichPaths: 3);
        StepPaths paths = PathsOf(spec, Scaled), again = PathsOf(spec, Scaled);
        CostTable flops = NetworkFlops.Of(Scaled);
        var inside = new HashSet<Architecture>();
        for (int step = 0; step < 20; step++)
        {
            IReadOnlyList<Architecture> now = paths.At(step);
            Assert.Equal(5, now.Count);
            Assert.Equal((flops.Most, flops.Least), (flops.Of(now[0]), flops.Of(now[^1])));
            Assert.Equal(now, again.At(step));
            inside.UnionWith(now.Skip(1).SkipLast(1));
        }
        Assert.Equal(60, inside.Count);
    }

    [Fact]
    public void While_scales_are_let_in_the_narrowest_path_has_the_narrowest_of_them()
    {
        StepPaths paths = PathsOf(Spec(sandwichPaths: 2), Scaled);
        paths.WarmupSteps = 14;
        for (int step = 0; step < 20; step++)
        {
            IReadOnlyList<Architecture> now = paths.At(step);
            int narrowest = step < 14 ? ChannelScales.Widest - step / 2 : 0;
            Assert.All(now[0].Scales, scale => Assert.Equal(ChannelScales.Widest, scale));
            Assert.All(now[^1].Scales, scale => Assert.Equal(narrowest, scale));
            Assert.All(now.SelectMany(path => path.Scales), scale => Assert.InRange(scale, narrowest, ChannelScales.Widest));
        }
    }

    [Fact]
    public void At_the_official_sizes_the_sandwich_is_of_the_whole_space()
    {
        var official = new NetworkSpec();
        Assert.True(official.IsOfficialSize);
        CostTable flops = NetworkFlops.Of(official);
        IReadOnlyList<Architecture> paths = PathsOf(Spec(sandwichPaths: 1), official).At(0);
        Assert.Equal((flops.Most, flops.Least), (flops.Of(paths[0]), flops.Of(paths[^1])));
        Assert.InRange(flops.Of(Assert.Single(PathsOf(Spec(), official).At(0))), NetworkFlops.OfficialLow, NetworkFlops.OfficialHigh);
    }

    private static StepPaths PathsOf(SupernetSpec spec, NetworkSpec network) =>
        new(spec, network, new PathSampler(NetworkFlops.Of(network)));

    private static SupernetSpec Spec(int sandwichPaths = 0)
    {
        var setup = new RunSetup { Data = new DataSpec { Folder = "none" }, Folder = "none", Options = [] };
        return new SupernetSpec
        {
            Setup = new TrainingSetup(setup, new TrainingOptions { Epochs = 1, BatchSize = 2, LearningRate = 1 }),
            Sizes = new NetworkSizes(32, 8, [1, 1, 1, 1], [20, 40, 60, 80], 16, 0.1f),
            SandwichPaths = sandwichPaths,
        };
    }
}
