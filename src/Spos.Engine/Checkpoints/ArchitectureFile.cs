using Spos.Engine.Files;
using Spos.Engine.Pickles;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>
/// Architectures in files. Read are NNI's exports (<see cref="NniArchitecture"/>), a list or tuple as text, and megvii's arch.pkl, a
/// pickled tuple; written is NNI's one-hot JSON, with the channels inside each block where there are channel scales.
/// </summary>
public static class ArchitectureFile
{
    private const int MostBytes = 1 << 20;

    /// <summary>Writes the layout of the example's architecture_final.json (NNI v1.9): a line a block, in their order.</summary>
    public static void Write(string path, Architecture architecture, SearchSpace space) =>
        AtomicFile.WriteText(path, $"{{\n  {string.Join(",\n  ", Fields(architecture, space))}\n}}\n");

    /// <summary>
    /// Writes what NNI's tuner exports after a generation, checkpoints/EEE_III.json (NNI v1.9, nas/pytorch/spos/evolution.py): one line,
    /// in the order of the search space, which is sorted as text.
    /// </summary>
    public static void WriteExport(string path, Architecture architecture, SearchSpace space) =>
        AtomicFile.WriteText(path, $"{{{string.Join(", ", Fields(architecture, space).Order(StringComparer.Ordinal))}}}");

    /// <exception cref="FormatException">The file is missing or holds no architecture of that space; the message names it.</exception>
    public static Architecture Read(string path, SearchSpace space)
    {
        Architecture architecture;
        try
        {
            byte[] bytes = SmallFile.ReadBytes(path, MostBytes);
            architecture = IsPickle(bytes) ? new Architecture(Unpickle(bytes)) : OfText(SmallFile.TextOf(bytes), space);
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new FormatException($"{path}: not an architecture: {error.Message}");
        }
        return space.FaultOf(architecture) is { } fault ? throw new FormatException($"{path}: it {fault}.") : architecture;
    }

    /// <summary>Whether a file names channel scales, or the channels of blocks, of whatever network; false if it cannot be read.</summary>
    public static bool NamesScales(string path)
    {
        try
        {
            string text = SmallFile.TextOf(SmallFile.ReadBytes(path, MostBytes));
            return IsJson(text) ? NniArchitecture.NamesChannels(text) : Architecture.Parse(text).HasScales;
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            return false;
        }
    }

    private static bool IsJson(string text) => text.TrimStart().StartsWith('{');

    private static Architecture OfText(string text, SearchSpace space) =>
        IsJson(text) ? NniArchitecture.Parse(text, space) : Architecture.Parse(text);

    // "LayerChoice1": [false, true, false, false] sorts by its number's text: the quotation mark is below all digits.
    private static IEnumerable<string> Fields(Architecture architecture, SearchSpace space)
    {
        foreach ((int block, int chosen) in architecture.Operations.Index())
        {
            IEnumerable<string> oneHot =
                Enumerable.Range(0, space.OperationsOf(block)).Select(operation => operation == chosen ? "true" : "false");
            yield return $"\"{NniArchitecture.Name(block)}\": [{string.Join(", ", oneHot)}]";
        }
        if (!architecture.HasScales) yield break;
        foreach ((int block, int choice) in architecture.Blocks.Index())
        {
            yield return $"\"{NniArchitecture.ChannelName(block)}\": {space.Blocks[block][choice].Channels}";
        }
    }

    // From protocol 2 on a pickle begins with a code that is no text; whatever the protocol, it ends with a full stop.
    private static bool IsPickle(byte[] bytes) => bytes.Length > 0 && (bytes[0] == 0x80 || bytes[^1] == '.');

    private static IEnumerable<int> Unpickle(byte[] bytes)
    {
        object? value;
        int position = 0;
        try
        {
            value = Unpickler.Load(bytes, ref position, new PickleObjects());
        }
        catch (PickleException error)
        {
            throw new FormatException($"it is no pickle that can be read: {Shown.Excerpt(error.Message, 200)}.", error);
        }
        IReadOnlyList<object?> items = value switch
        {
            PickleTuple tuple => tuple,
            List<object?> list => list,
            _ => throw new FormatException(
                $"it is a pickle of {Shown.Excerpt(Unpickler.Describe(value), 200)}, not of a tuple of numbers."),
        };
        if (items.Count == 0) throw new FormatException("it is a pickle of an empty tuple.");
        return items.Select(item => item is long and >= 0 and < Architecture.MostAlternatives
            ? (int)(long)item
            : throw new FormatException("it is a pickle whose items are not all numbers of choices."));
    }
}
