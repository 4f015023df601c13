using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Trains networks along a front, and some to compare them with.</summary>
[Place(7)]
[Verb("front", HelpText =
    "Train networks along the front that a search found, with random and hand-made ones to compare them with, and export them.")]
[Example("Train eight networks of a front on ImageNet", "--search runs/search --num-networks 8 --imagenet-dir /data/imagenet")]
internal sealed class FrontVerb : RecipeOptions, IScratchOptions, IDropoutOption, IListenOptions, IVerb
{
    [Option("search", Default = "runs/search", HelpText =
        "The folder of the search that has left the front, or front.json in it. The network's sizes and preprocessing come from there.")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    public string Search { get; set; } = "runs/search";

    [Option("num-networks", Default = 6, HelpText =
        "Networks of the front to train: its two ends, and others evenly along --along between them. If it has fewer, all are.")]
    [InRange(2, 10_000), Influences(Influence.Kept)]
    public int NumNetworks { get; set; } = 6;

    [Option("along", HelpText =
        "The cost along which networks are chosen and compared: flops, params or latency, by the table that the search had (default: the "
        + "first one of the search's --objectives).")]
    [OneOf(CostName.Flops, CostName.Parameters, CostName.Latency), Influences(Influence.Kept)]
    public string? Along { get; set; }

    [Option("random", Default = 2, HelpText =
        "Random networks to train too, drawn evenly from the range of that cost (0: none).")]
    [InRange(0, 10_000), Influences(Influence.Kept)]
    public int Random { get; set; } = 2;

    [Option("handmade", Default = 2, HelpText =
        "Hand-made networks to train too: ShuffleNetV2, and others all of whose blocks are alike, evenly from the range of that cost "
        + "(0: none).")]
    [InRange(0, 10_000), Influences(Influence.Kept)]
    public int Handmade { get; set; } = 2;

    [Option("inherit", Default = false, HelpText =
        "Begin from the weights that each network has in the supernet that was searched, and not from random ones.")]
    [Influences(Influence.Kept)]
    public bool Inherit { get; set; }

    [Option(KeptOptions.CheckpointOption, HelpText =
        "With --inherit: the supernet, a checkpoint or the folder of its run (default: the one that was searched).")]
    [Input(PathKind.Any), Influences(Influence.Kept)]
    public string? CheckpointPath { get; set; }

    public int Epochs { get; set; } = ISinglePathOptions.DefaultEpochs;

    public int BatchSize { get; set; } = ScratchSpec.DefaultBatchSize;

    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    public float EmaDecay { get; set; }

    public float Mixup { get; set; }

    public float RandomErasing { get; set; }

    public int? TestBatchSize { get; set; }

    public float Dropout { get; set; } = IDropoutOption.Default;

    public string? Listen { get; set; }

    public string? SecretFile { get; set; }

    public bool OnlyWorkers { get; set; }

    public int? AuditEvery { get; set; }

    public int? WorkerTimeout { get; set; }

    public int Run()
    {
        var spec = new FrontSpec
        {
            Setup = Training(RunKind.Front, Epochs, BatchSize, LearningRate, LrDecay, ((IScratchOptions)this).Change),
            Search = Search,
            NumNetworks = NumNetworks,
            Along = Along == null ? null : CostName.MeasureOf(Along),
            Random = Random,
            Handmade = Handmade,
            Inherit = Inherit,
            Checkpoint = CheckpointPath,
            Dropout = Dropout,
            EmaDecay = EmaDecay,
            TestBatchSize = TestBatchSize,
            Pool = ((IListenOptions)this).Pool(Plan),
            TrainingOptions = DeclaredOption.Record(this, typeof(RecipeOptions), typeof(IScratchOptions), typeof(IDropoutOption)),
        };
        if (Watch(RunKind.Front, context => FrontTraining.Run(spec, context)) is not { } result) return ExitCode.Stopped;
        PrintNetworks(result);
        TrainedNetwork[] own = [.. Of(result, FrontSource.Front)];
        ResultTable.Print(
            result.IsInherited ? "Front, fine-tuned" : "Front, trained from scratch",
            [
                ("networks of the front", $"{own.Length}, of which {own.Count(one => one.IsBest)} are of the trained front"),
                Beside(result, FrontSource.Random, "random networks"),
                Beside(result, FrontSource.Handmade, "hand-made networks"),
                ("weights", EmaDecay > 0 ? "averaged" : null),
                ("pictures of val", $"{result.Pictures}"),
                ("damaged pictures", $"{result.Damage}"),
                ResultTable.RowOfRefused(result.Damage),
                ("figures", result.FiguresFile),
                ("exports", result.Exports),
                .. Plots.TrainedFront(result).Select(plot => ("plot", (string?)plot)),
            ]);
        return ExitCode.Success;
    }

    private static IEnumerable<TrainedNetwork> Of(FrontResult result, FrontSource source) =>
        result.Networks.Where(one => one.Network.Source == source);

    private static (string Name, string? Value) Beside(FrontResult result, FrontSource source, string name)
    {
        TrainedNetwork[] others = [.. Of(result, source)];
        return (name, others.Length == 0 ? null : $"{others.Length}, of which {others.Count(one => one.IsBest)} are of the trained front");
    }

    private static void PrintNetworks(FrontResult result)
    {
        Table table = PlainTable.New(
            [
                "network", .. result.Costs.Select(cost => cost.Measure.Name), "top-1 in the supernet", "top-1 on val", "of the front",
                "architecture",
            ]);
        foreach (TrainedNetwork one in result.Networks)
        {
            FrontNetwork network = one.Network;
            table.AddRow(
                [
                    network.Name, .. result.Costs.Zip(one.Costs, (cost, value) => cost.Measure.NumberOf(value)),
                    network.Score is { } score ? $"{score:0.0%}" : "", $"{network.Top1:0.00%}", one.IsBest ? "yes" : "no",
                    network.Architecture,
                ]);
        }
        PlainTable.Write(table);
    }
}
