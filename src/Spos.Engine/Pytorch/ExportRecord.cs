using System.Globalization;
using System.Text.Json;
using Spos.Engine.Pickles;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// What an exported file says of its network beside the weights: how pictures are fed to it, and what its logits mean. It is a list of
/// texts by name, so that each format can carry it: in pth under "spos" beside "state_dict", in safetensors as __metadata__, in ONNX as
/// metadata_props. Lists are JSON.
/// </summary>
public sealed record ExportRecord
{
    /// <summary>The entry of a pth file that holds the record.</summary>
    internal const string TorchKey = "spos";

    // What is trained with.
    private const int MostImageSize = 2048;

    private const string Format = "1";
    private const string FormatName = "spos_format", ImageSizeName = "image_size", PreprocessingName = "preprocessing";
    private const string ClassesName = "class_names", DropoutName = "dropout";
    private const string OfficialName = "spos", StandardName = "standard";

    /// <summary>Height and width of the pictures.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Whether pictures are fed as the official code feeds them: blue, green, red, levels 0 to 255.</summary>
    public required bool OfficialPreprocessing { get; init; }

    /// <summary>Probability of dropping a feature before the classifier in training.</summary>
    public float Dropout { get; init; } = new NetworkSpec().Dropout;

    /// <summary>The classes' names in the order of the logits, if they are known.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The choices of a single path; null of a supernet.</summary>
    public Architecture? Architecture { get; init; }

    /// <summary>Of a single path, for one picture; null of a supernet.</summary>
    public long? Flops { get; init; }

    /// <summary>What is subtracted from a channel's values, which are 0 to 1, or with official preprocessing 0 to 255.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0, 0, 0];

    /// <summary>What a channel's values are then divided by.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [1, 1, 1];

    /// <summary>The record as texts by name.</summary>
    public IReadOnlyDictionary<string, string> ToMetadata()
    {
        var metadata = new Dictionary<string, string>
        {
            [FormatName] = Format,
            ["spos_version"] = typeof(ExportRecord).Assembly.GetName().Version!.ToString(3),
            [ImageSizeName] = ImageSize.ToString(CultureInfo.InvariantCulture),
            [PreprocessingName] = OfficialPreprocessing ? OfficialName : StandardName,
            ["channel_order"] = OfficialPreprocessing ? "BGR" : "RGB",
            ["value_range"] = OfficialPreprocessing ? "[0, 255]" : "[0, 1]",
            ["mean"] = JsonSerializer.Serialize(Mean),
            ["std"] = JsonSerializer.Serialize(Deviation),
            [DropoutName] = Dropout.ToString("R", CultureInfo.InvariantCulture),
        };
        if (ClassNames != null) metadata[ClassesName] = JsonSerializer.Serialize(ClassNames);
        if (Architecture != null) metadata["architecture"] = JsonSerializer.Serialize(Architecture.Blocks);
        if (Flops is { } flops) metadata["flops"] = flops.ToString(CultureInfo.InvariantCulture);
        return metadata;
    }

    /// <summary>The record in a file's metadata; null if there is none, as in other programs' files.</summary>
    /// <exception cref="TorchCheckpointException">It cannot be read.</exception>
    public static ExportRecord? From(IReadOnlyDictionary<string, string> metadata, string path)
    {
        if (!metadata.TryGetValue(FormatName, out string? format)) return null;
        if (format != Format)
        {
            throw new TorchCheckpointException($"{path}: what it says of its network is of format {format}; this program reads format {Format}. Use a newer version of it.");
        }
        try
        {
            return new ExportRecord
            {
                ImageSize = int.Parse(metadata[ImageSizeName], NumberStyles.None, CultureInfo.InvariantCulture) is <= MostImageSize and int size
                    ? size
                    : throw new FormatException($"{ImageSizeName} is more than {MostImageSize}"),
                OfficialPreprocessing = metadata[PreprocessingName] switch
                {
                    OfficialName => true,
                    StandardName => false,
                    _ => throw new FormatException($"{PreprocessingName} is neither {OfficialName} nor {StandardName}"),
                },
                Dropout = float.Parse(metadata[DropoutName], NumberStyles.Float, CultureInfo.InvariantCulture) is >= 0 and < 1 and float dropout
                    ? dropout
                    : throw new FormatException($"{DropoutName} is not in [0, 1)"),
                ClassNames = metadata.TryGetValue(ClassesName, out string? names) ? Names(names) : null,
            };
        }
        catch (Exception error) when (error is FormatException or OverflowException or KeyNotFoundException or JsonException)
        {
            throw new TorchCheckpointException($"{path}: what it says of its network cannot be read: {error.Message}");
        }
    }

    private static string[] Names(string json)
    {
        string[]? names = JsonSerializer.Deserialize<string[]>(json);
        if (names == null || Array.Exists(names, name => name is null)) throw new FormatException($"{ClassesName} is no list of texts");
        return names;
    }

    /// <summary>The texts that a saved object holds under <see cref="TorchKey"/>.</summary>
    internal static IReadOnlyDictionary<string, string> MetadataIn(object? root)
    {
        var metadata = new Dictionary<string, string>();
        if (root is not PickleDictionary entries || !entries.TryGet(TorchKey, out object? value) || value is not PickleDictionary texts)
        {
            return metadata;
        }
        foreach ((object key, object? text) in texts)
        {
            if (key is string name && text is string said) metadata[name] = said;
        }
        return metadata;
    }
}
