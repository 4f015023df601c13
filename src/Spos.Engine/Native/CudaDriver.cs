using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The bound entry points of one CUDA driver library, NVIDIA's or one of ours with the same interface
/// (native/abi/cuda_driver.h). A table per library, so that several can be used side by side in one process.
/// </summary>
internal sealed unsafe class CudaDriver
{
    private readonly string? _device;
    private readonly Func<string?>? _report;

    /// <param name="library">The loaded library.</param>
    /// <param name="device">What one of our own libraries drives, such as "the CPU"; null for NVIDIA's.</param>
    /// <param name="report">What the library says, beyond a status code, of what went wrong; null if nothing.</param>
    public CudaDriver(nint library, string? device = null, Func<string?>? report = null)
    {
        (_device, _report) = (device, report);
        Init = (delegate* unmanaged<uint, CudaResult>)NativeLibrary.GetExport(library, "cuInit");
        DriverGetVersion = (delegate* unmanaged<int*, CudaResult>)NativeLibrary.GetExport(library, "cuDriverGetVersion");
        GetErrorName = (delegate* unmanaged<CudaResult, byte**, CudaResult>)NativeLibrary.GetExport(library, "cuGetErrorName");
        GetErrorString = (delegate* unmanaged<CudaResult, byte**, CudaResult>)NativeLibrary.GetExport(library, "cuGetErrorString");
        DeviceGetCount = (delegate* unmanaged<int*, CudaResult>)NativeLibrary.GetExport(library, "cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<int*, int, CudaResult>)NativeLibrary.GetExport(library, "cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, int, CudaResult>)NativeLibrary.GetExport(library, "cuDeviceGetName");
        DeviceGetAttribute = (delegate* unmanaged<int*, int, int, CudaResult>)NativeLibrary.GetExport(library, "cuDeviceGetAttribute");
        DeviceTotalMem = (delegate* unmanaged<nuint*, int, CudaResult>)NativeLibrary.GetExport(library, "cuDeviceTotalMem_v2");
        PrimaryCtxRetain = (delegate* unmanaged<nint*, int, CudaResult>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRetain");
        PrimaryCtxRelease = (delegate* unmanaged<int, CudaResult>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRelease_v2");
        PrimaryCtxReset = (delegate* unmanaged<int, CudaResult>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxReset_v2");
        CtxSetCurrent = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuCtxSetCurrent");
        MemGetInfo = (delegate* unmanaged<nuint*, nuint*, CudaResult>)NativeLibrary.GetExport(library, "cuMemGetInfo_v2");
        MemAlloc = (delegate* unmanaged<ulong*, nuint, CudaResult>)NativeLibrary.GetExport(library, "cuMemAlloc_v2");
        MemFree = (delegate* unmanaged<ulong, CudaResult>)NativeLibrary.GetExport(library, "cuMemFree_v2");
        MemAllocAsync = (delegate* unmanaged<ulong*, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemAllocAsync");
        MemFreeAsync = (delegate* unmanaged<ulong, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemFreeAsync");
        MemHostAlloc = (delegate* unmanaged<void**, nuint, uint, CudaResult>)NativeLibrary.GetExport(library, "cuMemHostAlloc");
        MemFreeHost = (delegate* unmanaged<void*, CudaResult>)NativeLibrary.GetExport(library, "cuMemFreeHost");
        CopyHostToDevice =
            (delegate* unmanaged<ulong, void*, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemcpyHtoDAsync_v2");
        CopyDeviceToHost =
            (delegate* unmanaged<void*, ulong, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemcpyDtoHAsync_v2");
        CopyDeviceToDevice =
            (delegate* unmanaged<ulong, ulong, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemcpyDtoDAsync_v2");
        MemsetD8 = (delegate* unmanaged<ulong, byte, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemsetD8Async");
        MemsetD32 = (delegate* unmanaged<ulong, uint, nuint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuMemsetD32Async");
        StreamCreate = (delegate* unmanaged<nint*, uint, CudaResult>)NativeLibrary.GetExport(library, "cuStreamCreate");
        StreamDestroy = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuStreamDestroy_v2");
        StreamSynchronize = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuStreamSynchronize");
        StreamWaitEvent = (delegate* unmanaged<nint, nint, uint, CudaResult>)NativeLibrary.GetExport(library, "cuStreamWaitEvent");
        EventCreate = (delegate* unmanaged<nint*, uint, CudaResult>)NativeLibrary.GetExport(library, "cuEventCreate");
        EventDestroy = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuEventDestroy_v2");
        EventRecord = (delegate* unmanaged<nint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuEventRecord");
        EventSynchronize = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuEventSynchronize");
        EventElapsedTime = (delegate* unmanaged<float*, nint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuEventElapsedTime");
        ModuleLoadData = (delegate* unmanaged<nint*, void*, CudaResult>)NativeLibrary.GetExport(library, "cuModuleLoadData");
        ModuleUnload = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuModuleUnload");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, CudaResult>)NativeLibrary.GetExport(library, "cuModuleGetFunction");
        LaunchKernel = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult>)
            NativeLibrary.GetExport(library, "cuLaunchKernel");
        if (NativeLibrary.TryGetExport(library, "cuFuncGetParamInfo", out nint export))
        {
            FuncGetParamInfo = (delegate* unmanaged<nint, nuint, nuint*, nuint*, CudaResult>)export;
        }
        HasGraphs = NativeLibrary.TryGetExport(library, "cuGraphInstantiateWithFlags", out export);
        if (!HasGraphs) return;
        GraphInstantiate = (delegate* unmanaged<nint*, nint, ulong, CudaResult>)export;
        StreamBeginCapture = (delegate* unmanaged<nint, int, CudaResult>)NativeLibrary.GetExport(library, "cuStreamBeginCapture_v2");
        StreamEndCapture = (delegate* unmanaged<nint, nint*, CudaResult>)NativeLibrary.GetExport(library, "cuStreamEndCapture");
        GraphLaunch = (delegate* unmanaged<nint, nint, CudaResult>)NativeLibrary.GetExport(library, "cuGraphLaunch");
        GraphExecDestroy = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuGraphExecDestroy");
        GraphDestroy = (delegate* unmanaged<nint, CudaResult>)NativeLibrary.GetExport(library, "cuGraphDestroy");
    }

    public readonly delegate* unmanaged<uint, CudaResult> Init;
    public readonly delegate* unmanaged<int*, CudaResult> DriverGetVersion;
    public readonly delegate* unmanaged<CudaResult, byte**, CudaResult> GetErrorName;
    public readonly delegate* unmanaged<CudaResult, byte**, CudaResult> GetErrorString;
    public readonly delegate* unmanaged<int*, CudaResult> DeviceGetCount;
    public readonly delegate* unmanaged<int*, int, CudaResult> DeviceGet;
    public readonly delegate* unmanaged<byte*, int, int, CudaResult> DeviceGetName;
    public readonly delegate* unmanaged<int*, int, int, CudaResult> DeviceGetAttribute;
    public readonly delegate* unmanaged<nuint*, int, CudaResult> DeviceTotalMem;
    public readonly delegate* unmanaged<nint*, int, CudaResult> PrimaryCtxRetain;
    public readonly delegate* unmanaged<int, CudaResult> PrimaryCtxRelease;
    public readonly delegate* unmanaged<int, CudaResult> PrimaryCtxReset;
    public readonly delegate* unmanaged<nint, CudaResult> CtxSetCurrent;
    public readonly delegate* unmanaged<nuint*, nuint*, CudaResult> MemGetInfo;
    public readonly delegate* unmanaged<ulong*, nuint, CudaResult> MemAlloc;
    public readonly delegate* unmanaged<ulong, CudaResult> MemFree;
    public readonly delegate* unmanaged<ulong*, nuint, nint, CudaResult> MemAllocAsync;
    public readonly delegate* unmanaged<ulong, nint, CudaResult> MemFreeAsync;
    public readonly delegate* unmanaged<void**, nuint, uint, CudaResult> MemHostAlloc;
    public readonly delegate* unmanaged<void*, CudaResult> MemFreeHost;
    public readonly delegate* unmanaged<ulong, void*, nuint, nint, CudaResult> CopyHostToDevice;
    public readonly delegate* unmanaged<void*, ulong, nuint, nint, CudaResult> CopyDeviceToHost;
    public readonly delegate* unmanaged<ulong, ulong, nuint, nint, CudaResult> CopyDeviceToDevice;
    public readonly delegate* unmanaged<ulong, byte, nuint, nint, CudaResult> MemsetD8;
    public readonly delegate* unmanaged<ulong, uint, nuint, nint, CudaResult> MemsetD32;
    public readonly delegate* unmanaged<nint*, uint, CudaResult> StreamCreate;
    public readonly delegate* unmanaged<nint, CudaResult> StreamDestroy;
    public readonly delegate* unmanaged<nint, CudaResult> StreamSynchronize;
    public readonly delegate* unmanaged<nint, nint, uint, CudaResult> StreamWaitEvent;
    public readonly delegate* unmanaged<nint*, uint, CudaResult> EventCreate;
    public readonly delegate* unmanaged<nint, CudaResult> EventDestroy;
    public readonly delegate* unmanaged<nint, nint, CudaResult> EventRecord;
    public readonly delegate* unmanaged<nint, CudaResult> EventSynchronize;
    public readonly delegate* unmanaged<float*, nint, nint, CudaResult> EventElapsedTime;
    public readonly delegate* unmanaged<nint*, void*, CudaResult> ModuleLoadData;
    public readonly delegate* unmanaged<nint, CudaResult> ModuleUnload;
    public readonly delegate* unmanaged<nint*, nint, byte*, CudaResult> ModuleGetFunction;
    public readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult> LaunchKernel;

    /// <summary>Of drivers since CUDA 12.4 (native/abi/cuda_driver_12_4.h); null where there is none.</summary>
    public readonly delegate* unmanaged<nint, nuint, nuint*, nuint*, CudaResult> FuncGetParamInfo;

    /// <summary>Whether work can be issued as a graph (native/abi/cuda_graphs.h): by drivers since CUDA 11.4; not by the CPU's.</summary>
    public bool HasGraphs { get; }

    public readonly delegate* unmanaged<nint, int, CudaResult> StreamBeginCapture;
    public readonly delegate* unmanaged<nint, nint*, CudaResult> StreamEndCapture;
    public readonly delegate* unmanaged<nint*, nint, ulong, CudaResult> GraphInstantiate;
    public readonly delegate* unmanaged<nint, nint, CudaResult> GraphLaunch;
    public readonly delegate* unmanaged<nint, CudaResult> GraphExecDestroy;
    public readonly delegate* unmanaged<nint, CudaResult> GraphDestroy;

    /// <summary>
    /// The bytes of the first parameters of a loaded kernel, as many as are asked for, or fewer if it has fewer; null if the driver cannot
    /// tell.
    /// </summary>
    /// <remarks>
    /// Who expects a number asks for no more. To ask for one past the last would show that there is no further one, but is a call that
    /// fails, and whoever watches calls, such as compute-sanitizer, counts it as an error of the program.
    /// </remarks>
    public IReadOnlyList<int>? ParameterSizes(nint function, int count)
    {
        if (FuncGetParamInfo == null) return null;
        var sizes = new List<int>();
        nuint offset, bytes;
        while (sizes.Count < count && FuncGetParamInfo(function, (nuint)sizes.Count, &offset, &bytes) == CudaResult.Success)
        {
            sizes.Add((int)bytes);
        }
        return sizes;
    }

    /// <summary>Throws what the driver says of a failed call.</summary>
    public void Check(CudaResult result, string call)
    {
        if (result != CudaResult.Success) throw FailureOf(result, call);
    }

    /// <summary>Whether launches are waited for one by one, so that what fails is what was issued last.</summary>
    public bool IsSynchronous { get; set; }

    /// <summary>
    /// What made the GPU unusable for this process: later calls fail for that reason, so they tell it too, and not where they noticed it.
    /// </summary>
    public DeviceException? Loss { get; set; }

    /// <summary>Whether a failure that makes the device unusable has been thrown: an end need not throw it again.</summary>
    public bool HasToldLoss { get; set; }

    /// <summary>The version of CUDA that the driver has.</summary>
    public Version ReadVersion()
    {
        int number;
        Check(DriverGetVersion(&number), "cuDriverGetVersion");
        return new Version(number / 1000, number % 1000 / 10);
    }

    /// <summary>A failure, laid to what is known to have caused it.</summary>
    public DeviceException Lay(DeviceException error, string cause)
    {
        DeviceException laid = error.Of(cause);
        if (Loss != null) Loss = laid;
        return laid;
    }

    private DeviceException FailureOf(CudaResult result, string call)
    {
        string name = TextOf(GetErrorName, result), text = TextOf(GetErrorString, result);
        if (result.IsSticky()) HasToldLoss = true;
        if (_device == null) return OfGpu(result, call, name, text);
        return _report?.Invoke() is { } report
            ? DeviceException.OfEmulator(result, call, name, text, report)
            : DeviceException.OfOwn(result, call, _device, text);
    }

    private DeviceException OfGpu(CudaResult result, string call, string name, string text)
    {
        if (!result.IsSticky()) return DeviceException.OfGpu(result, call, name, text);
        return Loss = Loss is { } first ? first.Again() : DeviceException.OfLostGpu(result, call, name, text, IsSynchronous);
    }

    private static string TextOf(delegate* unmanaged<CudaResult, byte**, CudaResult> query, CudaResult code)
    {
        byte* text = null;
        return query(code, &text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text) ?? "" : $"status {(int)code}";
    }
}
