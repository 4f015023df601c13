namespace Spos.Cli;

/// <summary>
/// A command that runs others, one after the other. They do not repeat what is done already, so that it goes on where it was.
/// </summary>
internal interface IPipelineVerb : IVerb
{
    /// <summary>The command lines.</summary>
    IReadOnlyList<string[]> Commands { get; }

    /// <summary>Runs them up to the first that does not succeed, and returns the <see cref="ExitCode"/>.</summary>
    static int Run(IPipelineVerb verb) =>
        verb.Commands.Select(command => Program.Do(command)).FirstOrDefault(code => code != ExitCode.Success);
}
