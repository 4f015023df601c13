using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>An architecture as options name it: a file, or the choices themselves.</summary>
public static class NamedArchitecture
{
    /// <summary>Whether a text is an architecture itself, and not the name of its file.</summary>
    public static bool IsList(string text) =>
        text.Any(char.IsAsciiDigit) && text.All(c => char.IsAsciiDigit(c) || " ,[]()\t\n".Contains(c, StringComparison.Ordinal));

    /// <summary>Reads the choices that a text lists, or else the file that it names.</summary>
    /// <param name="option">The option that has the value, for messages.</param>
    /// <exception cref="UsageException">It is no architecture, or not one of that space.</exception>
    public static Architecture Read(string text, SearchSpace space, string option = "architecture")
    {
        bool list = IsList(text);
        Architecture path;
        try
        {
            path = list ? Architecture.Parse(text) : ArchitectureFile.Read(text, space);
        }
        catch (FormatException error)
        {
            throw new UsageException($"--{option} {(list ? $"\"{Shown.Value(text)}\": " : "")}{error.Message}");
        }
        return space.FaultOf(path) is { } fault ? throw new UsageException($"--{option} {Shown.Value(text)}: it {fault}.") : path;
    }
    /// <summary>The same where --blocks may be given: if it is an architecture of other blocks, the message says of which.</summary>
    /// <exception cref="UsageException">It is no architecture of the network.</exception>
    public static Architecture ReadOfAnySet(string text, NetworkSpec spec, string option = "architecture")
    {
        try
        {
            return Read(text, spec.Space, option);
        }
        catch (UsageException error) when (
            BlockSet.All.FirstOrDefault(set => set != spec.BlockSet && Fits(text, spec with { BlockSet = set })) is { } other)
        {
            throw new UsageException($"{error.Message} With --blocks {other} it is one.");
        }
    }

    private static bool Fits(string text, NetworkSpec spec)
    {
        try
        {
            Read(text, spec.Space);
            return true;
        }
        catch (UsageException)
        {
            return false;
        }
    }
}
