using System.Diagnostics;

namespace Spos.Cli.Tests;

/// <summary>A test that needs to mount a disk of its own, as unprivileged users may in a namespace of theirs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!SmallDisk.IsPossible) Skip = "mounting is not allowed here (unshare --mount --map-root-user).";
    }
}

/// <summary>Runs the program on a disk that is too small, then again when there is room.</summary>
internal static class SmallDisk
{
    // The disk is gone when the namespace ends, so both runs are in it, and what they left is copied.
    private const string Script = """
        set -u
        disk=$1 kilobytes=$2 results=$3
        shift 3
        mkdir -p "$results"
        mount -t tmpfs -o size="${kilobytes}k" tmpfs "$disk"
        "$@" >"$results/output" 2>&1
        code=$?
        (echo $code; cat "$results/output"; ls -A "$disk/run") >"$results/first"
        mount -o remount,size=100m "$disk"
        "$@" || exit
        cp -r "$disk/run" "$results"
        """;

    private const string ReadOnlyScript = """
        set -u
        disk=$1
        shift
        mount -t tmpfs -o ro tmpfs "$disk"
        "$@"
        """;

    public static bool IsPossible { get; } = Unshare("mount -t tmpfs tmpfs /mnt").Code == 0;

    public static Outcome Run(string disk, long kilobytes, string results, string[] command) =>
        Unshare(Script, [disk, $"{kilobytes}", results, "dotnet", SposProcess.Program, .. command]);

    /// <summary>Runs the program with an empty disk that may only be read.</summary>
    public static Outcome RunReadOnly(string disk, string[] command) =>
        Unshare(ReadOnlyScript, [disk, "dotnet", SposProcess.Program, .. command]);

    private static Outcome Unshare(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("unshare", ["--mount", "--map-root-user", "bash", "-c", script, "bash", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return new Outcome(process.ExitCode, output, error.Result);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return new Outcome(-1, "", error.Message);
        }
    }
}
