using System.Text.Json.Serialization;
using Spos.Runs.Records;

namespace Spos.Report.Chains;

/// <summary>run.json, as far as reports alone need it.</summary>
internal sealed record RunSetting(
    [property: JsonPropertyName("network")] NetworkRecord? Network,
    [property: JsonPropertyName("class_names")] string[]? ClassNames,
    [property: JsonPropertyName("version")] string? Version,
    [property: JsonPropertyName("device")] string? Device,
    [property: JsonPropertyName("instruction_set")] string? InstructionSet,
    [property: JsonPropertyName("threads")] int? Threads,
    [property: JsonPropertyName("runtime")] string? Runtime,
    [property: JsonPropertyName("system")] string? System);

/// <summary>What files of candidates and of architectures say of the options and the pictures that they depend on.</summary>
internal sealed record KeptContents(Dictionary<string, string?>? Options, DataRecord? Data);
