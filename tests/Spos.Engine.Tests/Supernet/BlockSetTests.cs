using Spos.Engine.Supernet;

namespace Spos.Engine.Tests.Supernet;

/// <summary>What users' files say of blocks stays readable: the numbers of designs and the names of sets.</summary>
public sealed class BlockSetTests
{
    [Fact]
    public void Designs_keep_their_numbers()
    {
        string[] paper = ["shufflenet_3x3", "shufflenet_5x5", "shufflenet_7x7", "xception_3x3"];
        Assert.Equal(paper, Names(BlockSet.ShuffleV2));
        Assert.Equal([.. paper, .. paper.Select(name => $"{name}_se")], Names(BlockSet.ShuffleV2Plus));
        string[] scales = ["0.2", "0.4", "0.6", "0.8", "1.0", "1.2", "1.4", "1.6"];
        Assert.Equal(paper.SelectMany(_ => scales, (name, scale) => $"{name}_x{scale}"), Names(BlockSet.ShuffleV2Channels));
        Assert.Equal(64, Names(BlockSet.ShuffleV2PlusChannels).Distinct().Count());
        BlockSet published = BlockSet.ShuffleV2PlusPublished;
        string[] endings = ["", "_hs", "_se", "_se"];
        foreach (BlockSpec block in new NetworkSpec { BlockSet = published }.BlockSpecs())
        {
            Assert.Equal(paper.Select(name => name + endings[block.Stage]), published.DesignsOf(block).Select(design => design.Name));
        }

        static IEnumerable<string> Names(BlockSet set) => set.Designs.Select(design => design.Name);
    }

    [Fact]
    public void Sets_are_found_by_what_files_record()
    {
        Assert.Equal(
            [null, "shuffle-v2+", "shuffle-v2-channels", "shuffle-v2+-channels", "shuffle-v2+-published"],
            BlockSet.All.Select(set => set.Recorded));
        foreach (BlockSet set in BlockSet.All)
        {
            Assert.Same(set, BlockSet.Of(set.Recorded));
            Assert.Same(set, BlockSet.Of(set.Name));
        }
        Assert.Null(BlockSet.Of("shuffle-v9"));
    }
}
