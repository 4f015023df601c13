using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>What libspos_simt offers beyond the CUDA driver API (native/abi/spos_simt.h).</summary>
internal sealed unsafe class SimtExtensions(nint library)
{
    public readonly delegate* unmanaged<ulong, CudaResult> SetSchedule =
        (delegate* unmanaged<ulong, CudaResult>)NativeLibrary.GetExport(library, "sposSimtSetSchedule");
    private readonly delegate* unmanaged<byte**, CudaResult> _getReport =
        (delegate* unmanaged<byte**, CudaResult>)NativeLibrary.GetExport(library, "sposSimtGetReport");

    /// <summary>What the device whose context is current found wrong since it was last reset; null if nothing.</summary>
    public string? Report()
    {
        byte* text = null;
        _ = _getReport(&text);
        return Marshal.PtrToStringUTF8((nint)text);
    }
}
