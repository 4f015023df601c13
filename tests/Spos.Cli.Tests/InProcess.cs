using Spectre.Console;

namespace Spos.Cli.Tests;

/// <summary>Runs the program within the test's process: where hundreds of runs are refused at once, processes would take minutes.</summary>
internal static class InProcess
{
    /// <summary>Of tests that take over the console: no other test runs meanwhile.</summary>
    public const string Collection = "the console";

    public static Outcome Run(params string[] arguments)
    {
        (TextWriter output, TextWriter error, IAnsiConsole tables) = (Console.Out, Console.Error, AnsiConsole.Console);
        using var said = new StringWriter();
        using var complained = new StringWriter();
        try
        {
            Console.SetOut(said);
            Console.SetError(complained);
            AnsiConsole.Console = AnsiConsole.Create(
                new AnsiConsoleSettings { Out = new AnsiConsoleOutput(said), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No });
            int code = Program.Run(arguments);
            return new Outcome(code, said.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            AnsiConsole.Console = tables;
        }
    }
}

/// <summary>See <see cref="InProcess.Collection"/>.</summary>
[CollectionDefinition(InProcess.Collection, DisableParallelization = true)]
public sealed class ConsoleDefinition;
