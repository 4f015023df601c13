using Spos.Cli.Configs;
using Spos.Cli.Options;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Space;
using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Nni;

/// <summary>
/// NNI's config_search.yml: what its fields say becomes options of spos search. Fields that have no meaning here, such as
/// authorName, are accepted; unknown ones are errors.
/// </summary>
internal static class SearchConfig
{
    public const string FileName = "config_search.yml";

    /// <summary>The verb whose options it has.</summary>
    public const string Verb = "search";

    /// <summary>What NNI calls the file of a search space.</summary>
    public const string SpaceFileName = "nni_auto_gen_search_space.json";

    // Fields of NNI's that change nothing here, of those that NNI v1.9 knows (tools/nni_cmd/config_schema.py).
    private static readonly string[] Idle =
    [
        "authorName", "experimentName", "description", "multiThread", "nniManagerIp", "logDir", "debug", "versionCheck", "logLevel",
        "logCollection", "localConfig",
    ];

    // Those that do, and are not read within others.
    private static readonly string[] Own =
    [
        "trialConcurrency", "maxTrialNum", "maxExecDuration", "trainingServicePlatform", "useAnnotation", "multiPhase", "searchSpacePath",
        "tuner", "trial",
    ];

    private static readonly string[] IdleOfTuner = ["codeDir", "classFileName", "includeIntermediateResults", "gpuIndices"];
    private static readonly string[] IdleOfTrial = ["gpuNum"];
    private static readonly string[] Tuners = ["EvolutionWithFlops", "SPOSEvolution"];

    private static readonly (string Field, string Option)[] ClassArgs =
    [
        ("max_epochs", "max-epochs"), ("num_select", "num-select"), ("num_population", "num-population"), ("m_prob", "m-prob"),
        ("num_crossover", "num-crossover"), ("num_mutation", "num-mutation"), ("flops_limit", "flops-limit"),
    ];

    /// <summary>Writes the file that repeats a search, and beside it the one of its space.</summary>
    /// <param name="options">All options of spos search by name, those that were not given null.</param>
    public static void Write(string path, IReadOnlyDictionary<string, string?> options, SearchSpace space)
    {
        SearchSpaceFile.Write(Path.Combine(Path.GetDirectoryName(path)!, SpaceFileName), space);
        var tuner = new YamlMappingNode();
        if (options["strategy"] == "random") tuner.Add("builtinTunerName", "Random");
        else tuner.Add("className", Tuners[0]);
        var arguments = new YamlMappingNode();
        foreach ((string field, string option) in ClassArgs)
        {
            if (options.GetValueOrDefault(option) is { Length: > 0 } value) arguments.Add(field, value);
        }
        tuner.Add("classArgs", arguments);
        var root = new YamlMappingNode
        {
            { "experimentName", "SPOS Search" },
            { "trialConcurrency", options["concurrency"]! },
            { "maxTrialNum", options["max-trials"]! },
            { "trainingServicePlatform", "local" },
            { "searchSpacePath", SpaceFileName },
            { "useAnnotation", "false" },
            { "tuner", tuner },
            { "trial", new YamlMappingNode { { "command", TrialCommand.Write(options) }, { "codeDir", "." } } },
        };
        if (options["max-duration"] is { } duration) root.Add("maxExecDuration", duration);
        using var text = new StringWriter();
        new YamlStream(new YamlDocument(root)).Save(text, assignAnchors: false);
        AtomicFile.WriteText(path, text.ToString().Replace("...\n", "", StringComparison.Ordinal));
    }

    /// <summary>Whether a file is NNI's: it has a field of NNI's, which are no names of options.</summary>
    public static bool IsIn(YamlMappingNode root) => Own.Concat(Idle).Any(field => root.Children.ContainsKey(field));

    /// <summary>The options that a file stands for.</summary>
    /// <param name="path">The file's, to which its paths are relative.</param>
    /// <exception cref="FormatException">It says something that is not understood.</exception>
    public static IReadOnlyList<Setting> Read(YamlMappingNode mapping, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var root = new ConfigNode("", mapping, Idle);
        var options = new List<(string, string?)>();
        root.Take("trialConcurrency", value => options.Add(("concurrency", value)));
        root.Take("maxTrialNum", value => options.Add(("max-trials", value)));
        root.Take("maxExecDuration", value => options.Add(("max-duration", value)));
        root.Take("trainingServicePlatform", value => Only(value, "local", "trainingServicePlatform"));
        root.Take("useAnnotation", value => Only(YamlFile.No.Contains(value) ? "false" : value, "false", "useAnnotation"));
        root.Take("multiPhase", value => Only(YamlFile.No.Contains(value) ? "false" : value, "false", "multiPhase"));
        root.Take("searchSpacePath", value => options.Add(("search-space", Path.Combine(folder, value))));
        root.TakeNode("tuner", IdleOfTuner, tuner => ReadTuner(tuner, options));
        root.TakeNode("trial", IdleOfTrial, trial => ReadTrial(trial, folder, options));
        root.RefuseOthers();
        return [.. options.Select(option => new Setting(option.Item1, option.Item2))];
    }

    private static void ReadTuner(ConfigNode tuner, List<(string, string?)> options)
    {
        tuner.Take("className", value =>
        {
            if (!Tuners.Contains(value))
            {
                throw new FormatException($"tuner.className {Shown.Value(value)}: only {string.Join(" and ", Tuners)} are known.");
            }
        });
        tuner.Take("builtinTunerName", value =>
        {
            Only(value, "Random", "tuner.builtinTunerName");
            options.Add(("strategy", "random"));
        });
        tuner.TakeNode("classArgs", [], arguments =>
        {
            foreach ((string field, string option) in ClassArgs) arguments.Take(field, value => options.Add((option, value)));
            arguments.RefuseOthers();
        });
        tuner.RefuseOthers();
    }

    private static void ReadTrial(ConfigNode trial, string folder, List<(string, string?)> options)
    {
        string codeFolder = folder;
        trial.Take("codeDir", value => codeFolder = Path.GetFullPath(Path.Combine(folder, value)));
        trial.Take("nasMode", value => Only(value, "classic_mode", "trial.nasMode"));
        trial.Take("command", value => options.AddRange(TrialCommand.Read(value, codeFolder)));
        trial.RefuseOthers();
    }

    private static void Only(string value, string known, string field)
    {
        if (value != known) throw new FormatException($"{field} {Shown.Value(value)}: only {known} is known.");
    }
}
