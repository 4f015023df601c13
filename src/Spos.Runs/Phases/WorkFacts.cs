using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>
/// All that the score of a path depends on besides the path, by name: options by their values, a checkpoint and a data set by their
/// digests, the version and the kind of device. Processes with the same facts give a path the same score, to the bit. A training depends
/// on some of them, and on its recipe.
/// </summary>
public static class WorkFacts
{
    private const string Version = "the version", DeviceKind = "the device", DataSet = "the data set";

    // Of a search's options, those that scores depend on as they are given.
    private static readonly string[] Options =
    [
        "train-iters", "train-batch-size", KeptOptions.SelectOnOption, KeptOptions.CacheSizeOption, KeptOptions.DecoderOption,
        KeptOptions.DecodeScaleOption, "seed", "plan", "precision",
    ];

    // And those that come to something else.
    private static readonly string[] CameTo = [KeptOptions.CheckpointOption, KeptOptions.HeldOutOption, PreprocessingRecord.Option];

    /// <summary>The names of all facts.</summary>
    public static IReadOnlyList<string> Names { get; } = [Version, .. CameTo, .. Options, DataSet, DeviceKind];

    /// <summary>What keeps another process from scoring for this one; null if nothing does.</summary>
    public static string? DifferenceOf(IReadOnlyDictionary<string, string> own, IReadOnlyDictionary<string, string> other)
    {
        string? name = Names.FirstOrDefault(one => own.TryGetValue(one, out string? value) && value != other.GetValueOrDefault(one));
        return name == null
            ? null
            : $"{KeptOptions.TextOf(name)} is {Shown.Excerpt(other.GetValueOrDefault(name) ?? "not told")} of the worker, and "
                + $"{own[name]} of the run";
    }

    /// <summary>The same device computes the same bits on two machines if this is equal.</summary>
    internal static string KindOf(Device device) =>
        device.InstructionSet.Length > 0 ? $"the CPU with {device.InstructionSet}" : $"{device.Name} {device.Architecture}";

    /// <summary>The digest of a data set's classes and pictures, wherever they lie.</summary>
    internal static string DigestOf(IReadOnlyList<string> classes, DataSetIdentity? train, DataSetIdentity? val) =>
        $"that of SHA-256 {Convert.ToHexString(SHA256.HashData(MessagePackSerializer.Serialize((classes, train, val))))}";

    internal static IReadOnlyDictionary<string, string> Of(
        IReadOnlyList<RunOption> options, ScoredSupernet supernet, Preprocessing preprocessing, DataRecord data, string[] classes,
        Device device) =>
        Of(options, supernet.CameTo(preprocessing).Where(one => CameTo.Contains(one.Key)), classes, data, device);

    /// <summary>Those that trainings depend on.</summary>
    /// <param name="supernet">The checksum of the supernet whose paths are trained.</param>
    internal static IReadOnlyDictionary<string, string> OfTraining(
        IReadOnlyList<RunOption> options, string supernet, Preprocessing preprocessing, ImageFolder train, ImageFolder val, Device device)
    {
        var cameTo = new Dictionary<string, string>
        {
            [KeptOptions.CheckpointOption] = supernet,
            [PreprocessingRecord.Option] = PreprocessingRecord.ValueOf(preprocessing),
        };
        return Of(options, cameTo, [.. train.Classes], DataRecord.Of(train, val), device);
    }

    private static Dictionary<string, string> Of(
        IReadOnlyList<RunOption> options, IEnumerable<KeyValuePair<string, string>> cameTo, string[] classes, DataRecord data,
        Device device)
    {
        var facts = new Dictionary<string, string>(cameTo)
        {
            [Version] = RunRecord.Version,
            [DeviceKind] = KindOf(device),
            [DataSet] = DigestOf(classes, data.Train, data.Val),
        };
        foreach (RunOption option in options.Where(one => Options.Contains(one.Name))) facts[option.Name] = option.Value ?? "";
        return facts;
    }
}
