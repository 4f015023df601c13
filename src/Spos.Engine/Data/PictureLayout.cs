namespace Spos.Engine.Data;

/// <summary>Where everything of some pictures lies on the device, and the strips of work: only what the regions need.</summary>
internal sealed class PictureLayout
{
    /// <summary>Of JPEGs that are entropy-decoded.</summary>
    public List<JpegImageRecord> Images { get; } = [];

    public List<JpegStripRecord> BlockRows { get; } = [];

    public List<JpegStripRecord> PixelRows { get; } = [];

    /// <summary>The rows of blocks that are worked on: whose, where they begin, how many coefficients, and where they go.</summary>
    public List<(CompressedPicture Picture, int Start, int Length, int Target)> Pieces { get; } = [];

    /// <summary>Three tables of 64 for each of <see cref="Images"/>.</summary>
    public List<ushort> Quantisation { get; } = [];

    /// <summary>Pictures that are pixels already, the regions that are wanted, and where they go.</summary>
    public List<(CompressedPicture Picture, PictureRegion Region, long Target)> Decoded { get; } = [];

    public int CoefficientCount { get; private set; }

    public long SampleBytes { get; private set; }

    public long PixelBytes { get; private set; }

    /// <summary>On the device, in all.</summary>
    public long Bytes => CoefficientCount * (long)sizeof(short) + SampleBytes + PixelBytes;

    /// <summary>Adds a picture's region.</summary>
    /// <returns>Where its pixels begin.</returns>
    public long Add(CompressedPicture picture, in PictureRegion region)
    {
        long pixels = PixelBytes;
        PixelBytes += (long)region.Width * region.Height * CompressedPicture.BytesPerPixel;
        if (picture.IsPixels) Decoded.Add((picture, region, pixels));
        else AddJpeg(picture, region, pixels);
        return pixels;
    }

    private void AddJpeg(CompressedPicture picture, in PictureRegion region, long pixels)
    {
        int index = Images.Count, planeStart = 0;
        var header = picture.Header;
        var image = new JpegImageRecord { Components = header.Components, IsYcc = header.IsYcc, Region = region, Pixels = pixels };
        for (int row = region.Top; row < region.Bottom; row++) PixelRows.Add(new JpegStripRecord { Image = index, Row = row });
        for (int c = 0; c < header.Components; c++)
        {
            var plane = header.PlaneAt(c);
            (int first, int last) = Blocks(region.Left, region.Right, plane.Horizontal, plane.BlocksWide);
            (int top, int bottom) = Blocks(region.Top, region.Bottom, plane.Vertical, plane.BlocksHigh);
            int rowLength = plane.BlocksWide * 64, skipped = top * rowLength, length = (bottom - top) * rowLength;
            Pieces.Add((picture, planeStart + skipped, length, CoefficientCount));
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
            for (int row = top; row < bottom; row++)
            {
                BlockRows.Add(new JpegStripRecord { Image = index, Plane = c, Row = row, First = first, Last = last });
            }
        }
        Images.Add(image);
        Quantisation.AddRange(picture.Quantisation);
    }

    // Those that hold pixels [first, last), and a sample beyond: triangle upsampling looks at it.
    private static (int First, int Last) Blocks(int first, int last, int pixelsPerSample, int blocks) =>
        (Math.Max(0, first / pixelsPerSample - 1) / 8, Math.Min(blocks, ((last - 1) / pixelsPerSample + 1) / 8 + 1));
}
