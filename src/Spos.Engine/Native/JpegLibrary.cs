using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>The bound entry points of libspos_jpeg (native/jpeg/jpeg.h).</summary>
internal static unsafe class JpegLibrary
{
    public const int MessageSize = 256;

    /// <summary>What the calls return.</summary>
    public const int Done = 0, NeedsPixels = 2;

    private static readonly nint Library = NativeLibraries.Load("spos_jpeg");

    public static readonly delegate* unmanaged<byte*, nuint, long, nint*, JpegHeader*, byte*, int> Open =
        (delegate* unmanaged<byte*, nuint, long, nint*, JpegHeader*, byte*, int>)NativeLibrary.GetExport(Library, "spos_jpeg_open");

    public static readonly delegate* unmanaged<nint, JpegBlocks*, short*, nuint, ushort*, byte*, int> Coefficients =
        (delegate* unmanaged<nint, JpegBlocks*, short*, nuint, ushort*, byte*, int>)NativeLibrary.GetExport(
            Library, "spos_jpeg_coefficients");

    public static readonly delegate* unmanaged<nint, byte*, nuint, byte*, byte*, int> Pixels =
        (delegate* unmanaged<nint, byte*, nuint, byte*, byte*, int>)NativeLibrary.GetExport(Library, "spos_jpeg_pixels");

    public static readonly delegate* unmanaged<nint, void> Close =
        (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(Library, "spos_jpeg_close");
}

/// <summary>One colour component's blocks, its samples, and how many pixels a sample spans.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegHeaderPlane
{
    public int BlocksWide, BlocksHigh, Width, Height, Horizontal, Vertical;
}

/// <summary>A colour component as it is decoded: blocks to <paramref name="Side"/> rows and columns of samples each.</summary>
/// <param name="Repeated">Whether a sample that spans several pixels is repeated, and not smoothed.</param>
internal readonly record struct JpegPlane(
    int BlocksWide, int BlocksHigh, int Side, int Width, int Height, int Horizontal, int Vertical, bool Repeated)
{
    private const int FullSide = 8;

    /// <summary>
    /// As libjpeg-turbo decodes a plane of a picture that it halves (jdmaster.c, jdsample.c): where blocks of the plane can be larger than
    /// those of the whole picture, so that a sample spans fewer pixels, they are.
    /// </summary>
    public static JpegPlane Of(in JpegHeader header, in JpegHeaderPlane plane, int halvings)
    {
        int least = FullSide >> halvings, side = least;
        while (side < FullSide && plane.Horizontal * least % (side * 2) == 0 && plane.Vertical * least % (side * 2) == 0) side *= 2;
        return new JpegPlane(
            plane.BlocksWide, plane.BlocksHigh, side, Samples(header.Width, plane.Horizontal), Samples(header.Height, plane.Vertical),
            plane.Horizontal * least / side, plane.Vertical * least / side, Repeated: least == 1);

        int Samples(int pixels, int span) => (int)(((long)pixels * side + FullSide * span - 1) / (FullSide * span));
    }
}

/// <summary>Some of a plane's blocks: columns [First, Last) of rows [Top, Bottom).</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct JpegBlocks(int First, int Last, int Top, int Bottom)
{
    public readonly int Width => Last - First;

    public readonly int Height => Bottom - Top;

    public readonly bool Contain(in JpegBlocks others) =>
        others.First >= First && others.Last <= Last && others.Top >= Top && others.Bottom <= Bottom;
}

/// <summary>What a JPEG holds. Of CMYK and YCCK it has no planes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegHeader
{
    public int Width, Height, Components, IsYcc;
    public JpegHeaderPlane Plane0, Plane1, Plane2;

    public readonly JpegPlane PlaneAt(int index, int halvings) =>
        JpegPlane.Of(this, index switch { 0 => Plane0, 1 => Plane1, _ => Plane2 }, halvings);
}
