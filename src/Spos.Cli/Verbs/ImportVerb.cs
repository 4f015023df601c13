using CommandLine.Text;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Cli.Runs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;

namespace Spos.Cli.Verbs;

/// <summary>Takes over a PyTorch checkpoint.</summary>
[Verb("import", HelpText = "Read a PyTorch checkpoint of the official network, or of NNI's, and write it as one of this program's.")]
internal sealed class ImportVerb : DeviceOptions, IVerb
{
    // What megvii released, of 323M FLOPs by its own account.
    private static readonly Architecture Released = Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3");

    [Option("checkpoint", HelpText = "The PyTorch checkpoint, such as checkpoint-150000.pth.tar (default: none).")]
    [Input(PathKind.File)]
    public string? CheckpointPath { get; set; }

    [Option("flops-table", HelpText = "A FLOPs table, op_flops_dict.pkl, to hold against the FLOPs that this program computes (default: none).")]
    [Input(PathKind.File)]
    public string? FlopsTablePath { get; set; }

    [Option("output-dir", HelpText = "Where the checkpoint goes (default: runs/imported).")]
    [Output(PathKind.Folder)]
    public string? OutputDir { get; set; }

    [Option("image-size", Default = 224, HelpText = "Height and width of the network's input, which a checkpoint does not tell.")]
    [InRange(32, 2048, MultipleOf = 32)]
    public int ImageSize { get; set; } = 224;

    [Option("standard-preprocessing", Default = false, HelpText = "The network was trained on normalised RGB pictures, and not as the official code does (--spos-preprocessing of the other commands).")]
    public bool StandardPreprocessing { get; set; }

    [Option("list", Default = false, HelpText = "Only list the tensors.")]
    public bool List { get; set; }

    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples =>
        [new("Take over megvii's supernet, to search it", new ImportVerb { CheckpointPath = "checkpoint-150000.pth.tar", OutputDir = "runs/supernet" })];

    public int Run()
    {
        if (CheckpointPath != null) return Import(CheckpointPath);
        string table = FlopsTablePath ?? throw new UsageException("import: name a --checkpoint or a --flops-table.");
        CompareFlops(table, new NetworkSpec { ImageSize = ImageSize });
        return Program.Success;
    }

    private int Import(string file)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
        if (List)
        {
            Show(tensors);
            return Program.Success;
        }
        string output = OutputDir ?? "runs/imported";
        FolderContents.Of(output).RequireFor(RunKind.Import);
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(tensors, ImageSize, file);
        if (FlopsTablePath != null) CompareFlops(FlopsTablePath, spec);
        Device device = OpenDevice();
        using Session session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        OfficialNetwork.Load(checkpoint, tensors, session, network, file);
        using var folder = new RunFolder(output, RunKind.Import);
        // Nothing was trained there: what was imported before can be imported again.
        if (CheckpointFolder.Files(folder.Folder).Any()) Console.WriteLine($"Replacing the network that was imported into {folder.Folder} before.");
        string saved = folder.Save(session, network, 0, new Dictionary<string, string> { [DataOptions.PreprocessingOption] = $"{!StandardPreprocessing}" });
        RunRecord.Write(folder, this, device, NetworkRecord.Of(spec, StandardPreprocessing ? Preprocessing.Standard : Preprocessing.Spos), null);
        ResultTable.Print(
            "Imported",
            ("network", $"{spec}"),
            ("kind", path == null ? "supernet" : $"single path, {path}"),
            ("tensors", $"{tensors.Count}"),
            ("preprocessing", StandardPreprocessing ? "standard" : "the official code's"),
            ("checkpoint", saved));
        return Program.Success;
    }

    private static void CompareFlops(string file, NetworkSpec spec)
    {
        FlopsTable official = OfficialFlops.Load(file, spec), computed = new(spec);
        Table table = PlainTable.New("operation", "in the table", "computed", "difference");
        void Row(string name, long theirs, long ours) => table.AddRow(name, $"{theirs}", $"{ours}", $"{theirs - ours}");
        Row("stem, last convolution and classifier", official.Fixed, computed.Fixed);
        for (int block = 0; block < official.Blocks; block++)
        {
            foreach (Choice choice in Enum.GetValues<Choice>()) Row($"block {block}, {choice.ToString().ToLowerInvariant()}", official.Of(block, (int)choice), computed.Of(block, (int)choice));
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "FLOPs",
            [
                ("network", $"{spec}"),
                ("mean path, in the table", $"{official.Mean / 1e6:0.00}M"),
                ("mean path, computed", $"{computed.Mean / 1e6:0.00}M"),
                .. spec.IsOfficialSize
                    ? new[] { ("released, in the table", $"{official.Of(Released)}"), ("released, computed", $"{computed.Of(Released)}") }
                    : [],
            ]);
    }

    private static void Show(IReadOnlyDictionary<string, TorchTensor> tensors)
    {
        Table table = PlainTable.New("tensor", "shape", "type");
        foreach ((string name, TorchTensor tensor) in tensors) table.AddRow(Markup.Escape(name), string.Join('×', tensor.Sizes), $"{tensor.Type}");
        PlainTable.Write(table);
        ResultTable.Print("Checkpoint", ("tensors", $"{tensors.Count}"), ("elements", $"{tensors.Values.Sum(t => t.Count)}"));
    }
}
