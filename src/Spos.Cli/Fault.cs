using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Spos.Runs.Folders;

namespace Spos.Cli;

/// <summary>What should not have been thrown: a fault of this program, which is told as such.</summary>
internal static class Fault
{
    /// <summary>Reports what threads of their own throw, which would end the program with a stack trace.</summary>
    public static void WatchThreads()
    {
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandled;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandled;
    }

    /// <summary>Says in a line what happened, keeps the rest in a file, and returns the exit code.</summary>
    public static int Report(Exception error)
    {
        string what = $"this is a fault in Spos: {error.GetType().Name} in {Place(error)}: {error.Message}";
        Console.Error.WriteLine($"spos: {Shown.Line(what)} {Keep(error)}");
        return ExitCode.Internal;
    }

    private static void OnUnhandled(object sender, UnhandledExceptionEventArgs thrown)
    {
        if (thrown.ExceptionObject is Exception error) Environment.Exit(Program.Explain(error));
    }

    // The innermost method of ours.
    private static string Place(Exception error) => new StackTrace(error).GetFrames()
        .Select(frame => frame.GetMethod())
        .Where(method => method?.DeclaringType?.FullName?.StartsWith($"{nameof(Spos)}.", StringComparison.Ordinal) == true)
        .Select(method => $"{method!.DeclaringType!.FullName}.{method.Name}")
        .FirstOrDefault("an unknown place");

    private static string Keep(Exception error)
    {
        string time = DateTime.UtcNow.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string file = Path.Combine(Path.GetTempPath(), $"spos-fault-{time}-{Environment.ProcessId}.txt");
        string system = $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}";
        string text = $"spos {RunRecord.Version}, {system}\n{Environment.CommandLine}\n\n{error}\n";
        try
        {
            File.WriteAllText(file, text);
            return $"Please report it with {file}.";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"Please report it with this:\n{text}";
        }
    }
}
