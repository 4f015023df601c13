using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>What libspos_host offers beyond the CUDA driver API (native/abi/spos_host.h).</summary>
internal sealed unsafe class HostExtensions(nint library)
{
    public readonly delegate* unmanaged<int, int, CudaResult> SetThreads =
        (delegate* unmanaged<int, int, CudaResult>)NativeLibrary.GetExport(library, "sposHostSetThreads");
    public readonly delegate* unmanaged<int, int*, CudaResult> GetThreads =
        (delegate* unmanaged<int, int*, CudaResult>)NativeLibrary.GetExport(library, "sposHostGetThreads");
    public readonly delegate* unmanaged<byte**, CudaResult> GetInstructionSet =
        (delegate* unmanaged<byte**, CudaResult>)NativeLibrary.GetExport(library, "sposHostGetInstructionSet");
}
