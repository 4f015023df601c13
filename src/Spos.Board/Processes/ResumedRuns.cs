using System.Diagnostics;
using System.Text;

namespace Spos.Board.Processes;

/// <summary>Starts runs again that the board has seen alive.</summary>
/// <param name="argumentsOf">
/// The arguments that go on with a run, by the folder in which it was started, those of then, and its own folder; null where there are
/// none.
/// </param>
internal sealed class ResumedRuns(Func<string, IReadOnlyList<string>, string, IReadOnlyList<string>?> argumentsOf)
{
    // A run that cannot go on says so when it has looked at its options and files.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Each = TimeSpan.FromMilliseconds(100);

    private const int MostShown = 2000;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _starting = [];

    /// <summary>Whether a run can go on by its command.</summary>
    /// <param name="folder">The run's own.</param>
    public bool CanResume(RunCommand command, string folder) => argumentsOf(command.Folder, command.Arguments, folder) != null;

    /// <summary>Starts a run, and waits until it holds its lock or has ended.</summary>
    /// <param name="lockFile">It lies in the run's own folder.</param>
    /// <returns>What went wrong; null if nothing did.</returns>
    public async Task<string?> Resume(RunCommand command, string lockFile)
    {
        if (argumentsOf(command.Folder, command.Arguments, Path.GetDirectoryName(lockFile)!) is not { } arguments)
        {
            return "The run cannot go on by its command.";
        }
        lock (_gate)
        {
            if (!_starting.Add(lockFile)) return "The run is being started.";
        }
        try
        {
            return await Start(command, arguments, lockFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return $"The run could not be started: {error.Message}";
        }
        finally
        {
            lock (_gate) _starting.Remove(lockFile);
        }
    }

    private static async Task<string?> Start(RunCommand command, IReadOnlyList<string> arguments, string lockFile)
    {
        // Nobody else may look into it.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("spos-board-");
        try
        {
            string log = Path.Combine(folder.FullName, "log");
            Process process = command.Start(arguments, log);
            Task ended = process.WaitForExitAsync();
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience;)
            {
                if (await Task.WhenAny(ended, Task.Delay(Each)) == ended)
                {
                    return process.ExitCode == 0 ? null : $"The run ended at once. It said: {await EndOf(log)}";
                }
                if (LockTable.Read().HolderOf(lockFile) != null) return null;
            }
            return null;
        }
        finally
        {
            // The run has it open, and may go on writing; it is gone when the run is.
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> EndOf(string log)
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = Math.Max(file.Length - MostShown, 0);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return (await reader.ReadToEndAsync()).Trim();
    }
}
