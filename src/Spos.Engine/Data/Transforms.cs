using System.Numerics;

namespace Spos.Engine.Data;

/// <summary>The random changes of training pictures. The defaults are those of the official code.</summary>
public sealed record Augmentation
{
    /// <summary>Least share of a picture's area that a random crop takes; 1 takes the whole picture.</summary>
    public float MinArea { get; init; } = 0.08f;

    /// <summary>Brightness, contrast and saturation are scaled by 1 − jitter … 1 + jitter, in random order.</summary>
    public float Jitter { get; init; } = 0.4f;

    /// <summary>Probability of mirroring left to right.</summary>
    public float Flip { get; init; } = 0.5f;

    /// <summary>Probability of erasing a random rectangle (arXiv 1708.04896), as torchvision and timm do: it becomes 0.</summary>
    public float Erasing { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (MinArea is not (> 0 and <= 1)) throw new ArgumentException($"least crop area {MinArea} is not in (0, 1].");
        if (Jitter is not (>= 0 and <= 1)) throw new ArgumentException($"jitter {Jitter} is not in [0, 1].");
        if (Flip is not (>= 0 and <= 1)) throw new ArgumentException($"flip probability {Flip} is not in [0, 1].");
        if (Erasing is not (>= 0 and <= 1)) throw new ArgumentException($"probability of erasing {Erasing} is not in [0, 1].");
    }
}

/// <summary>Chooses what part of a picture becomes the network's input, and how it is changed.</summary>
internal static class Transforms
{
    private const int Brightness = 0, Contrast = 1, Saturation = 2;
    private const float LeastRatio = 3f / 4, MostRatio = 4f / 3;

    // torchvision's training transform: tries ten times for a crop that fits, then takes a central one.
    private const int CropTries = 10;

    // torchvision's RandomErasing.
    private const float LeastErased = 0.02f, MostErased = 0.33f, LeastErasedRatio = 0.3f, MostErasedRatio = 3.3f;
    private const int EraseTries = 10;

    // A block of a JPEG has 8 rows and columns.
    private const int MostHalvings = 3;

    /// <summary>Random resized crop, flip and jitter, as torchvision's.</summary>
    public static ImageTransformRecord Training(int width, int height, int size, Augmentation options, CounterRandom random)
    {
        (int left, int top, int cropWidth, int cropHeight) = RandomCrop(width, height, options.MinArea, random);
        int[] order = [Brightness, Contrast, Saturation];
        ImageTransformRecord record = Resize(left, top, cropWidth, cropHeight, size);
        record.Flip = random.NextUnit() < options.Flip ? 1 : 0;
        record.Brightness = random.NextUniform(1 - options.Jitter, 1 + options.Jitter);
        record.Contrast = random.NextUniform(1 - options.Jitter, 1 + options.Jitter);
        record.Saturation = random.NextUniform(1 - options.Jitter, 1 + options.Jitter);
        random.Shuffle<int>(order);
        record.Order = order[0] | (order[1] << 2) | (order[2] << 4);
        if (options.Erasing > 0 && random.NextUnit() < options.Erasing) Erase(ref record, size, random);
        return record;
    }

    /// <summary>Resizes the shorter side to size·256/224 and crops the middle.</summary>
    public static ImageTransformRecord Validation(int width, int height, int size)
    {
        int side = ValidationSize.ResizedSide(size);
        return width <= height
            ? MiddleOf(width, height, side, (int)((long)side * height / width), size)
            : MiddleOf(width, height, (int)((long)side * width / height), side, size);
    }

    /// <summary>
    /// The official code's: OpenCV's bilinear resize of the shorter side to size·256/224 (kernel image_resize_fixed), the middle.
    /// </summary>
    public static ImageTransformRecord OfficialValidation(int width, int height, int size)
    {
        int side = ValidationSize.ResizedSide(size);
        return height < width
            ? MiddleOf(width, height, (int)((double)side / height * width + 0.5), side, size)
            : MiddleOf(width, height, side, (int)((double)side / width * height + 0.5), size);
    }

    /// <summary>What a transform reads of a picture of that size, and perhaps a little more.</summary>
    public static PictureRegion RegionOf(in ImageTransformRecord t, int size)
    {
        (int left, int right) = Reach(t.CropLeft, t.ScaleX, size, t.Source.Left, t.Source.Right, t.Halvings);
        (int top, int bottom) = Reach(t.CropTop, t.ScaleY, size, t.Source.Top, t.Source.Bottom, t.Halvings);
        return new PictureRegion(left, right, top, bottom);
    }

    /// <summary>How often the picture can be halved and still has a pixel, on both axes, for each of the output.</summary>
    public static int HalvingsOf(in ImageTransformRecord t)
    {
        int most = Math.Min(t.Source.Width / t.ResizedWidth, t.Source.Height / t.ResizedHeight);
        return most == 0 ? 0 : Math.Min(MostHalvings, BitOperations.Log2((uint)most));
    }

    // From where to where `size` output pixels from `crop` on read that are `scale` apart, with the filter's width and one for rounding.
    private static (int First, int Last) Reach(int crop, double scale, int size, int sourceFirst, int sourceLast, int halvings)
    {
        double margin = Math.Max(scale, 1) + 1, first = (double)sourceFirst / (1 << halvings) + crop * scale;
        return (
            (int)Math.Max(Math.Floor(first - margin), sourceFirst >> halvings),
            (int)Math.Min(Math.Ceiling(first + scale * size + margin), PictureView.Halved(sourceLast, halvings)));
    }

    // The middle of the resized picture, begun as torchvision rounds it.
    private static ImageTransformRecord MiddleOf(int width, int height, int resizedWidth, int resizedHeight, int size)
    {
        ImageTransformRecord record = Resize(0, 0, width, height, size);
        (record.ResizedWidth, record.ResizedHeight) = (resizedWidth, resizedHeight);
        record.CropLeft = (int)Math.Round((resizedWidth - size) / 2.0);
        record.CropTop = (int)Math.Round((resizedHeight - size) / 2.0);
        return record;
    }

    /// <summary>A part of a picture, resized to the input's size.</summary>
    public static ImageTransformRecord Resize(int left, int top, int cropWidth, int cropHeight, int size) => new()
    {
        Source = new PictureRegion(left, left + cropWidth, top, top + cropHeight),
        ResizedWidth = size,
        ResizedHeight = size,
        Brightness = 1,
        Contrast = 1,
        Saturation = 1,
        Order = Brightness | (Contrast << 2) | (Saturation << 4),
    };

    // A rectangle of the output; none if ten do not fit.
    private static void Erase(ref ImageTransformRecord record, int size, CounterRandom random)
    {
        for (int i = 0; i < EraseTries; i++)
        {
            double area = (double)size * size * random.NextUniform(LeastErased, MostErased);
            double ratio = Math.Exp(random.NextUniform(MathF.Log(LeastErasedRatio), MathF.Log(MostErasedRatio)));
            int height = (int)Math.Round(Math.Sqrt(area * ratio)), width = (int)Math.Round(Math.Sqrt(area / ratio));
            if (height < 1 || width < 1 || height >= size || width >= size) continue;
            record.EraseLeft = random.NextInt(size - width + 1);
            record.EraseTop = random.NextInt(size - height + 1);
            record.EraseRight = record.EraseLeft + width;
            record.EraseBottom = record.EraseTop + height;
            return;
        }
    }

    private static (int Left, int Top, int Width, int Height) RandomCrop(int width, int height, float minArea, CounterRandom random)
    {
        for (int i = 0; i < CropTries; i++)
        {
            double area = width * (double)height * random.NextUniform(minArea, 1);
            double ratio = Math.Exp(random.NextUniform(MathF.Log(LeastRatio), MathF.Log(MostRatio)));
            int w = (int)Math.Round(Math.Sqrt(area * ratio)), h = (int)Math.Round(Math.Sqrt(area / ratio));
            if (w >= 1 && w <= width && h >= 1 && h <= height) return (random.NextInt(width - w + 1), random.NextInt(height - h + 1), w, h);
        }
        float whole = (float)width / height;
        int cropWidth = whole > MostRatio ? Math.Max(1, (int)Math.Round(height * MostRatio)) : width;
        int cropHeight = whole < LeastRatio ? Math.Max(1, (int)Math.Round(width / LeastRatio)) : height;
        return ((width - cropWidth) / 2, (height - cropHeight) / 2, cropWidth, cropHeight);
    }
}
