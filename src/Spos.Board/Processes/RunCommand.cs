using System.Diagnostics;
using System.Text;
using Spos.Engine.Files;
using Spos.Engine.Ranks;

namespace Spos.Board.Processes;

/// <summary>
/// The command of a run that is alive, as the kernel tells it: the program's arguments, its folder and its variables. Files of a run may
/// be anybody's and have anything in them, so nothing that a file says is ever run; what the user has started once may be started again.
/// </summary>
/// <param name="Folder">The folder in which it was started.</param>
/// <param name="Arguments">Those of spos.</param>
internal sealed record RunCommand(string Folder, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Variables)
{
    // The host of .NET programs, whose first argument is the program.
    private const string Host = "dotnet";

    // By their whole paths: .NET looks for others in the folder where the board was started before it looks in PATH.
    private const string NewSession = "/usr/bin/setsid", Shell = "/bin/sh";

    private const int MostBytes = 4 << 20;

    /// <summary>
    /// The command of a process; null if that runs another program, is another user's, or is one of several of a run. It is null too if the
    /// system does not let it be looked at.
    /// </summary>
    /// <param name="lockFile">What the process has to hold open, before and after it is looked at.</param>
    public static RunCommand? Of(int process, string lockFile)
    {
        try
        {
            if (OwnerOf("self") != OwnerOf($"{process}")) return null;
            string[] words = Texts(process, "cmdline");
            string folder = LinkOf(process, "cwd");
            string[] own = Words();
            if (LinkOf(process, "exe") != Environment.ProcessPath || words.Length <= own.Length) return null;
            // The program's own name, words[0], is what the caller chose.
            for (int i = 1; i < own.Length; i++)
            {
                if (Path.GetFullPath(words[i], folder) != own[i]) return null;
            }
            var variables = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (string text in Texts(process, "environ"))
            {
                int end = text.IndexOf('=');
                if (end > 0) variables[text[..end]] = text[(end + 1)..];
            }
            // One of several processes alone would be another run.
            if (variables.Keys.Any(Launcher.IsVariable)) return null;
            bool isSame = FileStatus.Of(FilePath.Of(lockFile)) is { } file && LockTable.HasOpen(process, file) == true;
            return isSame ? new RunCommand(folder, words[own.Length..], variables) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Starts this program in the same folder, with the same variables. It outlives the board, and signals to the board pass it by.
    /// </summary>
    /// <param name="arguments">Those of spos.</param>
    /// <param name="log">A file for what it says.</param>
    public Process Start(IReadOnlyList<string> arguments, string log)
    {
        // The words are the shell's $1, $2, …, which it takes as they are.
        var start = new ProcessStartInfo(NewSession, [Shell, "-c", "exec \"$@\" >\"$0\" 2>&1 </dev/null", log, .. Words(), .. arguments])
        {
            WorkingDirectory = Folder,
        };
        start.Environment.Clear();
        foreach ((string name, string value) in Variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    // What starts this program: itself, or the host and its library.
    private static string[] Words()
    {
        string program = Environment.ProcessPath!;
        return Path.GetFileName(program) == Host ? [program, Path.GetFullPath(Environment.GetCommandLineArgs()[0])] : [program];
    }

    private static string OwnerOf(string process) =>
        File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal))
        ?? throw new IOException("The system does not tell whose process it is.");

    private static string LinkOf(int process, string name) =>
        new FileInfo($"/proc/{process}/{name}").LinkTarget ?? throw new IOException("The process is gone.");

    private static string[] Texts(int process, string name)
    {
        using FileStream file = File.OpenRead($"/proc/{process}/{name}");
        byte[] bytes = new byte[MostBytes];
        int length = file.ReadAtLeast(bytes, MostBytes, throwOnEndOfStream: false);
        if (length == MostBytes) throw new IOException("There is more than a command has.");
        return Encoding.UTF8.GetString(bytes, 0, length).Split('\0')[..^1];
    }
}
