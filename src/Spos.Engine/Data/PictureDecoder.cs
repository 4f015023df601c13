using System.Buffers;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Turns pictures into network input on the device: of JPEGs that are entropy-decoded, dequantisation, inverse DCT, upsampling, colour
/// (kernels/jpeg.cu), then of all crop, resize, flip, jitter and normalisation (kernels/image.cu). One per worker.
/// </summary>
internal sealed class PictureDecoder(Session session) : IDisposable
{
    // Output rows of a block of image_resize: neighbours both resize the source rows between them, which costs a CPU more than a GPU.
    private const int RowsPerCpuBlock = 56, RowsPerGpuBlock = 8;

    // A GPU wants many pictures at once. A CPU takes what stays in a core's second-level cache from one kernel to the next.
    private const long GpuPartBytes = 256L << 20, CpuPartBytes = 1L << 20;

    private readonly StagingBuffer _staging = new(session.Device);

    /// <summary>
    /// How many bytes decoding takes of the device at a time, to a picture: batches that have more are decoded in parts, each of which ends
    /// with the picture that passes it. Buffers grow to what a part has.
    /// </summary>
    public long PartBytes { get; init; } = UsualPartBytes(session.Device);

    /// <summary><see cref="PartBytes"/> where nobody says otherwise.</summary>
    public static long UsualPartBytes(Device device) => device.BlocksAreThreads ? CpuPartBytes : GpuPartBytes;

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
        Tensor batch, IReadOnlyList<CompressedPicture> pictures, Span<ImageTransformRecord> transforms,
        Preprocessing preprocessing, bool fixedPoint)
    {
        int size = batch.Shape.W;
        long imageValues = batch.Shape.Count / batch.Shape.N;
        for (int first = 0, end; first < pictures.Count; first = end)
        {
            var layout = new PictureLayout();
            var work = new ResizeWork(size, RowsPerBlock);
            for (end = first; end < pictures.Count; end++)
            {
                ref ImageTransformRecord transform = ref transforms[end];
                if (end > first && layout.Bytes + layout.SampleBytes + work.BytesWith(transform) > PartBytes) break;
                transform.Region = Transforms.RegionOf(transform, size);
                transform.Pixels = layout.Add(pictures[end], transform.Region);
                work.Add(ref transform);
            }
            using Tensor part = batch.View(batch.Shape with { N = end - first }, first * imageValues);
            DecodePart(part, layout, work, transforms[first..end], preprocessing, fixedPoint);
        }
    }

    /// <summary>The whole picture, [height][width][3] bytes after it is halved: what libjpeg-turbo gives, bit for bit.</summary>
    public byte[] DecodeWhole(CompressedPicture picture)
    {
        (int width, int height) = SizeOf(picture);
        byte[] packed = new byte[(long)width * height * PackedPixels.BytesPerPixel];
        DecodeWholeTo(packed, picture);
        return packed;
    }

    /// <summary>As <see cref="DecodeWhole"/>, to <paramref name="packed"/>.</summary>
    public void DecodeWholeTo(Span<byte> packed, CompressedPicture picture)
    {
        var layout = new PictureLayout();
        (int width, int height) = SizeOf(picture);
        long start = layout.Add(picture, new PictureRegion(0, width, 0, height));
        using DeviceArray<byte> buffer = ToPixels(layout, [default]);
        int size = width * height * CompressedPicture.BytesPerPixel;
        byte[] padded = ArrayPool<byte>.Shared.Rent(size);
        buffer.Download(session.Stream, padded.AsSpan(0, size), layout.Pixels + start);
        PackedPixels.Pack(padded.AsSpan(0, size), packed);
        ArrayPool<byte>.Shared.Return(padded);
    }

    public void Dispose() => _staging.Dispose();

    private static (int Width, int Height) SizeOf(CompressedPicture picture) =>
        (PictureView.Halved(picture.Width, picture.Halvings), PictureView.Halved(picture.Height, picture.Halvings));

    private void DecodePart(
        Tensor batch, PictureLayout layout, ResizeWork work, ReadOnlySpan<ImageTransformRecord> transforms,
        Preprocessing preprocessing, bool fixedPoint)
    {
        int size = batch.Shape.W;
        using DeviceArray<byte> buffer = ToPixels(layout, transforms);
        DeviceSpan<byte> pixels = buffer.From(layout.Pixels), descriptors = buffer.From(PictureLayout.Transforms);
        using var resized = new DeviceArray<uint>(session.Pool, work.Outputs);
        if (fixedPoint) session.Grid(size, work.Count).ImageResizeFixed(resized, pixels, descriptors, size);
        else Resize(resized, pixels, descriptors, work);
        using var grey = new DeviceArray<float>(session.Pool, work.Count);
        session.Grid(work.Count).ImageJitterBeforeContrast(resized, grey, descriptors, size);
        (float range, IReadOnlyList<float> mean, IReadOnlyList<float> deviation) = preprocessing == Preprocessing.Spos
            ? (1, [0, 0, 0], [1, 1, 1])
            : (255, ImageNetStatistics.Mean, ImageNetStatistics.Deviation);
        session.Grid(size, work.Count).ImageJitterAndNormalise(
            batch, resized, grey, descriptors, size, range, mean[0], mean[1], mean[2], deviation[0], deviation[1], deviation[2],
            preprocessing == Preprocessing.Spos);
    }

    private void Resize(DeviceArray<uint> resized, DeviceSpan<byte> pixels, DeviceSpan<byte> transforms, ResizeWork work)
    {
        using var taps = new DeviceArray<long>(session.Pool, work.Taps);
        using var weights = new DeviceArray<int>(session.Pool, work.Weights);
        using var rows = new DeviceArray<uint>(session.Pool, work.Rows);
        DeviceSpan<byte> records = taps.From(0).Cast<byte>();
        session.Grid(work.Count, 2).ImageFilterTaps(records, weights, transforms, work.Size, work.MostTaps);
        session.Grid(work.Blocks, work.Count).ImageResize(
            resized, rows, pixels, records, weights, transforms, work.Size, work.MostTaps, work.RowsPerBlock);
    }

    private int RowsPerBlock => session.Device.BlocksAreThreads ? RowsPerCpuBlock : RowsPerGpuBlock;

    // Uploads what a layout names and makes pixels of it, in a buffer of that layout.
    private unsafe DeviceArray<byte> ToPixels(PictureLayout layout, ReadOnlySpan<ImageTransformRecord> transforms)
    {
        layout.Write(_staging.Begin(layout.Pixels), transforms);
        var buffer = new DeviceArray<byte>(session.Pool, layout.Bytes);
        _staging.CopyTo(buffer.Address, layout.Pixels, session.Stream);
        if (layout.BlockRows > 0)
        {
            using var samples = new DeviceArray<byte>(session.Pool, layout.SampleBytes);
            session.Grid(layout.BlockRows).JpegInverseDct(
                samples, buffer.From(layout.Coefficients).Cast<short>(), buffer.From(layout.Quantisation).Cast<ushort>(),
                buffer.From(layout.Images), buffer.From(layout.BlockStrips));
            session.Grid(layout.PixelRows).JpegToRgb(
                buffer.From(layout.Pixels), samples, buffer.From(layout.Images), buffer.From(layout.PixelStrips));
        }
        foreach ((DeviceFrame frame, long strips, int rows) in layout.Frames)
        {
            session.Grid(rows).JpegToRgb(buffer.From(layout.Pixels), frame.Planes, buffer.From(layout.Images), buffer.From(strips));
        }
        return buffer;
    }
}
