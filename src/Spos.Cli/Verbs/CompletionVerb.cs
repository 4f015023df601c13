using CommandLine;
using Spos.Cli.Options;
using Spos.Cli.Shells;

namespace Spos.Cli.Verbs;

/// <summary>Prints what makes a shell complete the command line.</summary>
[Place(21)]
[Verb("completion", HelpText = "Print a script that makes bash, zsh or fish complete commands, options and values.")]
[Example("Print the script for bash, which takes it by source <(spos completion bash)", "bash")]
internal sealed class CompletionVerb : IVerb
{
    private const string Bash = "bash", Zsh = "zsh", Fish = "fish";

    [Value(0, MetaName = "shell", Required = true, HelpText = "The shell.")]
    [OneOf(Bash, Zsh, Fish)]
    public string Shell { get; set; } = Bash;

    public int Run()
    {
        Console.Out.Write(Shell switch
        {
            Zsh => ZshCompletion.Script(Program.Verbs),
            Fish => FishCompletion.Script(Program.Verbs),
            _ => BashCompletion.Script(Program.Verbs),
        });
        return ExitCode.Success;
    }
}
