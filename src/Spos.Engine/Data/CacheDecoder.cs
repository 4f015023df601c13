using System.Buffers;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Decodes pictures as a cache keeps them: to the pixels that a batch would be made of, or shrunk to a short side as the standard
/// validation shrinks them, antialiased, each value rounded to 8 bits. One per thread.
/// </summary>
internal sealed class CacheDecoder : IDisposable
{
    private readonly Session _session;
    private readonly PictureDecoder _decoder;

    public CacheDecoder(Device device)
    {
        _session = new Session(device);
        _decoder = new PictureDecoder(_session);
    }

    /// <summary>The size that a picture has in a cache.</summary>
    /// <param name="shortSide">The most pixels of the shorter side; null for the picture's size.</param>
    public static (int Width, int Height) SizeOf(int width, int height, int? shortSide) =>
        shortSide is not { } side || Math.Min(width, height) <= side ? (width, height)
        : width <= height ? (side, (int)((long)side * height / width))
        : ((int)((long)side * width / height), side);

    /// <summary>A picture's pixels, packed, to <paramref name="packed"/>, which has room for what <see cref="SizeOf"/> says.</summary>
    public void Decode(Span<byte> packed, CompressedPicture picture, int? shortSide)
    {
        (int width, int height) = SizeOf(picture.Width, picture.Height, shortSide);
        if (shortSide is { } side && (width, height) != (picture.Width, picture.Height)) Shrink(packed, picture, width, height, side);
        else _decoder.DecodeWholeTo(packed, picture);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _session.Dispose();
    }

    // Kernels make squares: they are cut out side by side along the longer side, the last one at its end.
    private void Shrink(Span<byte> packed, CompressedPicture picture, int width, int height, int side)
    {
        int row = side * PackedPixels.BytesPerPixel;
        float[] levels = ArrayPool<float>.Shared.Rent(side * row);
        for (int start = 0; start < Math.Max(width, height); start += side)
        {
            ImageTransformRecord transform = Transforms.Resize(0, 0, picture.Width, picture.Height, side);
            (transform.ResizedWidth, transform.ResizedHeight) = (width, height);
            (int left, int top) = (Math.Min(start, width - side), Math.Min(start, height - side));
            (transform.CropLeft, transform.CropTop) = (left, top);
            // The official preprocessing leaves levels as they are.
            using Tensor square = _decoder.Decode([picture], [transform], side, Preprocessing.Spos);
            square.Download(_session.Stream, levels.AsSpan(0, side * row));
            for (int y = 0; y < side; y++)
            {
                Put(packed[(((top + y) * width + left) * PackedPixels.BytesPerPixel)..], levels.AsSpan(y * row, row));
            }
        }
        ArrayPool<float>.Shared.Return(levels);
    }

    // A row of blue, green and red.
    private static void Put(Span<byte> target, ReadOnlySpan<float> levels)
    {
        for (int i = 0; i < levels.Length; i += PackedPixels.BytesPerPixel)
        {
            (target[i], target[i + 1], target[i + 2]) = ((byte)levels[i + 2], (byte)levels[i + 1], (byte)levels[i]);
        }
    }
}
