using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;

namespace Spos.Cli.Verbs;

/// <summary>The options of the long-running verbs, which leave a folder of results and can be stopped and resumed.</summary>
internal abstract class PhaseOptions : DataOptions
{
    [Option("output-dir", HelpText = "Where checkpoints, logs and plots go (default: runs/ and the name of the command). A run that was stopped there goes on, if the options agree.")]
    [Output(PathKind.Folder)]
    public string? OutputDir { get; set; }

    [Option("resume", Default = false, HelpText = "Fail unless the output folder holds a run to go on with.")]
    public bool Resume { get; set; }

    [Option("restart", Default = false, HelpText = "Begin anew: remove the checkpoints and logs that the output folder holds.")]
    public bool Restart { get; set; }

    [Option("tb-dir", HelpText = "Where TensorBoard's event files go (default: the output folder).")]
    [Output(PathKind.Folder)]
    public string? TbDir { get; set; }

    /// <summary>The folder of this run, which no other run may use meanwhile.</summary>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    protected RunFolder OpenFolder(string verb)
    {
        if (Resume && Restart) throw new UsageException("--resume and --restart cannot be had together.");
        StandardStream.IsOptional = true;
        return new RunFolder(OutputDir ?? $"runs/{verb}");
    }
}
