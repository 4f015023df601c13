using CommandLine;
using Spos.Cli.Nni;
using Spos.Cli.Options;
using Spos.Runs.Records;

namespace Spos.Cli;

/// <summary>A command with its options.</summary>
internal interface IVerb
{
    /// <summary>
    /// A file of options, which every verb takes. <see cref="RequestReader"/> puts the options that it holds in its place, so that a verb,
    /// and the record of its run, has them as if they were given on the command line, and never has the file.
    /// </summary>
    [Option("config", HelpText =
        "Take options from this YAML file (docs/options.md), or of a search from NNI's config_search.yml; those on the command line win "
        + "(default: none).")]
    [ConfigFile, Influences(Influence.None)]
    string? Config
    {
        get => null;
        set => _ = value;
    }

    /// <summary>Runs it and returns the <see cref="ExitCode"/>.</summary>
    int Run();
}
