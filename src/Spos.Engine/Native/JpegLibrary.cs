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

    public readonly JpegHeaderPlane PlaneAt(int index) => index switch { 0 => Plane0, 1 => Plane1, _ => Plane2 };
}
