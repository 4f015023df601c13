using Spos.Engine.Ranks;

namespace Spos.Cli.Display;

/// <summary>
/// Lines for the user. They may name files and classes of other people's, whose characters must not act on a terminal.
/// </summary>
internal static class Notice
{
    // Of several processes those say who they are that usually say nothing.
    private static readonly string Speaker = Launcher.Rank is > 0 and var rank ? $"process {rank}: " : "";

    /// <summary>On standard error: what the user should know besides the results.</summary>
    public static void Warn(string message) => Console.Error.WriteLine($"spos: {Speaker}{Shown.Line(message)}");

    /// <summary>On standard output: what a run does.</summary>
    public static void Say(string message) => Console.WriteLine(Shown.Line(message));
}
