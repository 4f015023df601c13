namespace Spos.Cli.Options;

/// <summary>What a command line asks for.</summary>
internal abstract record Request
{
    /// <summary>Help on a verb, or on all.</summary>
    /// <param name="Asked">Whether it was asked for; else there was nothing else to do.</param>
    public sealed record Help(Type? Verb, bool Asked) : Request;

    public sealed record Version : Request;

    public sealed record Run(IVerb Verb) : Request;
}
