using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Supernet;
using Spos.Engine.Training;

namespace Spos.Cli.Verbs;

/// <summary>The whole pipeline on a small generated data set, with settings found by experiment.</summary>
[Verb("quickstart", HelpText = "Draw a small data set, then run all three phases on it: some minutes on two cores.")]
internal sealed class QuickstartVerb : DeviceOptions, IVerb
{
    [Option("output-dir", Default = "runs/quickstart", HelpText = "Where the data set and the results of all phases go.")]
    [Output(PathKind.Folder)]
    public string OutputDir { get; set; } = "runs/quickstart";

    [Option("seed", Default = 42ul, HelpText = "Fixes all random choices.")]
    [InRange(0, ulong.MaxValue)]
    public ulong Seed { get; set; } = 42;

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples => [new("See everything work", new QuickstartVerb())];

    public int Run()
    {
        StandardStream.IsOptional = true;
        string data = Path.Combine(OutputDir, "data"), supernet = Path.Combine(OutputDir, "supernet"), search = Path.Combine(OutputDir, "search");
        if (FolderContents.Of(OutputDir).Description is { } run) throw new UsageException($"{OutputDir} holds {run}. Choose another --output-dir.");
        if (!Directory.Exists(data)) new DatasetVerb { Seed = Seed }.Make(data);
        Notice.Say($"Data set: {Path.GetFullPath(data)}");

        var first = new SupernetVerb
        {
            Epochs = 16,
            BatchSize = 64,
            LearningRate = 0.1f,
            PathsPerStep = 4,
            HeldOut = 0.1f,
        };
        Configure(first, data, supernet);
        if (first.Run() is var firstCode && firstCode != ExitCode.Success) return firstCode;

        var second = new SearchVerb
        {
            CheckpointPath = supernet,
            MaxEpochs = 5,
            NumPopulation = 24,
            NumCrossover = 10,
            NumMutation = 10,
            NumSelect = 8,
            TrainIters = 4,
            TrainBatchSize = 128,
            TestBatchSize = 128,
        };
        Place(second, data, search);
        if (second.Run() is var secondCode && secondCode != ExitCode.Success) return secondCode;

        var third = new ScratchVerb
        {
            ArchitectureText = Path.Combine(search, "architecture_final.json"),
            Epochs = 30,
            BatchSize = 64,
            LearningRate = 0.1f,
            LrDecay = Decay.Cosine,
        };
        Configure(third, data, Path.Combine(OutputDir, "scratch"));
        return third.Run();
    }

    private void Configure(TrainOptions options, string data, string output)
    {
        Place(options, data, output);
        options.ImageSize = 64;
        options.StageRepeats = [2, 2, 4, 2];
        options.StageChannels = [32, 80, 160, 320];
        options.LastChannels = 512;
        options.Init = InitialisationScheme.Aligned;
        options.WarmupSteps = 100;
        options.CropMinArea = 0.6f;
    }

    private void Place(PhaseOptions options, string data, string output)
    {
        options.ImagenetDir = data;
        options.OutputDir = output;
        options.Seed = Seed;
        options.DeviceName = DeviceName;
        options.Threads = Threads;
        options.Plan = Plan;
    }
}
