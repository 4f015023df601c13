using Spos.Engine.Supernet;

namespace Spos.Engine.Tests.Supernet;

/// <summary>What users' files say of blocks stays readable: the numbers of designs and the names of sets.</summary>
public sealed class BlockSetTests
{
    [Fact]
    public void Designs_keep_their_numbers()
    {
        string[] paper = ["shufflenet_3x3", "shufflenet_5x5", "shufflenet_7x7", "xception_3x3"];
        Assert.Equal(paper, BlockSet.ShuffleV2.Alternatives.Select(alternative => alternative.Name));
        Assert.Equal(
            [.. paper, .. paper.Select(name => $"{name}_se")],
            BlockSet.ShuffleV2Plus.Alternatives.Select(alternative => alternative.Name));
    }

    [Fact]
    public void Sets_are_found_by_what_files_record()
    {
        Assert.Equal([null, "shuffle-v2+"], BlockSet.All.Select(set => set.Recorded));
        foreach (BlockSet set in BlockSet.All)
        {
            Assert.Same(set, BlockSet.Of(set.Recorded));
            Assert.Same(set, BlockSet.Of(set.Name));
        }
        Assert.Null(BlockSet.Of("shuffle-v9"));
    }
}
