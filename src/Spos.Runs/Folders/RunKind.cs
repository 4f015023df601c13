using System.Text.RegularExpressions;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>
/// A kind of run, and the names of the files that it writes into its folder. A folder belongs to one kind, and nothing else that it
/// holds is ever written over or removed.
/// </summary>
public sealed partial class RunKind
{
    private readonly Regex _files;

    private RunKind(string command, string title, Regex files, params string[] subfolders) =>
        (Command, Title, _files, Subfolders) = (command, title, files, subfolders);

    public static RunKind Supernet { get; } = new("supernet", "a supernet run", TrainingFiles());

    public static RunKind Search { get; } = new("search", "a search run", SearchFiles(), SearchState.Exports, FrontFiles.FolderName);

    public static RunKind Scratch { get; } = new("scratch", "a scratch run", TrainingFiles());

    public static RunKind Rank { get; } = new("rank", "a rank run", RankFiles());

    /// <summary>One of the trainings of a rank run, in a folder below its own.</summary>
    public static RunKind RankedArchitecture { get; } = new("rank-architecture", "a training of a rank run", TrainingFiles());

    public static RunKind Front { get; } = new("front", "a front run", FrontRunFiles(), FrontExports);

    /// <summary>One of the trainings of a front run, in a folder below its own.</summary>
    public static RunKind FrontNetwork { get; } = new("front-network", "a training of a front run", TrainingFiles());

    public static RunKind Import { get; } = new("import", "an imported network", ImportFiles());

    public static RunKind Shrink { get; } = new("shrink", "a shrink run", ShrinkFiles());

    public static IReadOnlyList<RunKind> All { get; } =
        [Supernet, Search, Scratch, Rank, RankedArchitecture, Front, FrontNetwork, Import, Shrink];

    /// <summary>The folder of the exported networks, below a front run's.</summary>
    public const string FrontExports = "exports";

    /// <summary>Whether it is a part of another run, which goes on with it.</summary>
    public bool IsPart => this == RankedArchitecture || this == FrontNetwork;

    /// <summary>What run.json calls it.</summary>
    public string Command { get; }

    /// <summary>What users are told that a folder holds.</summary>
    public string Title { get; }

    /// <summary>Folders below the run's own that it writes files into.</summary>
    public IReadOnlyList<string> Subfolders { get; }

    /// <summary>Whether runs of this kind write a file of this name, relative to their folder.</summary>
    public bool Owns(string name) => _files.IsMatch(name);

    // What a run that works with workers writes besides: who they are, and, for as long as it is not whole, what they send.
    private const string OfWorkers = @"workers\.json(\.received)?";

    // run.json, result.json and TensorBoard's files are everyone's.
    private const string Everyones = @"run\.json|result\.json|events\.out\.tfevents\.\d{10,}\..+\.\d+\.\d+";

    // What plots are over.
    private const string Costs = $"{CostMeasure.FlopsField}|{CostMeasure.ParametersField}|{CostMeasure.LatencyField}";

    [GeneratedRegex(
        $@"^({Everyones}|checkpoint-\d{{8,}}\.spos(\.damaged)?|metrics\.jsonl|loss\.(png|svg))$", RegexOptions.CultureInvariant)]
    private static partial Regex TrainingFiles();

    [GeneratedRegex(
        $@"^({Everyones}|search(\.previous)?\.json|architecture_final\.json|config_search\.yml|nni_auto_gen_search_space\.json"
        + $@"|(accuracy-over-({Costs})|best-over-generations)\.(png|svg)|latency-table\.json|checkpoints/\d{{3,}}_\d{{3,}}\.json"
        + $@"|{OfWorkers}|front\.json|front/\d{{3,}}\.json)$",
        RegexOptions.CultureInvariant)]
    private static partial Regex SearchFiles();

    [GeneratedRegex($@"^({Everyones}|{OfWorkers}|rank\.json|ranking\.(png|svg))$", RegexOptions.CultureInvariant)]
    private static partial Regex RankFiles();

    [GeneratedRegex(
        $@"^({Everyones}|{OfWorkers}|networks\.json|front(-({Costs}))?\.(png|svg)"
        + @"|exports/(front|random|handmade)_\d{3,}\.(json|onnx|pth|py|safetensors))$",
        RegexOptions.CultureInvariant)]
    private static partial Regex FrontRunFiles();

    [GeneratedRegex($@"^({Everyones}|shrink(\.previous)?\.json|search_space\.json)$", RegexOptions.CultureInvariant)]
    private static partial Regex ShrinkFiles();

    [GeneratedRegex($@"^({Everyones}|checkpoint-0{{8}}\.spos)$", RegexOptions.CultureInvariant)]
    private static partial Regex ImportFiles();
}
