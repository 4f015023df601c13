using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Drawing;
using Spos.Cli.Options;

namespace Spos.Cli.Verbs;

/// <summary>Makes data sets.</summary>
[Place(17)]
[Verb("dataset", HelpText = "dataset make: draw a labelled JPEG data set of textured shapes over noise.")]
[Example("Draw a harder data set", "make --difficulty 0.8 --output-dir data/hard")]
internal sealed class DatasetVerb : IVerb
{
    [Value(0, MetaName = "make", Required = true, HelpText = "What to do: make.")]
    [OneOf("make")]
    public string Action { get; set; } = "make";

    [Option("output-dir", Default = "data/shapes", HelpText = "Where train and val go.")]
    [Output(PathKind.Folder)]
    public string OutputDir { get; set; } = "data/shapes";

    [Option("train", Default = 400, HelpText = "Training pictures of each class.")]
    [InRange(1, 1_000_000)]
    public int Train { get; set; } = 400;

    [Option("val", Default = 100, HelpText = "Validation pictures of each class.")]
    [InRange(1, 1_000_000)]
    public int Val { get; set; } = 100;

    [Option("classes", Default = 10, HelpText = "Classes.")]
    [InRange(2, 10)]
    public int Classes { get; set; } = 10;

    [Option("size", Default = 64, HelpText = "Height and width in pixels.")]
    [InRange(16, 1024)]
    public int Size { get; set; } = 64;

    [Option("difficulty", Default = 0.5f, HelpText = "0 (clean shapes) to 1 (faint ones in heavy noise).")]
    [InRange(0, 1)]
    public float Difficulty { get; set; } = 0.5f;

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    public int Run()
    {
        if (Directory.Exists(OutputDir) && Directory.EnumerateFileSystemEntries(OutputDir).Any())
        {
            throw new UsageException($"--output-dir {OutputDir}: the folder is not empty.");
        }
        if (Path.GetFullPath(OutputDir) == Environment.CurrentDirectory)
        {
            throw new UsageException(
                $"--output-dir {OutputDir} is the current folder, which cannot be replaced by a whole data set. Name one below it.");
        }
        try
        {
            new ShapeDataSet(Classes, Train, Val, Size, Difficulty, Seed).Draw(OutputDir);
        }
        catch (OperationCanceledException)
        {
            Notice.Say($"Stopped. Nothing is left of {OutputDir}: the same command draws it anew.");
            return ExitCode.Stopped;
        }
        ResultTable.Print(
            "Data set drawn",
            ("folder", Path.GetFullPath(OutputDir)),
            ("training pictures", $"{Train * Classes}"),
            ("validation pictures", $"{Val * Classes}"),
            ("classes", string.Join(", ", ShapeDrawer.Classes.Take(Classes))));
        return ExitCode.Success;
    }
}
