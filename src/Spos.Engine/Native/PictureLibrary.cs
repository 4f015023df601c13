using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>The bound entry points of libspos_pictures (native/pictures/pictures.h). It is loaded once a picture needs it.</summary>
internal static unsafe class PictureLibrary
{
    public const int MessageSize = 256;

    public const int Png = 0, Gif = 1, WebP = 2;

    private static readonly nint Library = NativeLibraries.Load("spos_pictures");

    public static readonly delegate* unmanaged<int, byte*, nuint, long, int*, int*, byte*, int> Size =
        (delegate* unmanaged<int, byte*, nuint, long, int*, int*, byte*, int>)NativeLibrary.GetExport(Library, "spos_picture_size");

    public static readonly delegate* unmanaged<int, byte*, nuint, int, int, byte*, byte*, int> Pixels =
        (delegate* unmanaged<int, byte*, nuint, int, int, byte*, byte*, int>)NativeLibrary.GetExport(Library, "spos_picture_pixels");
}
