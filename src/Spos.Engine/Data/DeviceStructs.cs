using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>As JpegPlane of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegPlaneRecord
{
    public long Coefficients, Samples;
    public int BlocksWide, Width, Height, Quantisation, Horizontal, Vertical;
}

/// <summary>A part of a picture: columns [Left, Right) of rows [Top, Bottom).</summary>
internal record struct PictureRegion(int Left, int Right, int Top, int Bottom)
{
    public readonly int Width => Right - Left;

    public readonly int Height => Bottom - Top;

    /// <summary>The blocks of a JPEG's plane that hold it, and a sample beyond: triangle upsampling looks at it.</summary>
    public readonly JpegBlocks BlocksOf(in JpegHeaderPlane plane)
    {
        (int first, int last) = Blocks(Left, Right, plane.Horizontal, plane.BlocksWide);
        (int top, int bottom) = Blocks(Top, Bottom, plane.Vertical, plane.BlocksHigh);
        return new JpegBlocks(first, last, top, bottom);
    }

    private static (int First, int Last) Blocks(int first, int last, int pixelsPerSample, int blocks) =>
        (Math.Max(0, first / pixelsPerSample - 1) / 8, Math.Min(blocks, ((last - 1) / pixelsPerSample + 1) / 8 + 1));
}

/// <summary>What of a picture of that size will be read.</summary>
internal delegate PictureRegion RegionOf(int width, int height);

/// <summary>As JpegImage of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegImageRecord
{
    public JpegPlaneRecord Plane0, Plane1, Plane2;
    public long Pixels;
    public int Components, IsYcc;
    public PictureRegion Region;
}

/// <summary>As JpegStrip of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegStripRecord
{
    public int Image, Plane, Row, First, Last;
}

/// <summary>As ImageTransform of native/kernels/image.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ImageTransformRecord
{
    public long Pixels, Rows;
    public PictureRegion Region, Source;
    public int Slots;
    public int ResizedWidth, ResizedHeight, CropLeft, CropTop;
    public int Flip;
    public float Brightness, Contrast, Saturation;
    public int Order;
    public int EraseLeft, EraseRight, EraseTop, EraseBottom;

    /// <summary>Source pixels to an output pixel.</summary>
    public readonly double ScaleX => (double)Source.Width / ResizedWidth;

    /// <inheritdoc cref="ScaleX"/>
    public readonly double ScaleY => (double)Source.Height / ResizedHeight;
}
