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
    [Influences(Influence.None)]
    public string? OutputDir { get; set; }

    [Option("resume", Default = false, HelpText = "Fail unless the output folder holds a run to go on with.")]
    [Influences(Influence.None)]
    public bool Resume { get; set; }

    [Option("restart", Default = false, HelpText = "Begin anew: remove the checkpoints and logs of the run of this kind that the output folder holds. Nothing else there is touched.")]
    [Influences(Influence.None)]
    public bool Restart { get; set; }

    [Option("tb-dir", HelpText = "Where TensorBoard's event files go (default: the output folder).")]
    [Output(PathKind.Folder)]
    [Influences(Influence.None)]
    public string? TbDir { get; set; }

    /// <summary>How the run begins.</summary>
    protected RunStart Start => new(Resume, Restart, AcceptChangedData, TbDir);

    /// <summary>Checks, before anything is opened, that this run may write where it is told to.</summary>
    /// <exception cref="UsageException">The options contradict each other, or a folder belongs to another run.</exception>
    protected void RequireFolder(RunKind kind)
    {
        if (Resume && Restart) throw new UsageException("--resume and --restart cannot be had together.");
        FolderContents output = FolderContents.Of(FolderOf(kind));
        foreach (string split in new[] { "train", "val" })
        {
            string pictures = Path.GetFullPath(Path.Combine(ImagenetDir, split));
            if (!$"{output.Folder}/".StartsWith($"{pictures}/", StringComparison.Ordinal)) continue;
            throw new UsageException($"--output-dir {output.Folder} is in the data set, {pictures}: plots would become pictures of it. Choose another folder.");
        }
        output.RequireFor(kind);
        if (TbDir == null || FolderContents.Of(TbDir, "--tb-dir") is not { Description: { } run } events || events.Folder == output.Folder) return;
        throw new UsageException($"--tb-dir {TbDir} holds {run}, which is not this one. Choose another folder.");
    }

    /// <summary>The folder of this run, which no other run may use meanwhile.</summary>
    /// <exception cref="UsageException">It belongs to another run.</exception>
    protected RunFolder OpenFolder(RunKind kind)
    {
        StandardStream.IsOptional = true;
        return new RunFolder(FolderOf(kind), kind);
    }

    private string FolderOf(RunKind kind) => OutputDir ?? $"runs/{kind.Command}";
}
