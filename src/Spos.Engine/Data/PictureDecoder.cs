using System.Numerics;
using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Turns pictures into network input on the device: of JPEGs that are entropy-decoded, dequantisation, inverse DCT, upsampling, colour
/// (kernels/jpeg.cu), then of all crop, resize, flip, jitter and normalisation (kernels/image.cu). One per worker.
/// </summary>
internal sealed class PictureDecoder(Session session) : IDisposable
{
    // Red, green, blue and 0.
    private const int ValuesPerPixel = CompressedPicture.BytesPerPixel;

    // Output rows of a block of image_resize: neighbours both resize the source rows between them, which costs a CPU more than a GPU.
    private const int RowsPerCpuBlock = 56, RowsPerGpuBlock = 8;

    // A multiple of every kPixelGroup of native/toolchains.
    private const int TapGroup = 4;

    private readonly PinnedBuffer _coefficients = new(session.Device);
    private readonly PinnedBuffer _pixels = new(session.Device);
    private readonly DeviceEvent _copied = DeviceEvent.On(session.Stream);

    /// <summary>
    /// How many bytes of coefficients, samples and pixels are on the device at a time, or one picture's if it has more: batches that have
    /// more are decoded in parts.
    /// </summary>
    public long PartBytes { get; init; } = 256L << 20;

    /// <summary>Decodes, transforms and normalises a batch.</summary>
    /// <param name="fixedPoint">Whether to resize as OpenCV does; the transforms are <see cref="Transforms.OfficialValidation"/>'s.</param>
    /// <returns>[N, size, size, 3].</returns>
    public Tensor Decode(
        IReadOnlyList<CompressedPicture> pictures, ImageTransformRecord[] transforms, int size,
        Preprocessing preprocessing = Preprocessing.Standard, bool fixedPoint = false)
    {
        Tensor batch = session.Rent(new Shape(transforms.Length, size, size, 3));
        DecodeTo(batch, pictures, transforms, preprocessing, fixedPoint);
        return batch;
    }

    /// <summary>As <see cref="Decode"/>, to <paramref name="batch"/>. The pictures may be disposed of when it returns.</summary>
    public void DecodeTo(
        Tensor batch, IReadOnlyList<CompressedPicture> pictures, Span<ImageTransformRecord> transforms, Preprocessing preprocessing, bool fixedPoint)
    {
        int size = batch.Shape.W;
        long imageValues = batch.Shape.Count / batch.Shape.N, resizedBytes = (long)size * size * sizeof(uint);
        for (int first = 0, end; first < pictures.Count; first = end)
        {
            var layout = new PictureLayout();
            for (end = first; end < pictures.Count && layout.Bytes + (end - first) * resizedBytes < PartBytes; end++)
            {
                transforms[end].Region = Transforms.RegionOf(transforms[end], size);
                transforms[end].Pixels = layout.Add(pictures[end], transforms[end].Region);
            }
            using Tensor part = batch.View(batch.Shape with { N = end - first }, first * imageValues);
            DecodePart(part, layout, transforms[first..end], preprocessing, fixedPoint);
        }
    }

    /// <summary>The whole picture, [height][width][3] bytes: what libjpeg-turbo gives by default, bit for bit.</summary>
    public byte[] DecodeWhole(CompressedPicture picture)
    {
        var layout = new PictureLayout();
        layout.Add(picture, new PictureRegion(0, picture.Width, 0, picture.Height));
        using var pixels = new DeviceArray<byte>(session.Pool, checked((int)layout.PixelBytes));
        ToPixels(pixels, layout);
        byte[] padded = new byte[pixels.Length];
        pixels.Download(session.Stream, padded);
        return [.. padded.Where((_, i) => i % ValuesPerPixel != 3)];
    }

    public void Dispose()
    {
        _copied.Synchronize();
        _copied.Dispose();
        _coefficients.Dispose();
        _pixels.Dispose();
    }

    private void DecodePart(
        Tensor batch, PictureLayout layout, Span<ImageTransformRecord> transforms, Preprocessing preprocessing, bool fixedPoint)
    {
        int size = batch.Shape.W;
        using var pixels = new DeviceArray<byte>(session.Pool, checked((int)layout.PixelBytes));
        ToPixels(pixels, layout);
        using var resized = new DeviceArray<uint>(session.Pool, checked(transforms.Length * size * size));
        long keptRows = 0;
        double scale = 1;
        foreach (ref ImageTransformRecord transform in transforms)
        {
            transform.Slots = (int)BitOperations.RoundUpToPowerOf2((uint)MostTaps(transform.ScaleY) + 1);
            transform.Rows = keptRows * Padded(size);
            keptRows += transform.Slots * ResizeBlocks(size);
            scale = Math.Max(scale, Math.Max(transform.ScaleX, transform.ScaleY));
        }
        using var descriptors = new DeviceArray<ImageTransformRecord>(session.Pool, transforms.Length);
        descriptors.Upload(session.Stream, transforms);
        if (fixedPoint) session.Launch("image_resize_fixed", size, transforms.Length, resized, pixels, descriptors, size);
        else Resize(resized, pixels, descriptors, size, keptRows, MostTaps(scale));
        using var grey = new DeviceArray<float>(session.Pool, transforms.Length);
        session.Launch("image_jitter_before_contrast", transforms.Length, 1, resized, grey, descriptors, size);
        (float range, IReadOnlyList<float> mean, IReadOnlyList<float> deviation) = preprocessing == Preprocessing.Spos
            ? (1, [0, 0, 0], [1, 1, 1])
            : (255, ImageNetStatistics.Mean, ImageNetStatistics.Deviation);
        session.Launch(
            "image_jitter_and_normalise", size, transforms.Length, batch, resized, grey, descriptors, size,
            range, mean[0], mean[1], mean[2], deviation[0], deviation[1], deviation[2], preprocessing == Preprocessing.Spos);
    }

    private void Resize(DeviceArray<uint> resized, DeviceArray<byte> pixels, DeviceArray<ImageTransformRecord> transforms, int size, long keptRows, int mostTaps)
    {
        int count = transforms.Length, outputs = 2 * count * Padded(size);
        using var taps = new DeviceArray<long>(session.Pool, outputs);
        using var weights = new DeviceArray<int>(session.Pool, checked(outputs * mostTaps));
        using var rows = new DeviceArray<uint>(session.Pool, checked((int)(keptRows * Padded(size))));
        session.Launch("image_filter_taps", count, 2, taps, weights, transforms, size, mostTaps);
        session.Launch("image_resize", ResizeBlocks(size), count, resized, rows, pixels, taps, weights, transforms, size, mostTaps, RowsPerBlock);
    }

    private int RowsPerBlock => session.Device.BlocksAreThreads ? RowsPerCpuBlock : RowsPerGpuBlock;

    private int ResizeBlocks(int size) => (size + RowsPerBlock - 1) / RowsPerBlock;

    // padded() of kernels/image.cu.
    private static int Padded(int size) => (size + 15) / 16 * 16;

    // The filter reaches as far as the scale, at least a pixel, to both sides; taps are padded to groups.
    private static int MostTaps(double scale) => (int)(2 * Math.Max(1, scale)) / TapGroup * TapGroup + TapGroup;

    // Uploads what a layout names and makes pixels of it.
    private void ToPixels(DeviceArray<byte> pixels, PictureLayout layout)
    {
        // The last part may still be on its way.
        _copied.Synchronize();
        if (layout.BlockRows.Count > 0) DecodeJpegs(pixels, layout);
        if (layout.Decoded.Count > 0) CopyDecoded(pixels, layout);
        _copied.Record(session.Stream);
    }

    private void DecodeJpegs(DeviceArray<byte> pixels, PictureLayout layout)
    {
        using var coefficients = new DeviceArray<short>(session.Pool, layout.CoefficientCount);
        using var quantisation = new DeviceArray<ushort>(session.Pool, layout.Quantisation.Count);
        using var images = new DeviceArray<JpegImageRecord>(session.Pool, layout.Images.Count);
        using var blocks = new DeviceArray<JpegStripRecord>(session.Pool, layout.BlockRows.Count);
        using var rows = new DeviceArray<JpegStripRecord>(session.Pool, layout.PixelRows.Count);
        using var samples = new DeviceArray<byte>(session.Pool, checked((int)layout.SampleBytes));
        Span<short> staging = _coefficients.Get<short>(layout.CoefficientCount);
        foreach ((CompressedPicture picture, int start, int length, int target) in layout.Pieces) picture.Coefficients.Slice(start, length).CopyTo(staging[target..]);
        coefficients.Upload(session.Stream, staging);
        quantisation.Upload(session.Stream, CollectionsMarshal.AsSpan(layout.Quantisation));
        images.Upload(session.Stream, CollectionsMarshal.AsSpan(layout.Images));
        blocks.Upload(session.Stream, CollectionsMarshal.AsSpan(layout.BlockRows));
        rows.Upload(session.Stream, CollectionsMarshal.AsSpan(layout.PixelRows));
        session.Launch("jpeg_inverse_dct", layout.BlockRows.Count, 1, samples, coefficients, quantisation, images, blocks);
        session.Launch("jpeg_to_rgb", layout.PixelRows.Count, 1, pixels, samples, images, rows);
    }

    // The regions of pictures that are pixels already.
    private void CopyDecoded(DeviceArray<byte> pixels, PictureLayout layout)
    {
        Span<byte> staging = _pixels.Get<byte>(layout.Decoded.Sum(d => d.Region.Width * d.Region.Height * ValuesPerPixel));
        foreach ((CompressedPicture picture, PictureRegion region, long target) in layout.Decoded)
        {
            int length = region.Width * ValuesPerPixel;
            for (int y = 0; y < region.Height; y++)
            {
                int start = ((region.Top + y) * picture.Width + region.Left) * ValuesPerPixel;
                picture.Pixels.Slice(start, length).CopyTo(staging[(y * length)..]);
            }
            pixels.Upload(session.Stream, staging[..(region.Height * length)], (int)target);
            staging = staging[(region.Height * length)..];
        }
    }
}
