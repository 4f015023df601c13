using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>
/// Where everything of some pictures lies in one buffer of the device, and the strips of work: only what the regions need. First comes all
/// that the host has to say, which is copied in one piece, then the pixels that JPEGs are decoded to.
/// </summary>
internal sealed unsafe class PictureLayout
{
    // The widest loads of a GPU begin at such addresses.
    private const long Alignment = 256;

    private readonly List<(CompressedPicture Picture, int Start, int Length, long Target)> _pieces = [];
    private readonly List<(CompressedPicture Picture, PictureRegion Region)> _decoded = [];
    private readonly List<JpegImageRecord> _images = [];
    private readonly List<JpegStripRecord> _blockRows = [];
    private readonly List<JpegStripRecord> _pixelRows = [];
    private readonly List<(CompressedPicture Picture, int FirstRow, int Rows)> _frames = [];
    private readonly List<JpegStripRecord> _frameRows = [];

    // Three tables of 64 for each of the images.
    private readonly List<ushort> _quantisation = [];

    private long _coefficients, _decodedBytes, _pixelBytes;

    /// <summary>Pictures in all.</summary>
    public int Count => _images.Count + _decoded.Count;

    /// <summary>Rows of blocks of JPEGs that are entropy-decoded.</summary>
    public int BlockRows => _blockRows.Count;

    /// <summary>Rows of pixels of these JPEGs.</summary>
    public int PixelRows => _pixelRows.Count;

    /// <summary>Pictures that the device has decoded, where their strips begin, and how many each has.</summary>
    public IEnumerable<(DeviceFrame Frame, long Strips, int Rows)> Frames =>
        _frames.Select(f => (f.Picture.Frame!, FrameStrips + (long)f.FirstRow * sizeof(JpegStripRecord), f.Rows));

    /// <summary>Where the transforms of the pictures begin in the buffer.</summary>
    public static long Transforms => 0;

    /// <summary>Where the records of JPEGs begin.</summary>
    public long Images => Aligned(Transforms + (long)Count * sizeof(ImageTransformRecord));

    /// <summary>Where the strips of block rows begin.</summary>
    public long BlockStrips => Aligned(Images + (long)_images.Count * sizeof(JpegImageRecord));

    /// <summary>Where the strips of pixel rows begin.</summary>
    public long PixelStrips => Aligned(BlockStrips + (long)_blockRows.Count * sizeof(JpegStripRecord));

    /// <summary>Where the quantisation tables begin.</summary>
    public long Quantisation => Aligned(FrameStrips + (long)_frameRows.Count * sizeof(JpegStripRecord));

    /// <summary>Where the strips of rows of pictures that the device has decoded begin.</summary>
    public long FrameStrips => Aligned(PixelStrips + (long)_pixelRows.Count * sizeof(JpegStripRecord));

    /// <summary>Where the coefficients begin.</summary>
    public long Coefficients => Aligned(Quantisation + (long)_quantisation.Count * sizeof(ushort));

    /// <summary>
    /// Where the pixels of the JPEGs begin, and what the host copies ends. Pictures that are pixels already lie right before it, so that
    /// their places, which count from here, are negative.
    /// </summary>
    public long Pixels => Aligned(Coefficients + _coefficients * sizeof(short) + _decodedBytes);

    /// <summary>Of the buffer. It has a pixel at least behind <see cref="Pixels"/>, which kernels are given the address of.</summary>
    public long Bytes => Pixels + Math.Max(_pixelBytes, CompressedPicture.BytesPerPixel);

    /// <summary>Of samples between block rows and pixels, in a buffer of their own.</summary>
    public long SampleBytes { get; private set; }

    /// <summary>Adds a picture's region.</summary>
    /// <returns>Where its pixels begin, counted from <see cref="Pixels"/>.</returns>
    public long Add(CompressedPicture picture, in PictureRegion region)
    {
        long bytes = (long)region.Width * region.Height * CompressedPicture.BytesPerPixel;
        if (picture.IsPixels)
        {
            _decoded.Add((picture, region));
            _decodedBytes += bytes;
            return -_decodedBytes;
        }
        long start = _pixelBytes;
        if (picture.Frame is { } frame) AddFrame(picture, frame, region, start);
        else AddJpeg(picture, region, start);
        _pixelBytes += bytes;
        return start;
    }

    /// <summary>Writes all that the host has to say, as it is to lie in the buffer: <see cref="Pixels"/> bytes.</summary>
    public void Write(byte* target, ReadOnlySpan<ImageTransformRecord> transforms)
    {
        Put(target + Transforms, transforms);
        Put(target + Images, CollectionsMarshal.AsSpan(_images));
        Put(target + BlockStrips, CollectionsMarshal.AsSpan(_blockRows));
        Put(target + PixelStrips, CollectionsMarshal.AsSpan(_pixelRows));
        Put(target + FrameStrips, CollectionsMarshal.AsSpan(_frameRows));
        Put(target + Quantisation, CollectionsMarshal.AsSpan(_quantisation));
        short* coefficients = (short*)(target + Coefficients);
        foreach ((CompressedPicture picture, int start, int length, long place) in _pieces)
        {
            Put(coefficients + place, picture.Coefficients.Slice(start, length));
        }
        byte* end = target + Pixels;
        foreach ((CompressedPicture picture, PictureRegion region) in _decoded)
        {
            int length = region.Width * CompressedPicture.BytesPerPixel;
            end -= (long)length * region.Height;
            for (int y = 0; y < region.Height; y++)
            {
                picture.CopyPixels(region.Left, region.Top + y, region.Width, new Span<byte>(end + (long)y * length, length));
            }
        }
    }

    private void AddJpeg(CompressedPicture picture, in PictureRegion region, long pixels)
    {
        int index = _images.Count, start = 0, table = _quantisation.Count / 64;
        var header = picture.Header;
        var image = new JpegImageRecord { Components = header.Components, IsYcc = header.IsYcc, Region = region, Pixels = pixels };
        for (int row = region.Top; row < region.Bottom; row++) _pixelRows.Add(new JpegStripRecord { Image = index, Row = row });
        for (int c = 0; c < header.Components; c++)
        {
            JpegPlane plane = header.PlaneAt(c, picture.Halvings);
            JpegBlocks held = picture.Region.BlocksOf(plane), needed = region.BlocksOf(plane);
            if (!held.Contain(needed)) throw new ArgumentException($"{region} is not in the picture's {picture.Region}.", nameof(region));
            int rowLength = held.Width * 64, length = needed.Height * rowLength, samplesOfRow = held.Width * plane.Side * plane.Side;
            _pieces.Add((picture, start + (needed.Top - held.Top) * rowLength, length, _coefficients));
            // Planes begin where they would if the blocks above and to the left were there.
            var record = new JpegPlaneRecord
            {
                Coefficients = _coefficients - needed.Top * (long)rowLength - held.First * 64L,
                Samples = SampleBytes - needed.Top * (long)samplesOfRow - held.First * (long)plane.Side,
                BlocksWide = held.Width,
                BlockSide = plane.Side,
                Width = plane.Width,
                Height = plane.Height,
                Quantisation = table + c,
                Horizontal = plane.Horizontal,
                Vertical = plane.Vertical,
                Repeated = plane.Repeated ? 1 : 0,
            };
            if (c == 0) image.Plane0 = record;
            else if (c == 1) image.Plane1 = record;
            else image.Plane2 = record;
            _coefficients += length;
            start += held.Height * rowLength;
            SampleBytes += needed.Height * (long)samplesOfRow;
            for (int row = needed.Top; row < needed.Bottom; row++)
            {
                _blockRows.Add(new JpegStripRecord { Image = index, Plane = c, Row = row, First = needed.First, Last = needed.Last });
            }
        }
        _images.Add(image);
        _quantisation.AddRange(picture.Quantisation);
    }

    // Its planes are samples of full size.
    private void AddFrame(CompressedPicture picture, DeviceFrame frame, in PictureRegion region, long pixels)
    {
        JpegPlaneRecord Plane(int index) => new()
        {
            Samples = (long)index * frame.Stride * picture.Height,
            BlocksWide = frame.Stride / 8,
            BlockSide = 8,
            Width = picture.Width,
            Height = picture.Height,
            Horizontal = 1,
            Vertical = 1,
        };
        _frames.Add((picture, _frameRows.Count, region.Height));
        for (int row = region.Top; row < region.Bottom; row++) _frameRows.Add(new JpegStripRecord { Image = _images.Count, Row = row });
        var image = new JpegImageRecord { Components = 3, Region = region, Pixels = pixels };
        (image.Plane0, image.Plane1, image.Plane2) = (Plane(0), Plane(1), Plane(2));
        _images.Add(image);
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Put<T>(void* target, ReadOnlySpan<T> values)
        where T : unmanaged => values.CopyTo(new Span<T>(target, values.Length));
}
