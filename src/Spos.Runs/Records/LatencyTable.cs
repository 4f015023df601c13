using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>
/// The file that spos latency writes: how long the inference of a batch takes, as a part that all paths have and one for each alternative
/// of each block. It holds for the network, the device and the options that it names.
/// </summary>
public sealed record LatencyTable
{
    // Hundreds of blocks of hundreds of alternatives fit.
    private const int MostBytes = 16 << 20;

    // Eleven days: far more than any inference takes, and little enough that a path's sum is exact.
    private const long MostNanoseconds = 1_000_000_000_000_000;

    private const string Measure = "spos latency measure writes one of this network.";

    /// <summary>The words of --target.</summary>
    public const string OfSpos = "spos", OnnxRuntime = "onnxruntime";

    /// <summary>What ran the networks, one of --target's words or another program; null for Spos itself.</summary>
    [JsonPropertyName("target")]
    public string? Target { get; init; }

    [JsonPropertyName("target_version")]
    public string? TargetVersion { get; init; }

    [JsonPropertyName("date")]
    public string? Date { get; init; }

    [JsonPropertyName("device")]
    public required string Device { get; init; }

    /// <summary>Of a CPU, or the architecture of a GPU.</summary>
    [JsonPropertyName("instruction_set")]
    public string? InstructionSet { get; init; }

    /// <summary>Of a CPU.</summary>
    [JsonPropertyName("threads")]
    public int? Threads { get; init; }

    [JsonPropertyName("precision")]
    public required string Precision { get; init; }

    [JsonPropertyName("plan")]
    public string? Plan { get; init; }

    [JsonPropertyName("batch_size")]
    public required int BatchSize { get; init; }

    [JsonPropertyName("network")]
    public required LatencyNetwork Network { get; init; }

    [JsonPropertyName("rounds")]
    public int? Rounds { get; init; }

    /// <summary>Of each network in a round.</summary>
    [JsonPropertyName("runs")]
    public int? Runs { get; init; }

    /// <summary>Of a path with the fastest alternative of each block.</summary>
    [JsonPropertyName("constant_ns")]
    public required long Constant { get; init; }

    /// <summary>For each block what each alternative, by its name, takes longer than the fastest.</summary>
    [JsonPropertyName("blocks_ns")]
    public required Dictionary<string, long>[] Blocks { get; init; }

    [JsonPropertyName("validation")]
    public LatencyValidation? Validation { get; init; }

    /// <summary>Why not to rely on it, the beginning of a sentence; null if nothing speaks against it.</summary>
    [JsonIgnore]
    public string? Doubt => Constant == 0 ? "by it the fastest path takes no time" : Validation?.Doubt;

    /// <summary>The SHA-256 of the file that it was read from, in hexadecimal digits; null if it was not read.</summary>
    [JsonIgnore]
    public string? Checksum { get; private init; }

    /// <summary>The content of that file.</summary>
    [JsonIgnore]
    internal byte[]? Content { get; private init; }

    /// <summary>What the figures were measured with, in words.</summary>
    [JsonIgnore]
    public string Conditions =>
        $"batches of {BatchSize} in {Precision} on {Device}" + (InstructionSet == null ? "" : $", {InstructionSet}")
        + (Threads is { } threads ? $", {threads} {(threads == 1 ? "thread" : "threads")}" : "")
        + (IsOfSpos ? "" : $", by {Target} {TargetVersion}".TrimEnd());

    /// <summary>Whether Spos itself ran the networks.</summary>
    [JsonIgnore]
    public bool IsOfSpos => Target is null or OfSpos;

    /// <summary>The figures of a table of nanoseconds, as the file has them.</summary>
    public static Dictionary<string, long>[] BlocksOf(CostTable costs) =>
        [.. costs.Space.Blocks.Select((alternatives, block) => alternatives.Index().ToDictionary(
            alternative => alternative.Item.Name, alternative => costs.Of(block)[alternative.Index]))];

    /// <summary>A file that is a table of a network, and the costs of the network's paths by it, in nanoseconds.</summary>
    /// <exception cref="LatencyTableException">
    /// It is none, or that of another network, or has figures that cannot be. The message names the file, and where there is one the field.
    /// </exception>
    /// <exception cref="UnreadableFileException">It cannot be read, or is too large.</exception>
    public static (LatencyTable Table, CostTable Costs) Read(string path, NetworkSpec spec)
    {
        LatencyTable table;
        try
        {
            byte[] bytes = RegularFile.Read(FilePath.Of(path), MostBytes);
            table = JsonFile.Parse<LatencyTable>(bytes) with
            {
                Checksum = Convert.ToHexString(SHA256.HashData(bytes)),
                Content = bytes,
            };
        }
        catch (FormatException error)
        {
            throw new LatencyTableException($"{path} is no table of latencies: {Shown.Excerpt(error.Message, 200)} {Measure}");
        }
        return table.FaultFor(spec) is { } fault
            ? throw new LatencyTableException($"{path}: {fault}. {Measure}")
            : (table, table.CostsFor(spec.Space));
    }

    public void Write(string path) => JsonFile.Write(path, this);

    // What keeps it from being a table of a network; null if nothing does.
    private string? FaultFor(NetworkSpec spec)
    {
        // Files can hold null where a field is required.
        if (Network == null || Blocks == null || Device == null || Precision == null)
        {
            return "a field is null that has a value in every table";
        }
        if (BatchSize < 1) return $"batch_size is {BatchSize}; a batch has at least 1 picture";
        if (Network.DifferenceFrom(LatencyNetwork.Of(spec)) is { } difference) return difference;
        SearchSpace space = spec.Space;
        if (Blocks.Length != space.Blocks.Length) return $"blocks_ns has {Blocks.Length} blocks; the network has {space.Blocks.Length}";
        if (!IsTime(Constant)) return $"constant_ns is {Constant}, which is no time";
        foreach ((int block, Dictionary<string, long>? figures) in Blocks.Index())
        {
            if (FaultOf(figures, space.Blocks[block]) is { } fault) return $"blocks_ns[{block}] {fault}";
        }
        return null;
    }

    private static string? FaultOf(Dictionary<string, long>? figures, IReadOnlyList<Alternative> alternatives)
    {
        if (figures == null) return "is null";
        if (figures.Count != alternatives.Count) return $"has {figures.Count} alternatives; the network has {alternatives.Count} there";
        if (alternatives.FirstOrDefault(one => !figures.ContainsKey(one.Name)) is { } missing) return $"has no {missing.Name}";
        string? wrong = figures.Keys.FirstOrDefault(name => !IsTime(figures[name]));
        return wrong == null ? null : $"has {figures[wrong]} for {wrong}, which is no time";
    }

    private static bool IsTime(long nanoseconds) => nanoseconds is >= 0 and <= MostNanoseconds;

    private CostTable CostsFor(SearchSpace space) =>
        new(
            space, Constant, space.Blocks.Select((alternatives, block) => alternatives.Select(one => Blocks[block][one.Name])),
            CostMeasure.Latency);
}
