using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Supernet;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>What the blocks of a network can be.</summary>
internal interface IBlocksOption
{
    [Option("blocks", HelpText = "What each block can be (default: as a network has that is named, else shuffle-v2).")]
    [BlockSetName]
    [Influences(Influence.Kept)]
    string? Blocks { get; set; }
}

/// <summary>What the option comes to.</summary>
internal static class BlocksOption
{
    /// <summary>What is asked for; null if nothing is.</summary>
    public static BlockSet? AskedBlocks(this IBlocksOption options) => options.Blocks == null ? null : BlockSet.Of(options.Blocks);
}

/// <summary>The name of a set of blocks.</summary>
internal sealed class BlockSetNameAttribute() : OneOfAttribute([.. BlockSet.All.Select(set => set.Name)])
{
    public override string Possible => string.Join("; ", BlockSet.All.Select(set => $"{set.Name}: {set.Contents}"));
}
