namespace Spos.Runs.Records;

/// <summary>Whether a run may go on with what an earlier one left: with the same options only.</summary>
public static class OptionCheck
{
    /// <summary>How many pictures a run trains on: all that earlier versions knew of its data set.</summary>
    public const string PicturesFact = "training pictures";

    /// <summary>A supernet that is scored, by its checksum; earlier versions put its path before it.</summary>
    public const string CheckpointOption = "checkpoint";

    /// <summary>A checkpoint that a run began from, by the path that was given, and its checksum.</summary>
    public const string LoadOption = "load-checkpoint", LoadFact = "load-checkpoint's checksum";

    /// <summary>The share of train that a supernet is not trained on.</summary>
    public const string HeldOutOption = "held-out";

    /// <summary>What decodes JPEGs.</summary>
    public const string DecoderOption = "decoder";

    // Options whose values are words, which earlier versions wrote with a capital.
    private static readonly string[] Words = ["init", "lr-decay", "plan"];

    // Hexadecimal digits of a SHA-256 that are shown.
    private const int ChecksumLength = 64, ShownOfChecksum = 12;

    /// <param name="file">What the earlier run left.</param>
    /// <param name="before">The options it was made with, by name.</param>
    /// <param name="now">The options of this run. Names with spaces are not options but facts, such as the number of pictures.</param>
    /// <param name="anyPictures">
    /// Whether the number of pictures may differ: it is asked for, or more is known of the pictures, which
    /// <see cref="DataRecord"/> compares.
    /// </param>
    /// <exception cref="UsageException">They differ; the message names the first that does.</exception>
    public static void Require(
        string file, IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now, bool anyPictures)
    {
        // What was asked for explains more than what came of it.
        foreach (string name in now.Keys.OrderBy(IsFact))
        {
            if (IsSame(name, before, now) || (anyPictures && name == PicturesFact)) continue;
            string option = IsFact(name) ? name : $"--{name}";
            throw new UsageException(
                $"{file} was made with {option} {Shown(name, before)}, not {Shown(name, now)}. "
                + "Give it the same, choose another --output-dir, or begin anew with --restart.");
        }
    }

    private static bool IsSame(string name, IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        string old = Of(before, name), value = Of(now, name);
        return old == value || name switch
        {
            _ when Words.Contains(name) => old.Equals(value, StringComparison.OrdinalIgnoreCase),
            CheckpointOption => old.EndsWith($" {value}", StringComparison.Ordinal),
            // The run does not read it again, so the same path or the same content will do.
            LoadOption => value.Length > 0 && Of(now, LoadFact).Length > 0 && Of(before, LoadFact) == Of(now, LoadFact),
            LoadFact => true,
            _ => false,
        };
    }

    private static string Of(IReadOnlyDictionary<string, string> options, string name) => options.GetValueOrDefault(name) ?? "";

    private static bool IsFact(string name) => name.Contains(' ', StringComparison.Ordinal);

    private static string Shown(string name, IReadOnlyDictionary<string, string> options) => Of(options, name) switch
    {
        "" => "(unset)",
        { Length: ChecksumLength } value when value.All(char.IsAsciiHexDigit) => $"of SHA-256 {value[..ShownOfChecksum]}…",
        string value => value,
    };
}
