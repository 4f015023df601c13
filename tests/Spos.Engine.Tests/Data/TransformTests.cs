using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>Crop, resize, flip, jitter and normalisation against the same written plainly, bit for bit.</summary>
public sealed class TransformTests
{
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    [Theory]
    [OnEachDevice(64, 64, 64, false)]
    [OnEachDevice(97, 61, 32, false)]
    [OnEachDevice(40, 71, 64, false)]
    [OnEachDevice(97, 61, 32, true)]
    [OnEachDevice(23, 30, 64, true)]
    [OnEachDevice(150, 120, 96, true)]
    [OnEachDevice(151, 43, 17, true)]
    [OnEachDevice(3, 90, 20, false)]
    [OnEachDevice(2, 3, 9, true)]
    public void Pictures_equal_the_definition(string device, int width, int height, int size, bool training)
    {
        byte[] file = JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample420, 90);
        using var decoding = new Decoding(device);
        for (ulong i = 0; i < 4; i++)
        {
            using CompressedPicture picture = CompressedPicture.Decode(file, "test");
            ImageTransformRecord t = training
                ? Transforms.Training(
                    width, height, size, new Augmentation { Erasing = 0.5f }, new CounterRandom(9, RandomPurpose.Augmentation, 0, i))
                : Transforms.Validation(width, height, size);
            float[] want = Reference(decoding.Decoder.DecodeWhole(picture), width, t, size);
            float[] got = decoding.Input(picture, t, size);
            for (int k = 0; k < got.Length; k++) Assert.True(want[k] == got[k], $"[{k}]: {got[k]} instead of {want[k]}");
        }
    }

    [Fact]
    public void Random_crops_stay_inside_and_have_the_asked_area()
    {
        for (ulong i = 0; i < 2000; i++)
        {
            ImageTransformRecord t = Transforms.Training(
                101, 67, 32, new Augmentation { MinArea = 0.3f }, new CounterRandom(1, RandomPurpose.Augmentation, 1, i));
            Assert.InRange(t.Source.Left, 0, t.Source.Right - 1);
            Assert.InRange(t.Source.Top, 0, t.Source.Bottom - 1);
            Assert.InRange(t.Source.Right, 1, 101);
            Assert.InRange(t.Source.Bottom, 1, 67);
            double share = t.Source.Width * t.Source.Height / (101.0 * 67);
            Assert.InRange(share, 0.28, 1);
        }
    }

    [Fact]
    public void Erased_rectangles_are_inside_and_as_many_and_as_large_as_asked()
    {
        const int count = 4000, size = 48;
        int erased = 0;
        double area = 0;
        for (ulong i = 0; i < count; i++)
        {
            CounterRandom At() => new(1, RandomPurpose.Augmentation, 2, i);
            ImageTransformRecord t = Transforms.Training(101, 67, size, new Augmentation { Erasing = 0.25f }, At()),
                plain = Transforms.Training(101, 67, size, new Augmentation(), At());
            Assert.Equal((plain.Source, plain.Flip, plain.Contrast, plain.Order), (t.Source, t.Flip, t.Contrast, t.Order));
            if (t.EraseRight == 0) continue;
            erased++;
            Assert.InRange(t.EraseLeft, 0, t.EraseRight - 1);
            Assert.InRange(t.EraseTop, 0, t.EraseBottom - 1);
            Assert.InRange(t.EraseRight, 1, size);
            Assert.InRange(t.EraseBottom, 1, size);
            double share = (t.EraseRight - t.EraseLeft) * (t.EraseBottom - t.EraseTop) / (double)(size * size);
            // Sides are rounded.
            Assert.InRange(share, 0.015, 0.36);
            area += share;
        }
        Assert.InRange(erased / (double)count, 0.22, 0.28);
        // Areas are uniform between 2% and 33%; long ones of the largest do not fit and are drawn again.
        Assert.InRange(area / erased, 0.15, 0.18);
    }

    /// <summary>A transform's source, all of it resized, to 8 bits after each pass as PIL does.</summary>
    /// <param name="pixels">A picture of so many pixels' width.</param>
    internal static byte[] Resized(byte[] pixels, int width, ImageTransformRecord t)
    {
        PictureRegion source = t.Source;
        byte[] wide = new byte[source.Height * t.ResizedWidth * 3], resized = new byte[t.ResizedHeight * t.ResizedWidth * 3];
        for (int x = 0; x < t.ResizedWidth; x++)
        {
            (int first, int[] weights) = Taps(x, source.Width, t.ResizedWidth);
            for (int i = 0; i < source.Height * 3; i++)
            {
                int at = ((source.Top + i / 3) * width + source.Left + first) * 3 + i % 3;
                wide[(i / 3 * t.ResizedWidth + x) * 3 + i % 3] = Level(weights.Select((w, k) => w * pixels[at + 3 * k]).Sum());
            }
        }
        for (int y = 0; y < t.ResizedHeight; y++)
        {
            (int first, int[] weights) = Taps(y, source.Height, t.ResizedHeight);
            int row = t.ResizedWidth * 3;
            for (int i = 0; i < row; i++) resized[y * row + i] = Level(weights.Select((w, k) => w * wide[(first + k) * row + i]).Sum());
        }
        return resized;
    }

    // The input is cut out of the resized source.
    private static float[] Reference(byte[] pixels, int width, ImageTransformRecord t, int size)
    {
        byte[] resized = Resized(pixels, width, t);
        byte[] levels = new byte[size * size * 3];
        for (int i = 0; i < levels.Length; i++)
        {
            int x = i / 3 % size, y = i / 3 / size;
            levels[i] = resized[((t.CropTop + y) * t.ResizedWidth + t.CropLeft + (t.Flip != 0 ? size - 1 - x : x)) * 3 + i % 3];
        }
        for (int step = 0; step < 3; step++) Jitter(levels, (t.Order >> (2 * step)) & 3, t);
        bool Erased(int i) =>
            i / 3 % size >= t.EraseLeft && i / 3 % size < t.EraseRight && i / 3 / size >= t.EraseTop && i / 3 / size < t.EraseBottom;
        return [.. levels.Select((v, i) => Erased(i) ? 0 : ((v / 255f) - Mean[i % 3]) / Deviation[i % 3])];
    }

    private static byte Level(int sum) => (byte)Math.Clamp((sum + (1 << 21)) >> 22, 0, 255);

    private static (int First, int[] Weights) Taps(int output, int source, int resized)
    {
        double scale = (double)source / resized, reach = Math.Max(scale, 1), centre = (output + 0.5) * scale;
        int first = Math.Max((int)(centre - reach + 0.5), 0), last = Math.Min((int)(centre + reach + 0.5), source);
        double[] weights =
            [.. Enumerable.Range(first, last - first).Select(i => Math.Max(0, 1 - Math.Abs((i - centre + 0.5) * (1 / reach))))];
        double sum = weights.Sum();
        return (first, [.. weights.Select(w => (int)(w / sum * (1 << 22) + 0.5))]);
    }

    private static void Jitter(byte[] levels, int operation, ImageTransformRecord t)
    {
        int Grey(int i) => (19595 * levels[i] + 38470 * levels[i + 1] + 7471 * levels[i + 2] + 32768) >> 16;
        int mean = (int)(Enumerable.Range(0, levels.Length / 3).Average(p => Grey(3 * p)) + 0.5);
        for (int i = 0; i < levels.Length; i += 3)
        {
            int start = operation switch { 0 => 0, 1 => mean, _ => Grey(i) };
            float factor = operation switch { 0 => t.Brightness, 1 => t.Contrast, _ => t.Saturation };
            for (int c = 0; c < 3; c++)
            {
                float product = factor * (levels[i + c] - start);
                levels[i + c] = (byte)Math.Clamp(start + product, 0, 255);
            }
        }
    }
}
