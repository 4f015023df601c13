namespace Spos.Engine.Native;

/// <summary>Status codes of the CUDA driver API that Spos treats by name (CUresult).</summary>
public enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    DeviceUnavailable = 46,
    NoDevice = 100,
    InvalidContext = 201,
    EccUncorrectable = 214,
    NvlinkUncorrectable = 220,
    InvalidHandle = 400,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchTimeout = 702,
    ContextIsDestroyed = 709,
    Assert = 710,
    HardwareStackError = 714,
    IllegalInstruction = 715,
    MisalignedAddress = 716,
    InvalidAddressSpace = 717,
    InvalidProgramCounter = 718,
    LaunchFailed = 719,
    NotSupported = 801,
}

/// <summary>What a status tells.</summary>
internal static class CudaResults
{
    /// <summary>
    /// Whether the device's context is lost: every later call fails with the same status, until the process ends. NVIDIA's reference of
    /// CUresult says so of those that a launch brings; errors of memory end a context too.
    /// </summary>
    public static bool IsSticky(this CudaResult result) => result is CudaResult.EccUncorrectable or CudaResult.NvlinkUncorrectable
        or CudaResult.IllegalAddress or CudaResult.LaunchTimeout or CudaResult.ContextIsDestroyed
        or CudaResult.Assert or (>= CudaResult.HardwareStackError and <= CudaResult.LaunchFailed);
}
