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
    // ImageNet's, as torchvision has them.
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    private readonly PinnedBuffer _coefficients = new(session.Device);
    private readonly DeviceEvent _copied = new(session.Device);

    /// <summary>Decodes, transforms and normalises a batch.</summary>
    /// <param name="fixedPoint">Whether to resize as OpenCV does; the transforms are <see cref="Transforms.OfficialValidation"/>'s.</param>
    /// <returns>[N, size, size, 3].</returns>
    public Tensor Decode(IReadOnlyList<CompressedPicture> pictures, ImageTransformRecord[] transforms, int size, Preprocessing preprocessing = Preprocessing.Standard, bool fixedPoint = false)
    {
        using Layout layout = Upload(pictures, transforms);
        using DeviceArray<byte> pixels = ToPixels(layout);
        using var descriptors = new DeviceArray<ImageTransformRecord>(session.Pool, transforms.Length);
        long rows = 0;
        for (int i = 0; i < transforms.Length; i++)
        {
            transforms[i].Pixels = layout.Images[i].Pixels;
            transforms[i].Rows = rows;
            rows += (long)(transforms[i].ClipBottom - transforms[i].ClipTop) * size * 3;
        }
        descriptors.Upload(session.Stream, transforms);
        using var resized = new DeviceArray<float>(session.Pool, checked((int)rows));
        using var grey = new DeviceArray<float>(session.Pool, transforms.Length);
        Tensor batch = session.Rent(new Shape(transforms.Length, size, size, 3));
        if (fixedPoint)
        {
            session.Launch("image_resize_fixed", size, transforms.Length, batch, pixels, descriptors, size);
        }
        else
        {
            session.Launch("image_resize_horizontal", transforms.Length, 1, resized, pixels, descriptors, size);
            session.Launch("image_resize_vertical", size, transforms.Length, batch, resized, descriptors, size);
        }
        session.Launch("image_jitter_before_contrast", transforms.Length, 1, batch, grey, descriptors, size);
        session.Launch(
            "image_jitter_and_normalise", size, transforms.Length, batch, grey, descriptors, size,
            Scale(0, preprocessing), Scale(1, preprocessing), Scale(2, preprocessing),
            Shift(0, preprocessing), Shift(1, preprocessing), Shift(2, preprocessing), preprocessing == Preprocessing.Spos);
        return batch;
    }

    /// <summary>The whole picture, [height][width][3] bytes: what libjpeg-turbo gives by default, bit for bit.</summary>
    public byte[] DecodeWhole(CompressedPicture picture)
    {
        var whole = new ImageTransformRecord { ClipBottom = picture.Header.Height };
        using Layout layout = Upload([picture], [whole]);
        using DeviceArray<byte> pixels = ToPixels(layout);
        byte[] result = new byte[checked(picture.Header.Width * picture.Header.Height * 3)];
        pixels.Download(session.Stream, result);
        return result;
    }

    public void Dispose()
    {
        _copied.Synchronize();
        _copied.Dispose();
        _coefficients.Dispose();
    }

    // input = scale·level + shift
    private static float Scale(int colour, Preprocessing preprocessing) => preprocessing == Preprocessing.Spos ? 1 : 1 / (255 * Deviation[colour]);

    private static float Shift(int colour, Preprocessing preprocessing) => preprocessing == Preprocessing.Spos ? 0 : -Mean[colour] / Deviation[colour];

    // Where everything of a batch lies, and the strips of work: only the rows that the crops need.
    private Layout Upload(IReadOnlyList<CompressedPicture> pictures, ImageTransformRecord[] transforms)
    {
        int total = pictures.Sum(p => p.Length);
        // The last batch may still be on its way.
        _copied.Synchronize();
        Span<short> staging = _coefficients.Get<short>(total);
        var layout = new Layout(pictures.Count);
        ushort[] quantisation = new ushort[pictures.Count * 3 * 64];
        long coefficient = 0;
        for (int i = 0; i < pictures.Count; i++)
        {
            CompressedPicture picture = pictures[i];
            picture.Coefficients.CopyTo(staging[(int)coefficient..]);
            picture.Quantisation.CopyTo(quantisation, i * 3 * 64);
            layout.Add(i, picture, coefficient, transforms[i].ClipTop, transforms[i].ClipBottom);
            coefficient += picture.Length;
        }
        layout.Allocate(session.Pool, total, quantisation.Length);
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

        public long SampleBytes { get; private set; }

        public long PixelBytes { get; private set; }

        public DeviceArray<short> Coefficients { get; private set; } = null!;

        public DeviceArray<ushort> Quantisation { get; private set; } = null!;

        public void Allocate(BufferPool pool, int coefficients, int quantisation)
        {
            Coefficients = new DeviceArray<short>(pool, coefficients);
            Quantisation = new DeviceArray<ushort>(pool, quantisation);
        }

        public void Add(int index, CompressedPicture picture, long coefficient, int top, int bottom)
        {
            var header = picture.Header;
            ref JpegImageRecord image = ref Images[index];
            (image.Width, image.Height, image.Components, image.IsYcc) = (header.Width, header.Height, header.Components, header.IsYcc);
            image.Pixels = PixelBytes;
            PixelBytes += (long)header.Width * header.Height * 3;
            for (int row = top; row < bottom; row++) PixelRows.Add(new JpegStripRecord { Image = index, Row = row });
            for (int c = 0; c < header.Components; c++)
            {
                var plane = header.PlaneAt(c);
                var record = new JpegPlaneRecord
                {
                    Coefficients = coefficient,
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
                coefficient += (long)plane.BlocksWide * plane.BlocksHigh * 64;
                SampleBytes += (long)plane.BlocksWide * plane.BlocksHigh * 64;
                // Triangle upsampling looks one sample row beyond.
                int first = Math.Max(0, top / plane.Vertical - 1) / 8;
                int last = Math.Min(plane.BlocksHigh - 1, ((bottom - 1) / plane.Vertical + 1) / 8);
                for (int row = first; row <= last; row++) BlockRows.Add(new JpegStripRecord { Image = index, Plane = c, Row = row });
            }
        }

        public void Dispose()
        {
            Coefficients?.Dispose();
            Quantisation?.Dispose();
        }
    }
}
