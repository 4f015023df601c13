using System.Collections.Immutable;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// The sizes of a ShuffleNetV2 one-shot network. The defaults are the paper's (arXiv 1904.00420, table 1).
/// </summary>
public sealed record NetworkSpec
{
    /// <summary>Bounds of sizes, below which neither parameters nor FLOPs overflow when they are counted.</summary>
    public const int MostImageSize = 2048, MostChannels = 4096, MostLastChannels = 8192;

    /// <summary>Height and width of the images; divisible by 32.</summary>
    public int ImageSize { get; init; } = 224;

    public int Classes { get; init; } = 1000;

    /// <summary>Output channels of the stem.</summary>
    public int StemChannels { get; init; } = 16;

    /// <summary>Choice blocks of each stage; the first of a stage has stride 2.</summary>
    public ImmutableArray<int> StageRepeats { get; init; } = [4, 4, 8, 4];

    /// <summary>Output channels of each stage.</summary>
    public ImmutableArray<int> StageChannels { get; init; } = [64, 160, 320, 640];

    /// <summary>What each choice block can be.</summary>
    public BlockSet BlockSet { get; init; } = BlockSet.ShuffleV2;

    /// <summary>Output channels of the last convolution.</summary>
    public int LastChannels { get; init; } = 1024;

    /// <summary>Whether batch norm has γ and β: not in the supernet, yes in a network trained from scratch.</summary>
    public bool Affine { get; init; }

    /// <summary>Probability of dropping a feature before the classifier.</summary>
    public float Dropout { get; init; } = 0.1f;

    /// <summary>Choice blocks in all.</summary>
    public int Blocks => StageRepeats.Sum();

    /// <summary>What can be searched: the designs of each choice block.</summary>
    public SearchSpace Space => new(BlockSpecs().Select(BlockSet.AlternativesOf), BlockSet.HasScales);

    /// <summary>Whether the widths, depths and image size are the paper's, for which its FLOPs limits are meant.</summary>
    public bool IsOfficialSize
    {
        get
        {
            var official = new NetworkSpec();
            return ImageSize == official.ImageSize && HasWidthsOf(official);
        }
    }

    /// <summary>The shape of every block, from the image on.</summary>
    public IEnumerable<BlockSpec> BlockSpecs()
    {
        int channels = StemChannels, size = ImageSize / 2, index = 0;
        for (int stage = 0; stage < StageRepeats.Length; stage++)
        {
            for (int i = 0; i < StageRepeats[stage]; i++)
            {
                int stride = i == 0 ? 2 : 1;
                yield return new BlockSpec(index++, stride == 2 ? channels : channels / 2, StageChannels[stage], stride, size, stage);
                channels = StageChannels[stage];
                size = (size - 1) / stride + 1;
            }
        }
    }

    /// <exception cref="ArgumentException">A size is impossible; the message says which and why.</exception>
    public void Validate()
    {
        if (ImageSize is < 32 or > MostImageSize || ImageSize % 32 != 0)
        {
            throw new ArgumentException($"image size {ImageSize} is not a multiple of 32 of at most {MostImageSize}.");
        }
        if (Classes < 2) throw new ArgumentException($"{Classes} classes: at least 2 are needed.");
        if (StageRepeats.Length != 4 || StageChannels.Length != 4)
        {
            throw new ArgumentException("stage repeats and stage channels take 4 numbers each, one a stage.");
        }
        if (StageRepeats.Any(r => r is < 1 or > 64))
        {
            throw new ArgumentException($"stage repeats {string.Join(',', StageRepeats)}: each is 1 to 64.");
        }
        if (StemChannels < 1 || LastChannels < 1) throw new ArgumentException("stem and last channels are at least 1.");
        if (StageChannels.Append(StemChannels).Max() > MostChannels || LastChannels > MostLastChannels)
        {
            throw new ArgumentException(
                $"stem {StemChannels}, stages {string.Join(',', StageChannels)}, last {LastChannels} channels: "
                + $"at most {MostChannels} are possible, of the last convolution {MostLastChannels}.");
        }
        int previous = StemChannels;
        foreach (int channels in StageChannels)
        {
            if (channels % 2 != 0 || channels <= previous)
            {
                throw new ArgumentException(
                    $"stage channels {string.Join(',', StageChannels)}: "
                    + $"each is even and larger than the one before (the stem's {StemChannels} at first).");
            }
            previous = channels;
        }
        if (Dropout is not (>= 0 and < 1)) throw new ArgumentException($"dropout {Dropout} is not in [0, 1).");
    }

    public bool Equals(NetworkSpec? other) =>
        other != null && ImageSize == other.ImageSize && Classes == other.Classes
        && Affine == other.Affine && BlockSet == other.BlockSet && Dropout == other.Dropout && HasWidthsOf(other);

    public override int GetHashCode() => HashCode.Combine(ImageSize, Classes, StemChannels, LastChannels, Affine, StageRepeats.Length);

    public override string ToString() =>
        $"{ImageSize}×{ImageSize}, {Classes} classes, stem {StemChannels}, "
        + $"stages {string.Join('-', StageRepeats)} of {string.Join('-', StageChannels)} channels, last {LastChannels}"
        + (BlockSet == BlockSet.ShuffleV2 ? "" : $", blocks {BlockSet}");

    private bool HasWidthsOf(NetworkSpec other) =>
        StemChannels == other.StemChannels && LastChannels == other.LastChannels && StageRepeats.SequenceEqual(other.StageRepeats) &&
        StageChannels.SequenceEqual(other.StageChannels);
}

/// <summary>
/// One choice block: its number, the channels that go through it, all its output channels, its stride, the height
/// and width of its input, and the number of its stage.
/// </summary>
public readonly record struct BlockSpec(int Index, int Input, int Output, int Stride, int Size, int Stage)
{
    /// <summary>Channels inside the block.</summary>
    public int Middle => Output / 2;

    /// <summary>The shape of the result for an input of shape <paramref name="x"/>.</summary>
    public Shape OutputOn(Shape x) => new(x.N, (x.H - 1) / Stride + 1, (x.W - 1) / Stride + 1, Output);

    /// <summary>Output channels of the main branch; the rest is passed by or projected.</summary>
    public int MainOutput => Output - Input;
}
