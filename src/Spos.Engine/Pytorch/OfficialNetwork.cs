using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Networks from the official checkpoints: megvii's supernet and single paths, and NNI's of the same. Sizes are read off the
/// tensors.
/// </summary>
public static partial class OfficialNetwork
{
    // Names told at most in one message.
    private const int MostNames = 8;

    // Four stages of what NetworkSpec takes.
    private const int MostBlocks = 256;

    /// <summary>The sizes of the network, and its architecture if it is a single path.</summary>
    /// <param name="imageSize">The one thing that a checkpoint does not tell.</param>
    /// <exception cref="TorchCheckpointException">The tensors are not of such a network, or some are missing,
    /// surplus or misshapen.</exception>
    public static (NetworkSpec Spec, Architecture? Path) Describe(
        IReadOnlyDictionary<string, TorchTensor> tensors, int imageSize, string path)
    {
        try
        {
            bool single = !tensors.Keys.Any(name => InBlock().Match(name) is { Success: true } match && match.Groups["choice"].Success);
            bool affine = tensors.ContainsKey("first_conv.1.weight");
            int stem = Size(tensors, "first_conv.0.weight");
            var repeats = new List<int>();
            var channels = new List<int>();
            var designs = new List<BlockDesign>();
            // Activations have no tensors: the network that has blocks with hard swish alone is known by its last stage.
            bool isPlus = tensors.Keys.Any(name => name.StartsWith($"{NetworkGraph.LastExcitation}.", StringComparison.Ordinal));
            BlockSet[] possible = [.. BlockSet.All.Where(set => set.IsPublishedPlus == isPlus)];
            for (int block = 0; ; block++)
            {
                string prefix = single ? $"features.{block}." : $"features.{block}.0.";
                if (!tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal))) break;
                long[][] main = Convolutions(tensors, $"{prefix}branch_main."), projection = Convolutions(tensors, $"{prefix}branch_proj.");
                if (block == MostBlocks) throw new FormatException($"it has more than {MostBlocks} blocks");
                if (main.Length == 0) throw new FormatException($"{prefix}branch_main has no convolution");
                int before = channels.Count > 0 ? channels[^1] : stem;
                int output = Size(projection.Length > 0 ? main[^1][0] + projection[^1][0] : 2 * main[^1][0], prefix);
                if (projection.Length > 0)
                {
                    repeats.Add(0);
                    channels.Add(output);
                }
                if (repeats.Count == 0) throw new FormatException("its first block has no branch_proj");
                repeats[^1]++;
                (int input, int stride) = projection.Length > 0 ? (before, 2) : (output / 2, 1);
                var sizes = new BlockSpec(block, input, output, stride, Size: 0, repeats.Count - 1);
                designs.Add(DesignOf(tensors, prefix, sizes, affine, possible));
            }
            if (designs.Count == 0) throw new FormatException("it has no features.0");
            var first = new BlockSpec(0, stem, channels[0], Stride: 2, Size: 0, Stage: 0);
            BlockSet set = isPlus
                ? BlockSet.ShuffleV2PlusPublished
                : SetOf(single ? designs : AllOf(tensors, first, affine, possible), possible);
            var spec = new NetworkSpec
            {
                ImageSize = imageSize,
                Classes = Size(tensors, "classifier.0.weight"),
                StemChannels = stem,
                StageRepeats = [.. repeats],
                StageChannels = [.. channels],
                BlockSet = set,
                LastChannels = Size(tensors, "conv_last.0.weight"),
                Affine = affine,
            };
            spec.Validate();
            Architecture? architecture = single
                ? spec.Space.PathOf(spec.BlockSpecs().Zip(designs, (block, design) => NumberIn(set.DesignsOf(block), design)))
                : null;
            Check(tensors, [.. OfficialTensors.Of(new ShuffleNetV2OneShot(spec, architecture))], path);
            return (spec, architecture);
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw new TorchCheckpointException($"{path} is not of the official network: {error.Message.TrimEnd('.')}.");
        }
    }

    /// <summary>Fills a network, which <see cref="Describe"/> gave the sizes of.</summary>
    /// <exception cref="TorchCheckpointException">Tensors are missing, surplus or misshapen; the network is as it was.</exception>
    public static ImportNotes Load(
        TorchCheckpoint checkpoint, IReadOnlyDictionary<string, TorchTensor> tensors, Session session, ShuffleNetV2OneShot network,
        string path)
    {
        OfficialTensor[] wanted = [.. OfficialTensors.Of(network)];
        Check(tensors, wanted, path);
        float[][] values = [.. wanted.Select(w => w.FromTorch(checkpoint.Floats(tensors[w.Name])))];
        for (int i = 0; i < wanted.Length; i++) wanted[i].Tensor.Upload(session.Stream, values[i]);
        foreach (BatchNormLayer layer in network.BatchNorms)
        {
            if (tensors.TryGetValue($"{layer.Name}.{OfficialTensors.Counter}", out TorchTensor? counter)
                && counter is { Count: 1, IsNumbers: true })
            {
                layer.BatchesTracked = checkpoint.Integers(counter)[0];
            }
        }
        return new ImportNotes(
            [.. wanted.Zip(values, (w, v) => (w.Name, v.Count(x => !float.IsFinite(x)))).Where(w => w.Item2 > 0)],
            [
                .. wanted.Select(w => tensors[w.Name].Type).Where(t => t != TorchType.Float32)
                    .GroupBy(t => t, (type, all) => (type, all.Count())),
            ]);
    }

    private static void Check(IReadOnlyDictionary<string, TorchTensor> tensors, OfficialTensor[] wanted, string path)
    {
        Refuse(path, "lacks", wanted.Where(w => !tensors.ContainsKey(w.Name)).Select(w => w.Name));
        HashSet<string> known = [.. wanted.Select(w => w.Name)];
        Refuse(
            path, "has, besides those of the network,",
            tensors.Keys.Where(name => !known.Contains(name) && !name.EndsWith($".{OfficialTensors.Counter}", StringComparison.Ordinal)));
        Refuse(
            path, "has tensors of the wrong shape:",
            wanted.Where(w => !tensors[w.Name].Sizes.SequenceEqual(w.Sizes))
                .Select(w => $"{w.Name} [{string.Join(", ", tensors[w.Name].Sizes)}] instead of [{string.Join(", ", w.Sizes)}]"));
        Refuse(
            path, "has tensors of types that no weights are of:",
            wanted.Where(w => !tensors[w.Name].IsNumbers).Select(w => $"{w.Name} ({tensors[w.Name].Type})"));
        // So a file of a few bytes cannot ask for much memory.
        Refuse(
            path, "repeats one element in", wanted.Where(w => tensors[w.Name].Count > tensors[w.Name].Storage.Count).Select(w => w.Name));
    }

    private static void Refuse(string path, string what, IEnumerable<string> names)
    {
        string[] all = [.. names.Order(StringComparer.Ordinal)];
        if (all.Length == 0) return;
        throw new TorchCheckpointException($"{path} {what} {Shown.Few(all, MostNames)}.");
    }

    // The sizes of a branch's convolution weights, in order.
    private static long[][] Convolutions(IReadOnlyDictionary<string, TorchTensor> tensors, string prefix) =>
    [
        .. tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal) && t.Value.Sizes.Count == 4)
            .Select(t => (Index: InBranch().Match(t.Key, prefix.Length), Sizes: (long[])[.. t.Value.Sizes]))
            .Where(t => t.Index.Success)
            .OrderBy(t => int.Parse(t.Index.Groups[1].ValueSpan, CultureInfo.InvariantCulture)).Select(t => t.Sizes),
    ];

    // The design whose arrays are most like those of a block. Whatever differs is told when the whole network is compared.
    private static BlockDesign DesignOf(
        IReadOnlyDictionary<string, TorchTensor> tensors, string prefix, BlockSpec block, bool affine, BlockSet[] possible)
    {
        Dictionary<string, IReadOnlyList<long>> there = tensors
            .Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)
                && !t.Key.EndsWith($".{OfficialTensors.Counter}", StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value.Sizes);
        int Differences(BlockDesign design)
        {
            (string Name, OpTensor Tensor)[] wanted = [.. NetworkGraph.Block(block, design, affine).Tensors];
            int alike = wanted.Count(w => there.ContainsKey(w.Name)),
                equal = wanted.Count(w => there.TryGetValue(w.Name, out IReadOnlyList<long>? sizes) && sizes.SequenceEqual(w.Tensor.Sizes));
            return wanted.Length + there.Count - alike - equal;
        }
        return possible.SelectMany(set => set.DesignsOf(block)).Distinct().MinBy(Differences)!;
    }

    // The designs of a supernet's first block: it has all of its set, as all others have. What no set has so many of is surplus, and
    // not looked at here: a file may name thousands.
    private static BlockDesign[] AllOf(
        IReadOnlyDictionary<string, TorchTensor> tensors, BlockSpec first, bool affine, BlockSet[] possible) =>
    [
        .. tensors.Keys.Select(name => InBlock().Match(name).Groups["choice"]).Where(choice => choice.Success)
            .Select(choice => int.Parse(choice.ValueSpan, CultureInfo.InvariantCulture)).Distinct()
            .Where(choice => choice < possible.Max(set => set.Designs.Length))
            .Select(choice => DesignOf(tensors, NetworkGraph.PrefixOf(0, choice), first, affine, possible)),
    ];

    private static BlockSet SetOf(IReadOnlyCollection<BlockDesign> designs, BlockSet[] possible) =>
        possible.FirstOrDefault(set => designs.All(design => NumberIn(set.Designs, design) >= 0)) ?? possible[^1];

    // A block with as many channels inside as planned is of scale 1.0 in a set with channel scales. Negative if the set has none such.
    private static int NumberIn(ImmutableArray<BlockDesign> designs, BlockDesign design)
    {
        BlockDesign wanted = designs[0].Scale != null ? design with { Scale = design.Scale ?? ChannelScales.Plain } : design;
        return designs.Index().Where(one => (one.Item with { Name = design.Name }) == wanted)
            .Select(one => one.Index).FirstOrDefault(-1);
    }

    private static int Size(IReadOnlyDictionary<string, TorchTensor> tensors, string name) =>
        tensors.TryGetValue(name, out TorchTensor? tensor) && tensor.Sizes.Count > 0
            ? Size(tensor.Sizes[0], name)
            : throw new FormatException($"it lacks {name}");

    private static int Size(long channels, string name) =>
        channels is >= 0 and <= int.MaxValue ? (int)channels : throw new FormatException($"{name} has {channels} channels");

    [GeneratedRegex(@"^features\.\d+\.(?:(?<choice>\d{1,4})\.)?branch_(?:main|proj)\.")]
    private static partial Regex InBlock();

    [GeneratedRegex(@"\G(\d{1,4})\.weight$")]
    private static partial Regex InBranch();
}
