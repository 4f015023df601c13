namespace Spos.Cli;

/// <summary>A command with its options.</summary>
internal interface IVerb
{
    /// <summary>Runs it and returns the <see cref="ExitCode"/>.</summary>
    int Run();
}
