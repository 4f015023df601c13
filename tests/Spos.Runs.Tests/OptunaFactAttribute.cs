using System.Diagnostics;

namespace Spos.Runs.Tests;

/// <summary>A test that reads files by Optuna. Where Debian's python3-optuna is not installed it is left out.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OptunaFactAttribute : FactAttribute
{
    private const string Python = "/usr/bin/python3";

    public OptunaFactAttribute()
    {
        if (!File.Exists(Python) || Run("-c", "import optuna").Code != 0) Skip = "Optuna is not there: apt-get install python3-optuna.";
    }

    /// <summary>Runs a program of Python's.</summary>
    /// <returns>Its exit code, and what it wrote.</returns>
    public static (int Code, string Text) Run(params string[] arguments)
    {
        using Process python = Process.Start(
            new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = python.StandardOutput.ReadToEndAsync(), errors = python.StandardError.ReadToEndAsync();
        python.WaitForExit();
        return (python.ExitCode, output.Result + errors.Result);
    }
}
