using CommandLine;
using Spos.Cli.Options;
using Spos.Cli.Shells;
using Spos.Runs.Folders;

namespace Spos.Cli.Verbs;

/// <summary>Prints the manual page.</summary>
[Place(22)]
[Verb("man", HelpText = "Print the manual page, which has the help of all commands; spos man | man -l - shows it.")]
[Example("Print the page, for man -l - or a file")]
internal sealed class ManVerb : IVerb
{
    public int Run()
    {
        Console.Out.Write(ManualPage.Of(Program.Verbs, RunRecord.Version, ExitCode.Meanings));
        return ExitCode.Success;
    }
}
