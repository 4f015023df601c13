using System.Globalization;
using System.Text.RegularExpressions;
using Spos.Engine.Checkpoints;

namespace Spos.Runs.Folders;

/// <summary>
/// The checkpoints of a run's folder, for those who only read them. The run may go on writing and removing them meanwhile.
/// </summary>
public static partial class CheckpointFolder
{
    private const string Prefix = "checkpoint-", Suffix = ".spos";

    // A checkpoint that vanishes has two newer ones, so looking again once nearly always helps.
    private const int MostLooks = 100;

    /// <summary>The name of a checkpoint.</summary>
    public static string NameOf(long steps) => $"{Prefix}{steps.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}";

    /// <summary>The steps of training that a checkpoint's name tells.</summary>
    public static long StepOf(string file) =>
        long.Parse(Name().Match(Path.GetFileName(file)).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    /// <summary>The checkpoints of a folder, the oldest first.</summary>
    public static IEnumerable<string> Files(string folder) =>
        Directory.GetFiles(folder, $"{Prefix}*{Suffix}").Where(file => IsName(Path.GetFileName(file))).OrderBy(StepOf);

    /// <summary>Whether a checkpoint is called so.</summary>
    public static bool IsName(string name) => Name().IsMatch(name);

    /// <summary>
    /// Opens a checkpoint: the file itself, or the newest whole one of a folder. Damaged ones are passed over, and it is said.
    /// </summary>
    /// <param name="warn">Told of each damaged one.</param>
    /// <exception cref="CheckpointException">There is none; the message says what the folder holds instead.</exception>
    public static CheckpointReader Open(string path, Action<string> warn)
    {
        if (!Path.Exists(path)) throw new CheckpointException($"{path}: there is no such checkpoint or folder.");
        if (!Directory.Exists(path)) return CheckpointReader.Open(path);
        for (int look = 0; look < MostLooks; look++)
        {
            string[] files = [.. Files(path)];
            if (files.Length == 0)
            {
                throw new CheckpointException(
                    $"{path}: no checkpoint there{(FolderContents.Of(path).Description is { } run ? $": the folder holds {run}" : "")}.");
            }
            if (NewestWhole(files, warn) is { } reader) return reader;
        }
        throw new CheckpointException(
            $"{path}: its checkpoints are replaced faster than they can be read. Name one of them, or wait for the run to end.");
    }

    // Null if a file has vanished.
    private static CheckpointReader? NewestWhole(string[] files, Action<string> warn)
    {
        var damage = new List<CheckpointException>();
        foreach (string file in files.Reverse())
        {
            CheckpointReader? reader = null;
            try
            {
                reader = CheckpointReader.Open(file);
                reader.Verify();
                foreach (CheckpointException error in damage) warn($"{error.Message} {file} is used.");
                return reader;
            }
            catch (CheckpointException error)
            {
                reader?.Dispose();
                if (!File.Exists(file)) return null;
                damage.Add(error);
            }
        }
        throw damage[0];
    }

    [GeneratedRegex(@"^checkpoint-(\d{8,18})\.spos$")]
    private static partial Regex Name();
}
