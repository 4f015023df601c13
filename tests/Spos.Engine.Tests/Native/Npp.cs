using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// The bound entry points of NVIDIA's image library: its JPEG colour conversion, which the tests hold ours against on a GPU.
/// The loader does without: NPP repeats chroma samples where JPEGs have fewer, ours interpolates as libjpeg-turbo does.
/// </summary>
internal sealed unsafe class Npp
{
    private Npp(nint library)
    {
        YccToRgb = (delegate* unmanaged<ulong*, int, ulong, int, Size, StreamContext, int>)NativeLibrary.GetExport(
            library, "nppiYCbCr444ToRGB_JPEG_8u_P3C3R_Ctx");
    }

    /// <summary>Planes, their step, pixels, their step, size, stream; 0 is success.</summary>
    public readonly delegate* unmanaged<ulong*, int, ulong, int, Size, StreamContext, int> YccToRgb;

    /// <summary>The first library that was found, or null.</summary>
    public static Npp? TryLoad() => LibrarySearch.OfMachine.Find(NvidiaLibrary.Npp) is [var found, ..] ? new Npp(found.Handle) : null;

    /// <summary>NppiSize.</summary>
    public readonly record struct Size(int Width, int Height);

    /// <summary>NppStreamContext. Zeros but the stream: NPP takes them for the values of the current device.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct StreamContext
    {
        public nint Stream;
        public int Device, Multiprocessors, MostThreadsPerMultiprocessor, MostThreadsPerBlock;
        public nuint SharedBytesPerBlock;
        public int Major, Minor;
        public uint StreamFlags;
        public int Reserved;
    }
}
