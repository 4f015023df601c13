using CommandLine;
using Spos.Cli.Benchmarks;
using Spos.Cli.Configs;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Runs.Phases;
using Spos.Runs.Proposals;

namespace Spos.Cli.Verbs;

/// <summary>Begins with pictures of one's own.</summary>
[Place(5)]
[Verb("new", HelpText = "Look at a folder of pictures, and write a file of options for all three phases that fit it.")]
[Example("Begin with folders of photographs, one for each class", "photos --split data/photos")]
internal sealed class NewVerb : DeviceOptions, IVerb
{
    // The time is long enough for a first result, and short enough to wait for.
    private const string Train = "train", Val = "val", Output = "--output", FirstTime = "10m";

    [Value(0, MetaName = "dataset", Required = true, HelpText =
        "the pictures: a folder with train and val, each with one folder of pictures per class; or, with --split, with these folders of "
        + "classes alone.")]
    [Input(PathKind.Folder)]
    public string Folder { get; set; } = "";

    [Option("output", HelpText = "The file of options to write (default: the folder's name and .yml).")]
    [Output(PathKind.File)]
    public string? OutputPath { get; set; }

    [Option("split", HelpText =
        "Where the dataset has classes but neither train nor val: make a data set here, with a fifth of each class in val and the others "
        + "in train. Pictures are linked, and take no more room; where the file system has no such links they are copied "
        + "(default: do not).")]
    [Output(PathKind.Folder)]
    public string? Split { get; set; }

    [Option("time", HelpText =
        "About how long the three phases may take together here: from small to large, the last size of pictures that fits is chosen, and "
        + "fewer epochs where none does (default: 10m; where there are 100,000 training pictures or more, as long as the official "
        + "options take).")]
    [Duration]
    public string? Time { get; set; }

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead.")]
    [InRange(1, 256)]
    public int Workers { get; set; } = 2;

    public int Run()
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Split ?? Folder)));
        string file = OutputPath ?? (name.Length == 0 ? "pictures.yml" : $"{name}.yml");
        OutputFile.Require(Output, file, "to be written over", _ => false);
        bool isSplit = Has(Folder, Train) && Has(Folder, Val);
        string data = isSplit ? Folder : Split ?? throw Undivided();
        if (isSplit && Split != null) throw new UsageException($"--split: {Folder} has {Train} and {Val} already. Leave it out.");
        // To list a million files takes a while.
        Notice.Say($"Looking for pictures in {Folder}.");
        string? made = isSplit ? null : Divide(data);
        try
        {
            Propose(data, made, file);
        }
        catch (SposException) when (made != null)
        {
            // With more pictures the same command has to divide them anew.
            Directory.Delete(data, recursive: true);
            throw;
        }
        return ExitCode.Success;
    }

    private void Propose(string data, string? made, string file)
    {
        var console = new RunConsole();
        (ImageFolder train, ImageFolder val) = new DataSpec { Folder = data, Workers = Workers }.OpenBoth(console);
        DataFacts facts = DataFacts.Of(train, val, Workers);
        Device device = OpenDevice();
        string described = DeviceUse.Describe(device);
        Notice.Say($"Steps are timed on {described}.");
        var damage = new DamageReport(Notice.Warn);
        var measure = new ProposalMeasure(device, new Computation(Plan, default), train, Workers, damage);
        bool isSmall = Proposal.Of(facts, Proposal.ImageSizes(facts)[0]).IsSmall;
        string? time = Time ?? (isSmall ? FirstTime : null);
        TimeSpan? most = time == null ? null : DurationAttribute.Parse(time);
        (Proposal options, PhaseTimes times) = ProposalChoice.Of(facts, most, proposed => Measured(measure, facts, proposed));
        AtomicFile.WriteText(file, new ProposedFile(data, file, described, facts, options, times).Text());
        Print(facts, options, times, made, Math.Max(facts.Damaged, damage.Files), file);
        // With fewer epochs the time is met but for what does not go by epochs.
        if (most is { } asked && times.Total > 1.1 * asked)
        {
            Notice.Warn($"this takes longer than --time {time}: with fewer epochs than these nothing is learnt.");
        }
        Notice.Say($"Next: spos run {ShellText.Word(file)}");
    }

    private static PictureSeconds? Measured(ProposalMeasure measure, DataFacts facts, Proposal proposed)
    {
        PictureSeconds? seconds = measure.Of(proposed, facts);
        int size = proposed.Network.ImageSize;
        string result = seconds is { } found
            ? PhaseTimes.Words(PhaseTimes.Of(proposed, facts, found).Total)
            : $"batches of {proposed.BatchSize} have no room in memory";
        Notice.Say($"  {size}×{size} pixels: {result}");
        return seconds;
    }

    private static void Print(DataFacts facts, Proposal options, PhaseTimes times, string? made, int damaged, string file)
    {
        int meant = Proposal.Of(facts, options.Network.ImageSize).Epochs;
        string fewer = options.Epochs < meant ? $" instead of {meant}, to keep the time" : "";
        ResultTable.Print(
            "Options",
            ("data set", made),
            ("classes", $"{facts.Classes}; the smallest, {facts.Smallest.Name}, has {facts.Smallest.Pictures} pictures to train with"),
            ("pictures", $"{facts.Train} to train with, {facts.Val} in val"),
            ("their size", $"about {facts.LongSide}×{facts.ShortSide} pixels"),
            ("damaged pictures", damaged == 0 ? null : $"{damaged} at least"),
            ("network", $"{options.Network}"),
            ("batches", $"of {options.BatchSize} pictures"),
            ("supernet", $"{options.Epochs} epochs{fewer}, {PhaseTimes.Words(times.Supernet)}"),
            ("search", $"{options.Generations} generations of {options.Population}, {PhaseTimes.Words(times.Search)}"),
            ("scratch", $"{options.ScratchEpochs} epochs, {PhaseTimes.Words(times.Scratch)}"),
            ("file", Path.GetFullPath(file)));
    }

    private string Divide(string target)
    {
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            string hint = Has(target, Train) && Has(target, Val) ? $" It is a data set already: spos new {ShellText.Word(target)}" : "";
            throw new UsageException($"--split {target}: the folder is not empty.{hint}");
        }
        ImageFolder all = ImageFolder.Open(Folder);
        foreach (string remark in all.Remarks) Notice.Warn(remark);
        if (all.Holds(target)) throw new UsageException($"--split {target} lies in {Folder}. Choose another folder.");
        DataSpec.RequireClasses($"{Folder} has", all);
        int copied = SplitFolder.Write(all, target, Notice.Warn);
        string how = copied == 0 ? "linked" : $"{copied} of them copied, for they cannot be linked there";
        return $"{target}, of {all.Samples.Length} pictures of {Folder}, {how}";
    }

    private static bool Has(string folder, string split) => Directory.Exists(Path.Combine(folder, split));

    // What to do with a folder that is no data set.
    private SposException Undivided()
    {
        if (!Directory.Exists(Folder)) return new DataException($"{Folder}: no such folder.");
        foreach ((string there, string missing) in new[] { (Train, Val), (Val, Train) })
        {
            if (!Has(Folder, there)) continue;
            return new DataException(
                $"{Folder} has {there} but no {missing}. Make {missing}, with the same class folders; or divide {there}: "
                + $"spos new {ShellText.Word(Path.Combine(Folder, there))} --split FOLDER");
        }
        // Its pictures are not looked for, which could take long.
        int classes = Directory.GetDirectories(Folder).Length;
        if (classes == 0) return new DataException($"{Folder}: no class folders. There must be one folder of pictures per class.");
        if (classes == 1) return new DataException($"{Folder}: one class folder alone. There must be two or more, to tell them apart.");
        return new UsageException(
            $"{Folder} has {classes} folders of pictures, but neither {Train} nor {Val}. "
            + "Add --split FOLDER: of each class a fifth goes to FOLDER/val and the others to FOLDER/train. Pictures are linked, and take "
            + "no more room.");
    }
}
