using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>As JpegPlane of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegPlaneRecord
{
    public long Coefficients, Samples;
    public int BlocksWide, BlockSide, Width, Height, Quantisation, Horizontal, Vertical, Repeated;
}

/// <summary>A part of a picture: columns [Left, Right) of rows [Top, Bottom).</summary>
internal record struct PictureRegion(int Left, int Right, int Top, int Bottom)
{
    public readonly int Width => Right - Left;

    public readonly int Height => Bottom - Top;

    /// <summary>The blocks of a JPEG's plane that hold it, and a sample beyond: triangle upsampling looks at it.</summary>
    public readonly JpegBlocks BlocksOf(in JpegPlane plane)
    {
        (int first, int last) = Blocks(Left, Right, plane.Horizontal, plane.Side, plane.BlocksWide);
        (int top, int bottom) = Blocks(Top, Bottom, plane.Vertical, plane.Side, plane.BlocksHigh);
        return new JpegBlocks(first, last, top, bottom);
    }

    private static (int First, int Last) Blocks(int first, int last, int pixelsPerSample, int samplesPerBlock, int blocks) =>
        (Math.Max(0, first / pixelsPerSample - 1) / samplesPerBlock,
            Math.Min(blocks, ((last - 1) / pixelsPerSample + 1) / samplesPerBlock + 1));
}

/// <summary>What of a picture will be read.</summary>
/// <param name="Region">Of the picture after it is halved.</param>
/// <param name="Halvings">How often both sides may be halved when it is decoded. Only ordinary JPEGs are.</param>
internal readonly record struct PictureView(PictureRegion Region, int Halvings)
{
    public static implicit operator PictureView(PictureRegion region) => new(region, 0);

    /// <summary>A side after it is halved: what is left over is a pixel too.</summary>
    public static int Halved(int side, int halvings) => (int)(((long)side + (1 << halvings) - 1) >> halvings);
}

/// <summary>What of a picture of that size will be read.</summary>
internal delegate PictureView ViewOf(int width, int height);

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
    public int Slots, Halvings;
    public int ResizedWidth, ResizedHeight, CropLeft, CropTop;
    public int Flip;
    public float Brightness, Contrast, Saturation;
    public int Order;
    public int EraseLeft, EraseRight, EraseTop, EraseBottom;

    /// <summary>Pixels of the picture, after it is halved, to an output pixel.</summary>
    public readonly double ScaleX => Source.Width / ((double)ResizedWidth * (1 << Halvings));

    /// <inheritdoc cref="ScaleX"/>
    public readonly double ScaleY => Source.Height / ((double)ResizedHeight * (1 << Halvings));
}
