
namespace Spos.Cli.Verbs;

/// <summary>A command with its options.</summary>
internal interface IVerb
{
    /// <summary>Runs it and returns the exit code.</summary>
    int Run();
}

/// <summary>The options make no sense; the message says which and why.</summary>
internal sealed class UsageException(string message) : SposException(message);
