using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Random;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>Crop, resize, flip, jitter and normalisation against the same in double precision.</summary>
public sealed class TransformTests
{
    private static readonly double[] Mean = [0.485, 0.456, 0.406];
    private static readonly double[] Deviation = [0.229, 0.224, 0.225];

    [Theory]
    [OnEachDevice(64, 64, 64, false)]
    [OnEachDevice(97, 61, 32, false)]
    [OnEachDevice(40, 71, 64, false)]
    [OnEachDevice(97, 61, 32, true)]
    [OnEachDevice(23, 30, 64, true)]
    [OnEachDevice(150, 120, 96, true)]
    public void Pictures_agree_with_double_precision(string device, int width, int height, int size, bool training)
    {
        byte[] file = JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample420, 90);
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        using var decoder = new PictureDecoder(session);
        for (ulong i = 0; i < 4; i++)
        {
            using CompressedPicture picture = CompressedPicture.Decode(file, "test");
            ImageTransformRecord t = training
                ? Transforms.Training(width, height, size, new Augmentation { Erasing = 0.5f }, new CounterRandom(9, RandomPurpose.Augmentation, 0, i))
                : Transforms.Validation(width, height, size);
            double[] want = Reference(decoder.DecodeWhole(picture), width, t, size);
            using Tensor batch = decoder.Decode([picture], [t], size);
            float[] got = batch.Download(session.Stream);
            // Levels go to 255 and pass about 30 operations in float; jitter and normalisation magnify them by up to 8.
            for (int k = 0; k < got.Length; k++) Assert.True(Math.Abs(want[k] - got[k]) < 255 * 30 * 8 / (double)(1 << 23) / 4, $"[{k}]: {got[k]} instead of {want[k]}");
        }
    }

    [Fact]
    public void Random_crops_stay_inside_and_have_the_asked_area()
    {
        for (ulong i = 0; i < 2000; i++)
        {
            ImageTransformRecord t = Transforms.Training(101, 67, 32, new Augmentation { MinArea = 0.3f }, new CounterRandom(1, RandomPurpose.Augmentation, 1, i));
            Assert.InRange(t.ClipLeft, 0, t.ClipRight - 1);
            Assert.InRange(t.ClipTop, 0, t.ClipBottom - 1);
            Assert.InRange(t.ClipRight, 1, 101);
            Assert.InRange(t.ClipBottom, 1, 67);
            double share = (t.ClipRight - t.ClipLeft) * (t.ClipBottom - t.ClipTop) / (101.0 * 67);
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
            ImageTransformRecord t = Transforms.Training(101, 67, size, new Augmentation { Erasing = 0.25f }, At()), plain = Transforms.Training(101, 67, size, new Augmentation(), At());
            Assert.Equal((plain.BoxLeft, plain.ScaleX, plain.Flip, plain.Contrast, plain.Order), (t.BoxLeft, t.ScaleX, t.Flip, t.Contrast, t.Order));
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

    private static double[] Reference(byte[] pixels, int width, ImageTransformRecord t, int size)
    {
        double[] levels = new double[size * size * 3];
        for (int y = 0; y < size; y++)
        {
            (int First, double[] Weights) rows = Taps(y, t.BoxTop, t.ScaleY, t.ClipTop, t.ClipBottom);
            for (int x = 0; x < size; x++)
            {
                (int First, double[] Weights) columns = Taps(x, t.BoxLeft, t.ScaleX, t.ClipLeft, t.ClipRight);
                int target = (y * size + (t.Flip != 0 ? size - 1 - x : x)) * 3;
                for (int i = 0; i < rows.Weights.Length; i++)
                {
                    for (int j = 0; j < columns.Weights.Length; j++)
                    {
                        int source = ((rows.First + i) * width + columns.First + j) * 3;
                        for (int c = 0; c < 3; c++) levels[target + c] += rows.Weights[i] * columns.Weights[j] * pixels[source + c];
                    }
                }
            }
        }
        for (int step = 0; step < 3; step++) Jitter(levels, (t.Order >> (2 * step)) & 3, t);
        bool Erased(int i) => i / 3 % size >= t.EraseLeft && i / 3 % size < t.EraseRight && i / 3 / size >= t.EraseTop && i / 3 / size < t.EraseBottom;
        return [.. levels.Select((v, i) => Erased(i) ? 0 : (v / 255 - Mean[i % 3]) / Deviation[i % 3])];
    }

    private static (int First, double[] Weights) Taps(int output, float box, float scale, int clipFirst, int clipLast)
    {
        double width = Math.Max(scale, 1), centre = box + (output + 0.5) * scale;
        int first = Math.Max((int)(centre - width + 0.5), clipFirst), last = Math.Min((int)(centre + width + 0.5), clipLast);
        double[] weights = [.. Enumerable.Range(first, last - first).Select(i => Math.Max(0, 1 - Math.Abs(i + 0.5 - centre) / width))];
        double sum = weights.Sum();
        return (first, [.. weights.Select(w => w / sum)]);
    }

    private static void Jitter(double[] levels, int operation, ImageTransformRecord t)
    {
        double Grey(int i) => 0.299 * levels[i] + 0.587 * levels[i + 1] + 0.114 * levels[i + 2];
        double mean = Enumerable.Range(0, levels.Length / 3).Average(p => Grey(3 * p));
        for (int i = 0; i < levels.Length; i += 3)
        {
            double grey = Grey(i);
            for (int c = 0; c < 3; c++)
            {
                double factor = operation switch { 0 => t.Brightness, 1 => t.Contrast, _ => t.Saturation };
                double start = operation switch { 0 => 0, 1 => mean, _ => grey };
                levels[i + c] = Math.Clamp(factor * levels[i + c] + (1 - factor) * start, 0, 255);
            }
        }
    }
}
