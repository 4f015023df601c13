using System.Runtime.InteropServices;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// The bound entry points of NVIDIA's image library: its JPEG colour conversion, which the tests hold ours against on a GPU.
/// The loader does without: NPP repeats chroma samples where JPEGs have fewer, ours interpolates as libjpeg-turbo does.
/// </summary>
internal sealed unsafe class Npp
{
    private Npp(nint library)
    {
        YccToRgb = (delegate* unmanaged<ulong*, int, ulong, int, Size, StreamContext, int>)NativeLibrary.GetExport(library, "nppiYCbCr444ToRGB_JPEG_8u_P3C3R_Ctx");
    }

    /// <summary>Planes, their step, pixels, their step, size, stream; 0 is success.</summary>
    public readonly delegate* unmanaged<ulong*, int, ulong, int, Size, StreamContext, int> YccToRgb;

    /// <summary>The newest library that is installed, or null.</summary>
    public static Npp? TryLoad()
    {
        foreach (int version in new[] { 13, 12, 11 })
        {
            if (NativeLibrary.TryLoad($"libnppicc.so.{version}", out nint library)) return new Npp(library);
        }
        return null;
    }

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
