using System.Runtime.InteropServices;

namespace Spos.Cli;

/// <summary>
/// Settings of .NET for a program that does a little now and then, for hours, beside others that need the processor. .NET takes them from
/// variables when a process starts, and not later.
/// </summary>
internal static partial class QuietRuntime
{
    // Tiered compilation compiles what is called often a second and a third time, which never pays here; threads that wait for work spin.
    private static readonly string[] Off = ["DOTNET_TieredCompilation", "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"];

    /// <summary>
    /// Starts this process over with them: it stays the same process, with its arguments, files and terminal. What the user has set stays
    /// as it is. Returns where there is nothing to set, or the system refuses, and all works without.
    /// </summary>
    public static void Require()
    {
        string[] missing = [.. Off.Where(name => Environment.GetEnvironmentVariable(name) == null)];
        if (missing.Length == 0 || Environment.ProcessPath is not { } program) return;
        // Without these the program that was started over would do it again.
        if (missing.Any(name => SetVariable(name, "0", 0) != 0)) return;
        string[] words;
        try
        {
            words = File.ReadAllText("/proc/self/cmdline").Split('\0');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return;
        }
        // The last one is empty, for each ends with a zero; in its place the list ends with a null.
        _ = Execute(program, [.. words[..^1], null]);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string program, string?[] words);
}
