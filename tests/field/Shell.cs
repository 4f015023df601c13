using System.Diagnostics;

namespace Spos.Field;

/// <summary>Runs the program from a shell, where a case needs pipes, limits, variables or signals.</summary>
internal static class Shell
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>The root of the checkout.</summary>
    public static string Checkout { get; } = FindCheckout();

    /// <summary>Runs a script of bash, in which "spos" is the program, and what follows are $1, $2, …</summary>
    public static Outcome Run(string script, params string[] arguments)
    {
        using Process process = Start(script, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new CaseFailedException($"{script} did not end within {Patience.TotalSeconds} s.\n{output.Result}\n{error.Result}");
        }
        return new Outcome($"{script} {string.Join(' ', arguments)}", process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Sends a signal by its name.</summary>
    public static void Signal(Process process, string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits until something holds, or the program ends.</summary>
    public static void Await(Process process, Func<bool> holds)
    {
        long start = Stopwatch.GetTimestamp();
        while (!holds() && !process.HasExited)
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                throw new CaseFailedException("nothing came of it.");
            }
            Thread.Sleep(5);
        }
    }

    /// <summary>Waits for the end of a program that <see cref="Scene.Start"/> started, and tells what it printed.</summary>
    public static Outcome Finish(Process process, TimeSpan within)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(within))
        {
            process.Kill(entireProcessTree: true);
            throw new CaseFailedException($"it did not end within {within.TotalSeconds} s.\n{output.Result}\n{error.Result}");
        }
        return new Outcome("spos", process.ExitCode, output.Result, error.Result);
    }

    private static Process Start(string script, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "spos.dll");
        string defined = $"spos() {{ dotnet '{program}' \"$@\"; }}\n{script}";
        string[] all = ["-c", defined, "bash", .. arguments];
        return Process.Start(new ProcessStartInfo("bash", all) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static string FindCheckout()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder != null && !File.Exists(Path.Combine(folder.FullName, "Spos.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new CaseFailedException("the program is not in a checkout.");
    }
}
