using System.Security.Cryptography;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Takes over a PyTorch checkpoint.</summary>
[Place(12)]
[Verb(
    "import",
    HelpText = "Read a PyTorch checkpoint (pth, safetensors) of the official network, "
        + "of NNI's or of this program's export, and write it as one of this program's.")]
[Example("Take over megvii's supernet, to search it", "--checkpoint checkpoint-150000.pth.tar --output-dir runs/supernet")]
internal sealed class ImportVerb : DeviceOptions, IVerb
{
    // What megvii released, of 323M FLOPs by its own account.
    private static readonly Architecture Released = Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3");

    [Option("checkpoint", HelpText = "The PyTorch checkpoint, such as checkpoint-150000.pth.tar (default: none).")]
    [Input(PathKind.File)]
    public string? CheckpointPath { get; set; }

    [Option("key", HelpText =
        "Of several networks in a checkpoint, which: "
        + "its place as --list tells it, such as state_dict_ema (default: the usual one).")]
    [Text]
    public string? Key { get; set; }

    [Option("flops-table", HelpText =
        "A FLOPs table, op_flops_dict.pkl, to hold against the FLOPs that this program computes (default: none).")]
    [Input(PathKind.File)]
    public string? FlopsTablePath { get; set; }

    [Option("output-dir", HelpText = "Where the checkpoint goes (default: runs/imported).")]
    [Output(PathKind.Folder)]
    public string? OutputDir { get; set; }

    [Option("image-size", HelpText =
        "Height and width of the network's input (default: what the file says, as those of spos export do, else 224).")]
    [InRange(32, NetworkSpec.MostImageSize, MultipleOf = 32)]
    public int? ImageSize { get; set; }

    [Option(StandardOption, Default = false, HelpText =
        "The network was trained on normalised RGB pictures (default: what the file says, else --spos-preprocessing).")]
    public bool StandardPreprocessing { get; set; }

    [Option(PreprocessingRecord.Option, Default = false, HelpText =
        "The network was trained on pictures as the official code feeds them: "
        + "blue, green, red, levels 0 to 255 (default: what the file says, else so).")]
    public bool SposPreprocessing { get; set; }

    [Option("restart", Default = false, HelpText =
        "Remove the network that was imported into the output folder before, which otherwise only the same file replaces. "
        + "Nothing else there is touched.")]
    public bool Restart { get; set; }

    [Option("list", Default = false, HelpText = "Only list what the file holds.")]
    public bool List { get; set; }

    private const string StandardOption = "standard-preprocessing";
    private const int OfficialImageSize = 224, MostNames = 5;

    public int Run()
    {
        if (StandardPreprocessing && SposPreprocessing)
        {
            throw new UsageException($"--{StandardOption} and --{PreprocessingRecord.Option} cannot be had together.");
        }
        if (CheckpointPath != null) return Import(CheckpointPath);
        string table = FlopsTablePath ?? throw new UsageException("import: name a --checkpoint or a --flops-table.");
        CompareFlops(table, new NetworkSpec { ImageSize = ImageSize ?? OfficialImageSize });
        return ExitCode.Success;
    }

    private int Import(string file)
    {
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        TorchStateDict found = TorchStateDict.Find(checkpoint, file, Key);
        if (List)
        {
            Show(checkpoint, found);
            return ExitCode.Success;
        }
        string output = OutputDir ?? "runs/imported";
        FolderContents.Of(output).RequireFor(RunKind.Import);
        string source = ChecksumOf(file);
        RequireSource(output, file, source);
        ExportRecord? record = ExportRecord.From(checkpoint.Metadata, file);
        (NetworkSpec read, Architecture? path) = OfficialNetwork.Describe(
            found.Tensors, ImageSize ?? record?.ImageSize ?? OfficialImageSize, file);
        NetworkSpec spec = record == null ? read : read with { Dropout = record.Dropout };
        bool official = IsOfficial(record, file);
        if (FlopsTablePath != null) CompareFlops(FlopsTablePath, spec);
        Device device = OpenDevice();
        using Session session = NewSession(device);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        ImportNotes notes = OfficialNetwork.Load(checkpoint, found.Tensors, session, network, file);
        WarnOfNotFinite(notes, file);
        IReadOnlyList<string>? classNames = ClassNamesOf(record, spec, path, file);
        using var folder = new RunFolder(output, RunKind.Import, new RunConsole());
        // Again: another import may have ended meanwhile.
        RequireSource(output, file, source);
        if (Restart)
        {
            folder.Clear();
        }
        else if (CheckpointFolder.Files(folder.Folder).Any())
        {
            Notice.Say($"Replacing what was imported from the same file into {folder.Folder} before.");
        }
        // Before the checkpoint, so that it never lies beside the record of another file.
        Preprocessing preprocessing = official ? Preprocessing.Spos : Preprocessing.Standard;
        RunRecord.Write(folder, DeclaredOption.Record(this), device, NetworkRecord.Of(spec, preprocessing), null, source);
        var options = new Dictionary<string, string> { [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(preprocessing) };
        string saved = folder.Save(session, network, 0, options, data: classNames == null ? null : new TrainedOn(classNames));
        ResultTable.Print(
            "Imported",
            ("network", $"{spec}"),
            ("kind", path == null ? "supernet" : $"single path, {path}"),
            ("tensors", $"{found.Tensors.Count}, from {Place(found.Name)}"),
            ("also there (--key)", Listed(found.Others.Select(Place))),
            ("passed over", found.PassedOver.Count == 0 ? null : Few(found.PassedOver.Select(p => p.Name))),
            ("converted to float32", Listed(notes.Converted.Select(c => $"{c.Tensors} tensors of {c.Type}"))),
            ("preprocessing", official ? "the official code's" : "standard"),
            ("class names", classNames == null ? "not known" : $"{classNames.Count}"),
            ("checkpoint", saved));
        return ExitCode.Success;
    }

    // NaN in one weight is NaN in every logit: what is imported is of little use, but it is what the file holds.
    private static void WarnOfNotFinite(ImportNotes notes, string file)
    {
        if (notes.NotFinite.Count == 0) return;
        string names = Few(notes.NotFinite.Select(n => $"{n.Name} ({n.Values})"));
        Notice.Warn($"{file} has values that are NaN or infinite: {names}. They are imported as they are.");
    }

    private static string ChecksumOf(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(stream));
    }

    // What a file was imported to can be had again from that file alone, so only the same file replaces it unasked.
    private void RequireSource(string output, string file, string checksum)
    {
        if (Restart || !Directory.Exists(output) || !CheckpointFolder.Files(output).Any()) return;
        RunRecord.Contents? earlier = RunRecord.TryRead(output);
        if (earlier?.Source == checksum) return;
        string from = earlier?.Options.GetValueOrDefault("checkpoint") is { } before ? $" from {before}" : "";
        throw new UsageException(
            $"{Path.GetFullPath(output)} holds a network that was imported{from}; --checkpoint {file} is another file. "
            + "Choose another --output-dir, or replace it with --restart.");
    }

    // How pictures are fed: what options say, or else the file, or else as the official code does.
    private bool IsOfficial(ExportRecord? record, string file)
    {
        bool? asked = StandardPreprocessing ? false : SposPreprocessing ? true : null;
        if (record == null) return asked ?? true;
        string? other = record.DifferenceInPictures(PreprocessingRecord.WithPictures(record));
        string named = record.OfficialPreprocessing ? "the official code's" : "standard";
        if (asked is not { } official)
        {
            if (other == null) return record.OfficialPreprocessing;
            throw new TorchCheckpointException(
                $"{file} says that its network has {named} preprocessing, but there {other}: pictures cannot be fed to it so. To feed "
                + $"them by one of this program's two ways all the same, say which: --{StandardOption} or --{PreprocessingRecord.Option}.");
        }
        if (other != null || official != record.OfficialPreprocessing)
        {
            Notice.Warn(
                $"{file} says that its network has {named} preprocessing{(other == null ? "" : $", and there {other}")}; "
                + $"--{(official ? PreprocessingRecord.Option : StandardOption)} is used.");
        }
        return official;
    }

    // The tensors count, and options; what the file says otherwise is told. Who trained the network further may have changed its classes
    // and left their names.
    private IReadOnlyList<string>? ClassNamesOf(ExportRecord? record, NetworkSpec spec, Architecture? path, string file)
    {
        if (record == null) return null;
        foreach (string difference in record.DifferencesFrom(spec, path)) Notice.Warn($"{file}: {difference}");
        if (ImageSize is { } size && size != record.ImageSize)
        {
            Notice.Warn(
                $"{file} says that its network takes pictures of {record.ImageSize}×{record.ImageSize}; --image-size {size} is used.");
        }
        return record.ClassNames?.Count == spec.Classes ? record.ClassNames : null;
    }

    private static string Place(string name) => name == "" ? "the saved object itself" : Shown.Value(name);

    // Null if there are none: the table leaves the row out.
    private static string? Listed(IEnumerable<string> texts) => string.Join(", ", texts) is { Length: > 0 } list ? list : null;

    private static string Few(IEnumerable<string> names) => Shown.Few([.. names.Select(Shown.Value)], MostNames);

    private static void CompareFlops(string file, NetworkSpec spec)
    {
        CostTable official = OfficialFlops.Load(file, spec), computed = NetworkFlops.Of(spec);
        Table table = PlainTable.New("operation", "in the table", "computed", "difference");
        void Row(string name, long theirs, long ours) => table.AddRow(name, $"{theirs}", $"{ours}", $"{theirs - ours}");
        Row("stem, last convolution and classifier", official.Fixed, computed.Fixed);
        for (int block = 0; block < spec.Blocks; block++)
        {
            foreach ((int choice, BlockDesign design) in spec.BlockSet.Designs.Index())
            {
                Row($"block {block}, {design.Name}", official.Of(block)[choice], computed.Of(block)[choice]);
            }
        }
        PlainTable.Write(table);
        ResultTable.Print(
            "FLOPs",
            ("network", $"{spec}"),
            ("mean path, in the table", official.Measure.NumberOf(official.Mean)),
            ("mean path, computed", computed.Measure.NumberOf(computed.Mean)),
            ("released, in the table", spec.IsOfficialSize ? $"{official.Of(Released)}" : null),
            ("released, computed", spec.IsOfficialSize ? $"{computed.Of(Released)}" : null));
    }

    private static void Show(TorchCheckpoint checkpoint, TorchStateDict found)
    {
        Table table = PlainTable.New("tensor", "shape", "type");
        foreach ((string name, TorchTensor tensor) in found.Tensors)
        {
            table.AddRow(Markup.Escape(Shown.Line(name)), string.Join('×', tensor.Sizes), $"{tensor.Type}");
        }
        PlainTable.Write(table);
        if (found.PassedOver.Count > 0)
        {
            Table others = PlainTable.New("passed over", "shape");
            others.Columns[1].Header("what it is");
            foreach ((string name, string what) in found.PassedOver)
            {
                others.AddRow(Markup.Escape(Shown.Value(name)), Markup.Escape(Shown.Value(what)));
            }
            PlainTable.Write(others);
        }
        ResultTable.Print(
            "Checkpoint",
            [
                ("tensors", $"{found.Tensors.Count}, from {Place(found.Name)}"),
                ("also there (--key)", Listed(found.Others.Select(Place))),
                ("elements", $"{found.Tensors.Values.Sum(t => t.Count)}"),
                .. checkpoint.Metadata.Select(entry => (Shown.Value(entry.Key), Shown.Value(entry.Value))),
            ]);
    }
}
