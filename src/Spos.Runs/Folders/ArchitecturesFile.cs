using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Runs.Records;

namespace Spos.Runs.Folders;

/// <summary>
/// A file of the architectures that a run compares: the options and the data set that its figures depend on, and the figures so far.
/// </summary>
/// <typeparam name="T">An architecture with its figures.</typeparam>
public abstract class ArchitecturesFile<T>(
    string path, KeptOptions options, DataRecord data, bool acceptChangedData, Action<string> warn)
    where T : class
{
    // Far more than the most architectures come to.
    private const int MostBytes = 256 << 20;

    /// <summary>The file.</summary>
    public string FilePath { get; } = path;

    /// <summary>Replaces the file.</summary>
    /// <exception cref="WriteException">It could not be written.</exception>
    public void Save(IEnumerable<T> architectures) =>
        JsonFile.Write(FilePath, new Contents(new Dictionary<string, string>(options.Values), data, [.. architectures]));

    /// <summary>What an option came to that a file was made with; null if there is no file, it is damaged, or does not tell.</summary>
    protected static string? OptionIn(string path, string name)
    {
        try
        {
            return File.Exists(path) ? JsonFile.Read<Contents>(path, MostBytes).Options?.GetValueOrDefault(name) : null;
        }
        catch (FormatException)
        {
            // Who goes on with the file refuses it.
            return null;
        }
    }

    /// <summary>What was saved; null if nothing was.</summary>
    /// <param name="what">What the file holds, for messages.</param>
    /// <param name="isOne">Whether an architecture has all of its fields.</param>
    /// <param name="checkOne">Throws if the figures of an architecture, which a field has, cannot be.</param>
    /// <exception cref="UsageException">It was made with other options or pictures.</exception>
    /// <exception cref="CheckpointException">It is damaged, or has figures that cannot be.</exception>
    protected T[]? Load(string what, Func<T, bool> isOne, Action<FigureCheck, string, T> checkOne)
    {
        if (!File.Exists(FilePath)) return null;
        try
        {
            Contents contents = JsonFile.Read<Contents>(FilePath, MostBytes);
            if (contents.Options == null || contents.Architectures?.All(one => one != null && isOne(one)) != true)
            {
                throw new FormatException($"it holds no {what}.");
            }
            options.Require(FilePath, contents.Options, acceptChangedData || contents.Data?.Train != null);
            var check = new FigureCheck(FilePath);
            contents.Data?.Check(check);
            contents.Data?.Require(FilePath, data, acceptChangedData, warn);
            foreach ((int index, T one) in contents.Architectures.Index())
            {
                checkOne(check, $"{nameof(Contents.Architectures)}[{index}]", one);
            }
            return contents.Architectures;
        }
        catch (FormatException error)
        {
            throw new CheckpointException($"{FilePath} is damaged: {error.Message} Begin anew with --restart.");
        }
    }

    private sealed record Contents(Dictionary<string, string> Options, DataRecord? Data, T[] Architectures);
}
