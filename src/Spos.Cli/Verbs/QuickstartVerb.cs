using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Drawing;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Runs.Folders;
using Spos.Runs.Phases;

namespace Spos.Cli.Verbs;

/// <summary>The whole pipeline on a small generated data set, with settings found by experiment.</summary>
[Place(1)]
[Verb("quickstart", HelpText = "Draw a small data set, then run all three phases on it: some minutes on two cores.")]
[Example("See everything work")]
internal sealed class QuickstartVerb : DeviceOptions, IPrecisionOption, IPipelineVerb
{
    [Option("output-dir", Default = "runs/quickstart", HelpText = "Where the data set and the results of all phases go.")]
    [Output(PathKind.Folder)]
    public string OutputDir { get; set; } = "runs/quickstart";

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    public Precision Precision { get; set; }

    public IReadOnlyList<string[]> Commands
    {
        get
        {
            string supernet = Path.Combine(OutputDir, "supernet"), search = Path.Combine(OutputDir, "search");
            string[] training = ["--batch-size=64", "--learning-rate=0.1", "--init=aligned", "--warmup-steps=100", "--crop-min-area=0.6"];
            string[] network = ["--image-size=64", "--stage-repeats=2,2,4,2", "--stage-channels=32,80,160,320", "--last-channels=512"];
            return
            [
                ["supernet", .. Placed(supernet), .. training, .. network, "--epochs=16", "--paths-per-step=4", "--held-out=0.1"],
                [
                    "search", .. Placed(search), $"--checkpoint={supernet}", "--max-epochs=5", "--num-population=24",
                    "--num-crossover=10", "--num-mutation=10", "--num-select=8", "--train-iters=4",
                    "--train-batch-size=128", "--test-batch-size=128",
                ],
                [
                    "scratch", .. Placed(Path.Combine(OutputDir, "scratch")), .. training, .. network,
                    $"--architecture={Path.Combine(search, NetworkOrigin.ArchitectureName)}", "--epochs=30", "--lr-decay=cosine",
                ],
            ];
        }
    }

    private string DataDir => Path.Combine(OutputDir, "data");

    public int Run()
    {
        DeviceUse.Require(Precision, Plan);
        StandardStream.IsOptional = true;
        if (FolderContents.Of(OutputDir).Description is { } run)
        {
            throw new UsageException($"{OutputDir} holds {run}. Choose another --output-dir.");
        }
        if (!Directory.Exists(DataDir)) new ShapeDataSet(Seed: Seed).Draw(DataDir);
        Notice.Say($"Data set: {Path.GetFullPath(DataDir)}");
        return IPipelineVerb.Run(this);
    }

    // What every command is given.
    private string[] Placed(string output) =>
    [
        $"--imagenet-dir={DataDir}", $"--output-dir={output}", $"--seed={Seed}", $"--device={DeviceName}", $"--plan={Plan}",
        $"--precision={Precision}",
        .. Threads is { } threads ? new[] { $"--threads={threads}" } : [],
    ];
}
