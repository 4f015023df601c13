using System.Numerics;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Turns entropy-decoded JPEGs into network input on the device: dequantisation, inverse DCT, upsampling, colour
/// (kernels/jpeg.cu), then crop, resize, flip, jitter and normalisation (kernels/image.cu). One per worker.
/// </summary>
internal sealed class PictureDecoder(Session session) : IDisposable
{
    // Red, green, blue and 0.
    private const int ValuesPerPixel = 4;

    // Output rows of a block of image_resize: neighbours both resize the source rows between them, which costs a CPU more than a GPU.
    private const int RowsPerCpuBlock = 56, RowsPerGpuBlock = 8;

    // A multiple of every kPixelGroup of native/toolchains.
    private const int TapGroup = 4;

    private readonly PinnedBuffer _coefficients = new(session.Device);
    private readonly DeviceEvent _copied = new(session.Device);

    /// <summary>Decodes, transforms and normalises a batch.</summary>
    /// <param name="fixedPoint">Whether to resize as OpenCV does; the transforms are <see cref="Transforms.OfficialValidation"/>'s.</param>
    /// <returns>[N, size, size, 3].</returns>
    public Tensor Decode(IReadOnlyList<CompressedPicture> pictures, ImageTransformRecord[] transforms, int size, Preprocessing preprocessing = Preprocessing.Standard, bool fixedPoint = false)
    {
        for (int i = 0; i < transforms.Length; i++) transforms[i].Region = Transforms.RegionOf(transforms[i], size);
        using Layout layout = Upload(pictures, [.. transforms.Select(t => t.Region)]);
        using DeviceArray<byte> pixels = ToPixels(layout);
        using var resized = new DeviceArray<uint>(session.Pool, checked(transforms.Length * size * size));
        long keptRows = 0;
        for (int i = 0; i < transforms.Length; i++)
        {
            transforms[i].Pixels = layout.Images[i].Pixels;
            transforms[i].Slots = (int)BitOperations.RoundUpToPowerOf2((uint)MostTaps(transforms[i].ScaleY));
            transforms[i].Rows = keptRows * Padded(size);
            keptRows += transforms[i].Slots * ResizeBlocks(size);
        }
        using var descriptors = new DeviceArray<ImageTransformRecord>(session.Pool, transforms.Length);
        descriptors.Upload(session.Stream, transforms);
        if (fixedPoint) session.Launch("image_resize_fixed", size, transforms.Length, resized, pixels, descriptors, size);
        else Resize(resized, pixels, descriptors, size, keptRows, transforms.Max(t => MostTaps(Math.Max(t.ScaleX, t.ScaleY))));
        using var grey = new DeviceArray<float>(session.Pool, transforms.Length);
        Tensor batch = session.Rent(new Shape(transforms.Length, size, size, 3));
        session.Launch("image_jitter_before_contrast", transforms.Length, 1, resized, grey, descriptors, size);
        (float range, IReadOnlyList<float> mean, IReadOnlyList<float> deviation) = preprocessing == Preprocessing.Spos
            ? (1, [0, 0, 0], [1, 1, 1])
            : (255, ImageNetStatistics.Mean, ImageNetStatistics.Deviation);
        session.Launch(
            "image_jitter_and_normalise", size, transforms.Length, batch, resized, grey, descriptors, size,
            range, mean[0], mean[1], mean[2], deviation[0], deviation[1], deviation[2], preprocessing == Preprocessing.Spos);
        return batch;
    }

    /// <summary>The whole picture, [height][width][3] bytes: what libjpeg-turbo gives by default, bit for bit.</summary>
    public byte[] DecodeWhole(CompressedPicture picture)
    {
        using Layout layout = Upload([picture], [new PictureRegion(0, picture.Header.Width, 0, picture.Header.Height)]);
        using DeviceArray<byte> pixels = ToPixels(layout);
        byte[] padded = new byte[pixels.Length];
        pixels.Download(session.Stream, padded);
        return [.. padded.Where((_, i) => i % ValuesPerPixel != 3)];
    }

    public void Dispose()
    {
        _copied.Synchronize();
        _copied.Dispose();
        _coefficients.Dispose();
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

    // Where everything of a batch lies, and the strips of work: only what the regions need.
    private Layout Upload(IReadOnlyList<CompressedPicture> pictures, PictureRegion[] regions)
    {
        var layout = new Layout(pictures.Count);
        ushort[] quantisation = new ushort[pictures.Count * 3 * 64];
        for (int i = 0; i < pictures.Count; i++)
        {
            pictures[i].Quantisation.CopyTo(quantisation, i * 3 * 64);
            layout.Add(i, pictures[i], regions[i]);
        }
        // The last batch may still be on its way.
        _copied.Synchronize();
        Span<short> staging = _coefficients.Get<short>(layout.CoefficientCount);
        foreach ((int image, int start, int length, int target) in layout.Pieces) pictures[image].Coefficients.Slice(start, length).CopyTo(staging[target..]);
        layout.Allocate(session.Pool, layout.CoefficientCount, quantisation.Length);
        layout.Coefficients.Upload(session.Stream, staging);
        _copied.Record(session.Stream);
        layout.Quantisation.Upload(session.Stream, quantisation);
        return layout;
    }

    private DeviceArray<byte> ToPixels(Layout layout)
    {
        using var images = new DeviceArray<JpegImageRecord>(session.Pool, layout.Images.Length);
        using var blocks = new DeviceArray<JpegStripRecord>(session.Pool, layout.BlockRows.Count);
        using var rows = new DeviceArray<JpegStripRecord>(session.Pool, layout.PixelRows.Count);
        using var samples = new DeviceArray<byte>(session.Pool, checked((int)layout.SampleBytes));
        var pixels = new DeviceArray<byte>(session.Pool, checked((int)layout.PixelBytes));
        JpegStripRecord[] blockStrips = [.. layout.BlockRows], rowStrips = [.. layout.PixelRows];
        images.Upload(session.Stream, layout.Images);
        blocks.Upload(session.Stream, blockStrips);
        rows.Upload(session.Stream, rowStrips);
        session.Launch("jpeg_inverse_dct", blockStrips.Length, 1, samples, layout.Coefficients, layout.Quantisation, images, blocks);
        session.Launch("jpeg_to_rgb", rowStrips.Length, 1, pixels, samples, images, rows);
        return pixels;
    }

    private sealed class Layout(int count) : IDisposable
    {
        public JpegImageRecord[] Images { get; } = new JpegImageRecord[count];

        public List<JpegStripRecord> BlockRows { get; } = [];

        public List<JpegStripRecord> PixelRows { get; } = [];

        /// <summary>The rows of blocks that are worked on: whose they are, where they begin and how many coefficients, and where they go.</summary>
        public List<(int Image, int Start, int Length, int Target)> Pieces { get; } = [];

        public int CoefficientCount { get; private set; }

        public long SampleBytes { get; private set; }

        public long PixelBytes { get; private set; }

        public DeviceArray<short> Coefficients { get; private set; } = null!;

        public DeviceArray<ushort> Quantisation { get; private set; } = null!;

        public void Allocate(BufferPool pool, int coefficients, int quantisation)
        {
            Coefficients = new DeviceArray<short>(pool, coefficients);
            Quantisation = new DeviceArray<ushort>(pool, quantisation);
        }

        public void Add(int index, CompressedPicture picture, in PictureRegion region)
        {
            int planeStart = 0;
            var header = picture.Header;
            ref JpegImageRecord image = ref Images[index];
            (image.Components, image.IsYcc, image.Region, image.Pixels) = (header.Components, header.IsYcc, region, PixelBytes);
            PixelBytes += (long)region.Width * region.Height * ValuesPerPixel;
            for (int row = region.Top; row < region.Bottom; row++) PixelRows.Add(new JpegStripRecord { Image = index, Row = row });
            for (int c = 0; c < header.Components; c++)
            {
                var plane = header.PlaneAt(c);
                (int first, int last) = Blocks(region.Left, region.Right, plane.Horizontal, plane.BlocksWide);
                (int top, int bottom) = Blocks(region.Top, region.Bottom, plane.Vertical, plane.BlocksHigh);
                int rowLength = plane.BlocksWide * 64, skipped = top * rowLength, length = (bottom - top) * rowLength;
                Pieces.Add((index, planeStart + skipped, length, CoefficientCount));
                var record = new JpegPlaneRecord
                {
                    // Where the plane would begin if the rows above were there.
                    Coefficients = CoefficientCount - skipped,
                    Samples = SampleBytes,
                    BlocksWide = plane.BlocksWide,
                    Width = plane.Width,
                    Height = plane.Height,
                    Quantisation = index * 3 + c,
                    Horizontal = plane.Horizontal,
                    Vertical = plane.Vertical,
                };
                if (c == 0) image.Plane0 = record;
                else if (c == 1) image.Plane1 = record;
                else image.Plane2 = record;
                CoefficientCount = checked(CoefficientCount + length);
                planeStart += plane.BlocksHigh * rowLength;
                SampleBytes += (long)plane.BlocksHigh * rowLength;
                for (int row = top; row < bottom; row++) BlockRows.Add(new JpegStripRecord { Image = index, Plane = c, Row = row, First = first, Last = last });
            }
        }

        // Those that hold pixels [first, last), and a sample beyond: triangle upsampling looks at it.
        private static (int First, int Last) Blocks(int first, int last, int pixelsPerSample, int blocks) =>
            (Math.Max(0, first / pixelsPerSample - 1) / 8, Math.Min(blocks, ((last - 1) / pixelsPerSample + 1) / 8 + 1));

        public void Dispose()
        {
            Coefficients?.Dispose();
            Quantisation?.Dispose();
        }
    }
}
