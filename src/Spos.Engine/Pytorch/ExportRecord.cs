using System.Globalization;
using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Pickles;
using Spos.Engine.Supernet;
using Spos.Space;

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
    private const int LeastImageSize = 32, MostImageSize = 2048;

    // Means and deviations are written in full: what differs more is another number.
    private const float Rounding = 1e-6f;

    private const string Format = "1";
    private const string FormatName = "spos_format", ImageSizeName = "image_size", PreprocessingName = "preprocessing";
    private const string ClassesName = "class_names", DropoutName = "dropout", ArchitectureName = "architecture", FlopsName = "flops",
        ScalesName = "channel_scales";
    private const string OrderName = "channel_order", RangeName = "value_range", MeanName = "mean", DeviationName = "std";
    private const string ClassCountName = "classes", Top1Name = "top1";
    private const string ResizedSideName = "resized_side", InterpolationName = "interpolation", CropName = "crop", Middle = "centre";
    private const string OfficialName = "spos", StandardName = "standard";

    // Of a text, in characters: room for the names of 100,000 classes, as long as a file system allows.
    private const int MostText = 64 << 20;

    // More than any data set has.
    private const int MostClasses = 1_000_000;

    /// <summary>Height and width of the pictures.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Whether pictures are fed as the official code feeds them: blue, green, red, levels 0 to 255.</summary>
    public required bool OfficialPreprocessing { get; init; }

    /// <summary>The order of a picture's channels, "RGB" or "BGR".</summary>
    public string ChannelOrder { get => field ?? (OfficialPreprocessing ? "BGR" : "RGB"); init; }

    /// <summary>What a channel's values lie in before the mean is subtracted, "[0, 255]" or "[0, 1]".</summary>
    public string ValueRange { get => field ?? (OfficialPreprocessing ? "[0, 255]" : "[0, 1]"); init; }

    /// <summary>The pixels that a picture's shorter side is resized to before its middle is cut out; null where nobody says.</summary>
    public int? ResizedSide { get; init; }

    /// <summary>
    /// How pictures are resized: "bilinear_antialiased" as Pillow does it, "bilinear" as OpenCV does, two pixels an axis.
    /// </summary>
    public string Interpolation { get => field ?? (OfficialPreprocessing ? "bilinear" : "bilinear_antialiased"); init; }

    /// <summary>What is cut out of the resized picture: "centre".</summary>
    public string Crop { get; init; } = Middle;

    /// <summary>How many logits there are; null where nobody says.</summary>
    public int? Classes { get; init; }

    /// <summary>The share of val whose class is the first guess, from 0 to 1; null where it was not measured.</summary>
    public double? Top1 { get; init; }

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
            [OrderName] = ChannelOrder,
            [RangeName] = ValueRange,
            [MeanName] = JsonSerializer.Serialize(Mean),
            [DeviationName] = JsonSerializer.Serialize(Deviation),
            [InterpolationName] = Interpolation,
            [CropName] = Crop,
            [DropoutName] = Dropout.ToString("R", CultureInfo.InvariantCulture),
        };
        if (ResizedSide is { } side) metadata[ResizedSideName] = side.ToString(CultureInfo.InvariantCulture);
        if (Classes is { } classes) metadata[ClassCountName] = classes.ToString(CultureInfo.InvariantCulture);
        if (Top1 is { } top1) metadata[Top1Name] = top1.ToString("R", CultureInfo.InvariantCulture);
        if (ClassNames != null) metadata[ClassesName] = JsonSerializer.Serialize(ClassNames);
        if (Architecture is { } path)
        {
            metadata[ArchitectureName] = JsonSerializer.Serialize(path.Operations);
            if (path.HasScales) metadata[ScalesName] = JsonSerializer.Serialize(path.Scales);
        }
        if (Flops is { } flops) metadata[FlopsName] = flops.ToString(CultureInfo.InvariantCulture);
        return metadata;
    }

    /// <summary>The record in a file's metadata; null if there is none, as in other programs' files.</summary>
    /// <exception cref="TorchCheckpointException">It cannot be read.</exception>
    public static ExportRecord? From(IReadOnlyDictionary<string, string> metadata, string path)
    {
        if (!metadata.TryGetValue(FormatName, out string? format)) return null;
        if (format != Format)
        {
            throw new TorchCheckpointException(
                $"{path}: what it says of its network is of format {format}; this program reads format {Format}. "
                + "Use a newer version of it.");
        }
        TorchCheckpointException Unreadable(string what) => new($"{path}: what it says of its network cannot be read: {what}.");
        string Text(string name) => !metadata.TryGetValue(name, out string? text) ? throw Unreadable($"{name} is missing")
            : text.Length <= MostText ? text
            : throw Unreadable($"{name} has {text.Length} characters; nothing longer than {MostText} is read");
        T Read<T>(string name, string wanted, Func<string, T?> read)
            where T : struct
        {
            string text = Text(name);
            return read(text) ?? throw Unreadable($"{name} is '{Shown.Excerpt(text)}', not {wanted}");
        }

        T[] List<T>(string name, string wanted, Func<T[], bool> fits)
        {
            string text = Text(name);
            return ListIn<T>(text) is { } list && fits(list) ? list : throw Unreadable($"{name} is '{Shown.Excerpt(text)}', not {wanted}");
        }

        float[] Channels(string name) =>
            List<float>(name, "a list of three numbers", list => list.Length == 3 && Array.TrueForAll(list, float.IsFinite));
        Architecture Path()
        {
            bool hasScales = metadata.ContainsKey(ScalesName);
            int most = Spos.Space.Architecture.MostAlternatives / (hasScales ? ChannelScales.Count : 1);
            int[] operations = List<int>(ArchitectureName, "a list of numbers of choices", list =>
                list.Length > 0 && Array.TrueForAll(list, choice => choice >= 0 && choice < most));
            return !hasScales ? new Architecture(operations) : new Architecture(
                operations, List<int>(ScalesName, "a list of numbers of channel scales, one for each choice", list =>
                    list.Length == operations.Length && Array.TrueForAll(list, scale => scale is >= 0 and < ChannelScales.Count)));
        }

        // What earlier versions did not write.
        T? Later<T>(string name, string wanted, Func<string, T?> read)
            where T : struct => metadata.ContainsKey(name) ? Read(name, wanted, read) : null;
        string? LaterText(string name) => metadata.ContainsKey(name) ? Text(name) : null;

        return new ExportRecord
        {
            ImageSize = Read(ImageSizeName, $"a multiple of {LeastImageSize} up to {MostImageSize}", ImageSizeOf),
            OfficialPreprocessing = Read(PreprocessingName, $"{OfficialName} or {StandardName}", text => text switch
            {
                OfficialName => true,
                StandardName => false,
                _ => (bool?)null,
            }),
            ChannelOrder = Text(OrderName),
            ValueRange = Text(RangeName),
            Mean = Channels(MeanName),
            Deviation = Channels(DeviationName),
            ResizedSide = Later(ResizedSideName, $"a number of pixels up to {2 * MostImageSize}", text => CountOf(text, 2 * MostImageSize)),
            Interpolation = LaterText(InterpolationName)!,
            Crop = LaterText(CropName) ?? Middle,
            Classes = Later(ClassCountName, $"a number of classes up to {MostClasses}", text => CountOf(text, MostClasses)),
            Top1 = Later(Top1Name, "a share from 0 to 1", ShareOf),
            Dropout = Read(DropoutName, "a number from 0 to below 1", DropoutOf),
            ClassNames = !metadata.ContainsKey(ClassesName)
                ? null
                : List<string>(ClassesName, $"a list of up to {MostClasses} texts", list =>
                    list.Length <= MostClasses && Array.TrueForAll(list, name => name is not null)),
            Architecture = !metadata.ContainsKey(ArchitectureName) ? null : Path(),
            Flops = Later(FlopsName, "a number of FLOPs", FlopsOf),
        };
    }

    /// <summary>
    /// What the record says of the pictures otherwise than another one, such as "mean is [0.5, 0.5, 0.5], not [0.485, 0.456, 0.406]"; null
    /// if nothing. The name of the preprocessing is not looked at.
    /// </summary>
    public string? DifferenceInPictures(ExportRecord other)
    {
        static string Written(IReadOnlyList<float> numbers) =>
            $"[{string.Join(", ", numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]";
        static string Plain(string text) => text.Replace(" ", "", StringComparison.Ordinal);
        static bool AreEqual(IReadOnlyList<float> one, IReadOnlyList<float> two) =>
            one.Zip(two).All(pair => Math.Abs(pair.First - pair.Second) <= Rounding);
        (string Name, string Here, string There, bool Same)[] parts =
        [
            (OrderName, ChannelOrder, other.ChannelOrder, ChannelOrder.Equals(other.ChannelOrder, StringComparison.OrdinalIgnoreCase)),
            (RangeName, ValueRange, other.ValueRange, Plain(ValueRange) == Plain(other.ValueRange)),
            (MeanName, Written(Mean), Written(other.Mean), AreEqual(Mean, other.Mean)),
            (DeviationName, Written(Deviation), Written(other.Deviation), AreEqual(Deviation, other.Deviation)),
            (ResizedSideName, $"{ResizedSide}", $"{other.ResizedSide}",
                ResizedSide == null || other.ResizedSide == null || ResizedSide == other.ResizedSide),
            (InterpolationName, Interpolation, other.Interpolation, Interpolation == other.Interpolation),
            (CropName, Crop, other.Crop, Crop == other.Crop),
        ];
        string[] differences = [.. parts.Where(p => !p.Same).Select(p => $"{p.Name} is {Shown.Excerpt(p.Here)}, not {p.There}")];
        return differences.Length == 0 ? null : string.Join("; ", differences);
    }

    /// <summary>What the record says of the network otherwise than its tensors, which count: a sentence for each.</summary>
    /// <param name="spec">The sizes that the tensors have.</param>
    /// <param name="architecture">The architecture that they have; null of a supernet.</param>
    public IEnumerable<string> DifferencesFrom(NetworkSpec spec, Architecture? architecture)
    {
        if (ClassNames != null && ClassNames.Count != spec.Classes)
        {
            yield return $"it names {ClassNames.Count} classes; its network has {spec.Classes}. The names are left out.";
        }
        if (Architecture != null && !Architecture.Equals(architecture))
        {
            string tensors = architecture == null ? "those of a supernet" : $"of {architecture}";
            yield return $"it says that its architecture is {Architecture}; its tensors are {tensors}, which counts.";
        }
        else if (Flops is { } said && architecture != null
            && NetworkFlops.Of(spec with { ImageSize = ImageSize }).Of(architecture) is var own && own != said)
        {
            yield return $"it says that its network has {said} FLOPs; by its tensors it has {own}, which counts.";
        }
    }

    private static int? ImageSizeOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
        && size is >= LeastImageSize and <= MostImageSize && size % LeastImageSize == 0
            ? size
            : null;

    private static float? DropoutOf(string text) =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float dropout) && dropout is >= 0 and < 1
            ? dropout
            : null;

    private static int? CountOf(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0 && count <= most ? count : null;

    private static double? ShareOf(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1 ? share : null;

    private static long? FlopsOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long flops) ? flops : null;

    // Null if the text is no JSON list of such items.
    private static T[]? ListIn<T>(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T[]>(json);
        }
        catch (JsonException)
        {
            return null;
        }
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
            // What is no text cannot be read as one, which then is said.
            if (key is string name) metadata[name] = text as string ?? Unpickler.Describe(text);
        }
        return metadata;
    }
}
