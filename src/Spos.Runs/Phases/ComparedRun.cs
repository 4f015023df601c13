using Spos.Engine.Files;
using Spos.Runs.Folders;

namespace Spos.Runs.Phases;

/// <summary>
/// What runs that train several architectures to compare them have in common: each is trained in a folder below the run's own, and a file
/// has what is known of them all so far.
/// </summary>
internal static class ComparedRun
{
    /// <summary>What an earlier run in a folder has left; null if there is nothing, or it begins anew.</summary>
    /// <param name="load">Reads the file.</param>
    /// <param name="wanted">The architectures that this run compares.</param>
    /// <param name="nameOf">The same of what the file has.</param>
    /// <param name="why">Why the file may have others, as a sentence that follows a colon, and what to do.</param>
    /// <param name="parts">The kind of the trainings, and what the names of their folders match.</param>
    /// <exception cref="UsageException">What there is to go on with is of another run, or there has to be something and is not.</exception>
    public static T[]? Known<T>(
        RunSetup setup, RunFolder folder, ArchitecturesFile<T> state, Func<T[]?> load, IEnumerable<string> wanted, Func<T, string> nameOf,
        string why, (RunKind Kind, string Pattern) parts, IRunObserver observer)
        where T : class
    {
        if (setup.Restart) Clear(folder, parts.Kind, parts.Pattern, observer);
        T[]? known = load();
        if (known != null && !known.Select(nameOf).SequenceEqual(wanted))
        {
            throw new UsageException(
                $"{state.FilePath} has other architectures than are drawn now: {why}, choose another --output-dir, or begin anew with "
                + "--restart.");
        }
        if (known == null && setup.Resume) throw new UsageException($"--resume: {state.FilePath} does not exist.");
        if (known == null && !setup.Restart) folder.RequireNoResult(Path.GetFileName(state.FilePath));
        return known;
    }

    /// <summary>Saves what is known so far, and says so.</summary>
    /// <exception cref="InterruptedRunException">It could not be written.</exception>
    public static void Save<T>(this ArchitecturesFile<T> state, IEnumerable<T> known, IRunObserver observer)
        where T : class
    {
        try
        {
            state.Save(known);
        }
        catch (WriteException error)
        {
            throw InterruptedRunException.Of(error, "The figures that were written before are kept");
        }
        observer.Saved(state.FilePath);
    }

    // Trainings of an earlier run may be more than this one's.
    private static void Clear(RunFolder folder, RunKind kind, string pattern, IRunObserver observer)
    {
        foreach (string below in Directory.GetDirectories(folder.Folder, pattern))
        {
            if (FolderContents.Of(below).Kind != kind) continue;
            using var own = new RunFolder(below, kind, observer);
            own.Clear();
        }
        folder.Clear();
    }
}
