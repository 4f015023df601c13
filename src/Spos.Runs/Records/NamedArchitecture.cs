using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>An architecture as options name it: a file, or the choices themselves.</summary>
public static class NamedArchitecture
{
    private const string OfLists = " ,[]()\t\n";

    /// <summary>
    /// Whether a text is meant as an architecture itself, and not as the name of its file: a list, or with channel scales two. What follows
    /// a list and a slash need not be right, so that it is told what is wrong with it.
    /// </summary>
    public static bool IsList(string text)
    {
        string[] lists = text.Split('/');
        if (!IsOfNumbers(lists[0])) return false;
        if (lists.Length == 1) return true;
        // A file's name may be numbers and slashes, but hardly with something between numbers.
        return HasSeveral(lists[0]) && !Path.Exists(text)
            && (char.IsWhiteSpace(lists[0][^1]) || lists[1].StartsWith(' ') || lists.Skip(1).All(list => !list.Any(char.IsLetter)));

        static bool IsOfNumbers(string list) =>
            list.Any(char.IsAsciiDigit) && list.All(c => char.IsAsciiDigit(c) || OfLists.Contains(c, StringComparison.Ordinal));
        static bool HasSeveral(string list) => list.Trim().AsSpan().IndexOfAny(' ', ',') > 0;
    }

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

    /// <summary>
    /// The same where --blocks may be given: if it is an architecture of other blocks, the message says of which, as far as can be told.
    /// </summary>
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
        catch (UsageException error) when (!spec.BlockSet.HasScales && !IsList(text) && ArchitectureFile.NamesScales(text))
        {
            string sets = string.Join(" or ", BlockSet.All.Where(set => set.HasScales));
            throw new UsageException($"{error.Message} Give the --blocks of its network, {sets}, and its sizes.");
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
