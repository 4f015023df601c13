using System.Diagnostics;

namespace Spos.Engine.Tests.Files;

/// <summary>Makes what .NET cannot: names that are not UTF-8, pipes.</summary>
internal static class Shell
{
    /// <summary>Runs a script of sh in a folder.</summary>
    public static void Run(string folder, string script)
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-ec", script]) { WorkingDirectory = folder })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
