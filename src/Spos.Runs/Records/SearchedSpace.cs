using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>What the blocks of a network are left with to choose from, as options, files and records tell it.</summary>
public static class SearchedSpace
{
    private const string Option = $"--{KeptOptions.SearchSpaceOption}";

    /// <summary>What a supernet was trained on.</summary>
    /// <param name="source">The checkpoint, for messages.</param>
    /// <exception cref="CheckpointException">It does not tell it as this program does.</exception>
    public static SearchSpace Of(CheckpointHeader header, string source) =>
        Of(header.Options.GetValueOrDefault(KeptOptions.SearchSpaceOption), header.Spec.Space, source);

    /// <summary>What a record tells.</summary>
    /// <param name="recorded">Null or nothing where all alternatives are left.</param>
    /// <exception cref="CheckpointException">It does not tell it as this program does.</exception>
    public static SearchSpace Of(string? recorded, SearchSpace space, string source)
    {
        try
        {
            return space.With(recorded ?? "");
        }
        catch (FormatException error)
        {
            throw new CheckpointException($"{source}: the search space that it tells is not one of its network: {error.Message}");
        }
    }

    /// <summary>What a file leaves of the space of a network.</summary>
    /// <exception cref="UsageException">It is of another network, or cannot be read.</exception>
    public static SearchSpace Read(string file, NetworkSpec network)
    {
        try
        {
            return SearchSpaceFile.Read(file, network.Space);
        }
        catch (FormatException error)
        {
            throw new UsageException($"{Option} {error.Message}");
        }
    }

    /// <summary>What a line that begins with a network says of its space: nothing where no alternative is left out.</summary>
    internal static string NoteOf(SearchSpace space) => space.IsWhole
        ? ""
        : $"; of {space.Blocks.Sum(block => block.Length)} alternatives of its blocks {space.Choices.Sum(block => block.Length)} are left";

    /// <summary>What is searched of a supernet: what a file leaves, of what it was trained on.</summary>
    /// <param name="file">Null for all that it was trained on.</param>
    /// <exception cref="UsageException">The file has what the supernet was not trained on, or cannot be read.</exception>
    /// <exception cref="CheckpointException">The checkpoint does not tell what it was trained on.</exception>
    public static SearchSpace Within(CheckpointReader supernet, string? file)
    {
        SearchSpace trained = Of(supernet.Header, supernet.Path);
        if (file == null) return trained;
        SearchSpace asked = Read(file, supernet.Header.Spec);
        if (trained.Holds(asked)) return asked;
        int block = Enumerable.Range(0, asked.Choices.Length).First(b => asked.Choices[b].Except(trained.Choices[b]).Any());
        int[] operations = [.. asked.Operations[block].Except(trained.Operations[block])];
        string what = operations.Length > 0
            ? $"alternative {operations[0]}"
            : $"the channel scale {ChannelScales.NameOf(asked.Scales[block].Except(trained.Scales[block]).First())}";
        throw new UsageException(
            $"{Option} {file}: in block {block} it has {what}, which {supernet.Path} was not trained on. Leave it out, or train a supernet "
            + "on that space.");
    }
}
