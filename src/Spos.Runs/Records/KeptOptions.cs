using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>
/// The options that what a run keeps depends on, by their names, with their values as the command line takes them. Checkpoints hold them,
/// and a run goes on with the same ones only. Names with spaces are not options but facts, such as the number of pictures.
/// </summary>
public sealed class KeptOptions
{
    /// <summary>How many pictures a run trains on: all that earlier versions knew of its data set.</summary>
    public const string PicturesFact = "training pictures";

    /// <summary>A supernet that is scored, by its checksum; earlier versions put its path before it.</summary>
    public const string CheckpointOption = "checkpoint";

    /// <summary>A checkpoint that a run began from, by the path that was given, and its checksum.</summary>
    public const string LoadOption = "load-checkpoint", LoadFact = "load-checkpoint's checksum";

    /// <summary>A table of latencies by its checksum, wherever it lies.</summary>
    public const string LatencyTableFact = "latency-table's checksum";

    /// <summary>The share of train that a supernet is not trained on.</summary>
    public const string HeldOutOption = "held-out";

    /// <summary>What candidates are compared on, and the value of it that is val.</summary>
    public const string SelectOnOption = "select-on", SelectOnVal = "val";

    /// <summary>What each block can be, as <see cref="BlockSet.Recorded"/> says it.</summary>
    public const string BlocksOption = NetworkFacts.BlocksName;

    /// <summary>What blocks are left with to choose from, as <see cref="SearchSpace.Left"/> says it.</summary>
    public const string SearchSpaceOption = "search-space";

    /// <summary>What decodes JPEGs.</summary>
    public const string DecoderOption = "decoder";

    /// <summary>Whether JPEGs are decoded to a part of their size where that is enough.</summary>
    public const string DecodeScaleOption = "decode-scale";

    /// <summary>What pictures are shrunk to in a cache of them.</summary>
    public const string CacheSizeOption = "cache-size";

    // Options whose values are words, which earlier versions wrote with a capital.
    private static readonly string[] Words = ["init", "lr-decay", "plan"];

    private const string Unset = "(unset)";

    // More characters than the text of a space has.
    private const int MostOfSpace = 4000;

    // Hexadecimal digits of a SHA-256 that are shown.
    private const int ChecksumLength = 64, ShownOfChecksum = 12;

    private readonly Dictionary<string, string> _values = [];

    // What the values of options follow from.
    private readonly IReadOnlyDictionary<string, string> _reasons = new Dictionary<string, string>();

    // What an option is that is not given, and so in runs of before there was the option.
    private readonly Dictionary<string, string> _defaults = [];

    /// <param name="options">All that the run was asked for.</param>
    /// <param name="cameTo">What options came to where that is not what was given, and facts.</param>
    /// <param name="reasons">What the values of some options follow from, such as "the default of --strategy nsga2", for messages.</param>
    public KeptOptions(
        IEnumerable<RunOption> options, IEnumerable<KeyValuePair<string, string>> cameTo,
        IReadOnlyDictionary<string, string>? reasons = null)
    {
        _reasons = reasons ?? _reasons;
        foreach (RunOption option in options.Where(option => option.Influence == Influence.Kept))
        {
            _values[option.Name] = option.Value ?? "";
            _defaults[option.Name] = option.Default ?? "";
        }
        foreach ((string name, string value) in cameTo) _values[name] = value;
    }

    /// <summary>Options that are known by their values alone.</summary>
    internal KeptOptions(IEnumerable<KeyValuePair<string, string>> values) => _values = new(values);

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>
    /// All options that a part of the run depends on, by name: these, without the facts, and those on which only what is still to come
    /// depends.
    /// </summary>
    internal IReadOnlyDictionary<string, string> With(IEnumerable<RunOption> asked)
    {
        var all = _values.Where(one => !IsFact(one.Key)).ToDictionary();
        foreach (RunOption option in asked.Where(option => option.Influence == Influence.Later)) all[option.Name] = option.Value ?? "";
        return all.Where(one => one.Value.Length > 0).ToDictionary();
    }

    /// <summary>An option or a fact as messages name it: only options have dashes.</summary>
    internal static string TextOf(string name) => IsFact(name) ? name : $"--{name}";

    /// <summary>Refuses to go on with what an earlier run left if its options were others.</summary>
    /// <param name="file">What the earlier run left.</param>
    /// <param name="before">The options it was made with. One that it does not know has its default.</param>
    /// <param name="anyPictures">
    /// Whether the number of pictures may differ: it is asked for, or more is known of the pictures, which
    /// <see cref="DataRecord"/> compares.
    /// </param>
    /// <exception cref="UsageException">They differ; the message names the first that does.</exception>
    public void Require(string file, IReadOnlyDictionary<string, string> before, bool anyPictures)
    {
        // A file may hold null for an option, which is as good as nothing.
        var known = before.Where(o => !string.IsNullOrEmpty(o.Value)).ToDictionary();
        foreach ((string name, string value) in _defaults) known.TryAdd(name, value);
        // What was asked for explains more than what came of it.
        foreach (string name in _values.Keys.OrderBy(IsFact))
        {
            if (IsSame(name, known) || (anyPictures && name == PicturesFact)) continue;
            string option = TextOf(name);
            (string was, string now) = name == SearchSpaceOption
                ? Differing(Of(known, name), Of(_values, name))
                : (Shown(name, known), Shown(name, _values));
            string difference = bool.TryParse(was, out bool had) && bool.TryParse(now, out _)
                ? $"{(had ? "with" : "without")} {option}"
                : $"with {option} {was}, not {now}{(_reasons.TryGetValue(name, out string? reason) ? $", {reason}" : "")}";
            throw new UsageException(
                $"{file} was made {difference}. Give it the same, choose another --output-dir, or begin anew with --restart.");
        }
    }

    private bool IsSame(string name, Dictionary<string, string> before)
    {
        string old = Of(before, name), value = Of(_values, name);
        return old == value || name switch
        {
            _ when Words.Contains(name) => old.Equals(value, StringComparison.OrdinalIgnoreCase),
            CheckpointOption => old.EndsWith($" {value}", StringComparison.Ordinal),
            // The run does not read it again, so the same path or the same content will do.
            LoadOption => value.Length > 0 && Of(_values, LoadFact) is { Length: > 0 } checksum && Of(before, LoadFact) == checksum,
            LoadFact => true,
            _ => false,
        };
    }

    private static string Of(Dictionary<string, string> options, string name) => options.GetValueOrDefault(name, "");

    private static bool IsFact(string name) => name.Contains(' ', StringComparison.Ordinal);

    private static string Shown(string name, Dictionary<string, string> options) => Of(options, name) switch
    {
        "" => name == BlocksOption ? $"{BlockSet.Of(null)}" : Unset,
        { Length: ChecksumLength } value when value.All(char.IsAsciiHexDigit) => $"of SHA-256 {value[..ShownOfChecksum]}…",
        string value => value,
    };

    // Of two search spaces the blocks that differ, since a whole one has a line of numbers for each of many blocks.
    private static (string Was, string Now) Differing(string was, string now)
    {
        string[] before = was.Split(SearchSpace.BlockDivider), after = now.Split(SearchSpace.BlockDivider);
        if (before.Length != after.Length || before.Length == 1) return (Shown(was), Shown(now));
        int[] blocks = [.. Enumerable.Range(0, before.Length).Where(block => before[block].Trim() != after[block].Trim())];
        string Told(string[] left) =>
            Shown(string.Join(", ", blocks.Select(block => $"{left[block].Trim()} in block {block}")));
        return (Told(before), Told(after));

        // What a file tells may be anything, of any length; what a space of this program's can be is shown whole.
        static string Shown(string space) =>
            space.Length == 0 ? Unset : Spos.Shown.Line(Spos.Shown.Excerpt(space, MostOfSpace));
    }
}
