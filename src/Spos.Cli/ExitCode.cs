namespace Spos.Cli;

/// <summary>What the program ends with.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>It could not be done.</summary>
    public const int Failure = 1;

    /// <summary>The options make no sense.</summary>
    public const int Usage = 2;

    /// <summary>The program has a fault: EX_SOFTWARE of sysexits.h.</summary>
    public const int Internal = 70;

    /// <summary>Stopped by Ctrl-C, as shells have it.</summary>
    public const int Stopped = 130;

    /// <summary>The same in words, for users.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Meanings { get; } =
    [
        (Success, "All went well."),
        (Failure, "Something could not be done."),
        (Usage, "The options make no sense."),
        (Internal, "The program has a fault. A line names a file with its trace."),
        (Stopped, "The run was stopped, and goes on by the same command; or Ctrl-C was pressed twice."),
    ];
}
