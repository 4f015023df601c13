using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The bound entry points of one cuDNN library, NVIDIA's or oneDNN behind the same interface (native/abi/cudnn.h).
/// Status 0 is success.
/// </summary>
internal sealed unsafe class Cudnn(nint library)
{
    private const int MessageSize = 1024;

    // From version 9 on, and of NVIDIA's alone: the words behind a status.
    private readonly delegate* unmanaged<byte*, nuint, void> _getLastErrorString =
        NativeLibrary.TryGetExport(library, "cudnnGetLastErrorString", out nint export)
            ? (delegate* unmanaged<byte*, nuint, void>)export
            : null;

    public readonly delegate* unmanaged<int, byte*> GetErrorString =
        (delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(library, "cudnnGetErrorString");
    public readonly delegate* unmanaged<nint*, int> Create =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cudnnCreate");
    public readonly delegate* unmanaged<nint, int> Destroy =
        (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cudnnDestroy");
    public readonly delegate* unmanaged<nint, nint, int> SetStream =
        (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cudnnSetStream");
    public readonly delegate* unmanaged<nint*, int> CreateTensor =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cudnnCreateTensorDescriptor");
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int, int> SetTensor =
        (delegate* unmanaged<nint, int, int, int, int, int, int, int>)NativeLibrary.GetExport(library, "cudnnSetTensor4dDescriptor");
    public readonly delegate* unmanaged<nint, int> DestroyTensor =
        (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cudnnDestroyTensorDescriptor");
    public readonly delegate* unmanaged<nint*, int> CreateFilter =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cudnnCreateFilterDescriptor");
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int, int> SetFilter =
        (delegate* unmanaged<nint, int, int, int, int, int, int, int>)NativeLibrary.GetExport(library, "cudnnSetFilter4dDescriptor");
    public readonly delegate* unmanaged<nint, int> DestroyFilter =
        (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cudnnDestroyFilterDescriptor");
    public readonly delegate* unmanaged<nint*, int> CreateConvolution =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cudnnCreateConvolutionDescriptor");
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int, int, int, int> SetConvolution =
        (delegate* unmanaged<nint, int, int, int, int, int, int, int, int, int>)NativeLibrary.GetExport(
            library, "cudnnSetConvolution2dDescriptor");
    public readonly delegate* unmanaged<nint, int, int> SetGroups =
        (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "cudnnSetConvolutionGroupCount");
    public readonly delegate* unmanaged<nint, int, int> SetMathType =
        (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "cudnnSetConvolutionMathType");
    public readonly delegate* unmanaged<nint, int> DestroyConvolution =
        (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cudnnDestroyConvolutionDescriptor");
    public delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int> ForwardAlgorithms { get; init; } =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int>)NativeLibrary.GetExport(
            library, "cudnnGetConvolutionForwardAlgorithm_v7");
    public readonly delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> Forward =
        (delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int>)
            NativeLibrary.GetExport(library, "cudnnConvolutionForward");
    public delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int> BackwardDataAlgorithms { get; init; } =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int>)NativeLibrary.GetExport(
            library, "cudnnGetConvolutionBackwardDataAlgorithm_v7");
    public readonly delegate* unmanaged<
        nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> BackwardData =
            (delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int>)
                NativeLibrary.GetExport(library, "cudnnConvolutionBackwardData");
    public delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int> BackwardFilterAlgorithms { get; init; } =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int>)NativeLibrary.GetExport(
            library, "cudnnGetConvolutionBackwardFilterAlgorithm_v7");
    public readonly delegate* unmanaged<
        nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> BackwardFilter =
            (delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int>)
                NativeLibrary.GetExport(library, "cudnnConvolutionBackwardFilter");

    /// <summary>Its version, such as 9.15.1.</summary>
    public static string VersionOf(FoundLibrary found)
    {
        ulong number = ((delegate* unmanaged<nuint>)NativeLibrary.GetExport(found.Handle, "cudnnGetVersion"))();
        return $"{number / 10_000}.{number / 100 % 100}.{number % 100}";
    }

    /// <summary>NVIDIA's cuDNN 9; null if none was found that can be loaded.</summary>
    public static Cudnn? TryFind()
    {
        if (LibrarySearch.OfMachine.Find(NvidiaLibrary.Cudnn) is not [var found, ..]) return null;
        // It is several libraries, which open each other by name, and cuBLAS and NVRTC, when they are first needed. The loader finds by
        // name what was loaded by path.
        if (Path.GetDirectoryName(found.Path) is { Length: > 0 } folder)
        {
            LibrarySearch.LoadBeside(WheelsBeside(folder), "libcublasLt.so.*", "libcublas.so.*", "libnvrtc.so.*");
            LibrarySearch.LoadBeside([folder], "libcudnn_*.so.9");
        }
        try
        {
            return new Cudnn(found.Handle);
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Throws what cuDNN says of a failed call.</summary>
    public void Check(int status, string call)
    {
        if (status != 0) throw new CudnnException(call, TextOf(status), status);
    }

    private string TextOf(int status)
    {
        string text = Marshal.PtrToStringUTF8((nint)GetErrorString(status)) ?? $"status {status}";
        if (_getLastErrorString == null) return text;
        byte* words = stackalloc byte[MessageSize];
        _getLastErrorString(words, MessageSize);
        words[MessageSize - 1] = 0;
        return Marshal.PtrToStringUTF8((nint)words) is { Length: > 0 } more ? $"{text} ({more})" : text;
    }

    // Of site-packages/nvidia/cudnn/lib: nvidia/*/lib.
    private static IEnumerable<string> WheelsBeside(string folder) =>
        Directory.GetParent(folder)?.Parent is { Name: "nvidia" } wheels
            ? wheels.GetDirectories().Select(wheel => Path.Combine(wheel.FullName, "lib"))
            : [];
}

/// <summary>cudnnConvolutionFwdAlgoPerf_t, and its like for the other passes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudnnAlgorithm
{
    public int Number;
    public int Status;
    public float Time;
    public nuint Memory;
    public int Determinism;
    public int MathType;
    public int Reserved0, Reserved1, Reserved2;
}

/// <summary>A call to cuDNN failed.</summary>
/// <param name="status">cudnnStatus_t.</param>
public sealed class CudnnException(string call, string text, int status) : SposException($"{call} failed: {text}.")
{
    private const int NotSupported = 3000, NextClass = 4000;

    /// <summary>Whether cuDNN does not have what was asked for, which is no fault: version 9 tells several reasons apart.</summary>
    internal bool IsNotSupported => status is >= NotSupported and < NextClass;
}
