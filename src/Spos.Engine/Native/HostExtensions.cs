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
    public readonly delegate* unmanaged<HostSequence*, uint, uint, uint, nint, CudaResult> RunByImage =
        (delegate* unmanaged<HostSequence*, uint, uint, uint, nint, CudaResult>)NativeLibrary.GetExport(library, "sposHostRunByImage");
}

/// <summary>SposLaunch.</summary>
internal readonly record struct HostLaunch(nint Function, uint GridX, uint GridY, uint FirstValue);

/// <summary>SposAddress.</summary>
internal readonly record struct HostAddress(uint Value, ulong BytesPerImage, ulong BytesPerThread);

/// <summary>SposSequence.</summary>
internal unsafe struct HostSequence
{
    public HostLaunch* Launches;
    public ulong* Values;
    public HostAddress* Addresses;
    public uint LaunchCount, ValueCount, AddressCount;
}
