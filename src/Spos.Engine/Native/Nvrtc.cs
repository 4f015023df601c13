using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The part of NVRTC that Spos binds, names and values as in NVIDIA's NVRTC reference (docs.nvidia.com/cuda/nvrtc).
/// </summary>
internal sealed unsafe class Nvrtc
{
    private readonly Lazy<bool> _builtins;

    /// <exception cref="EntryPointNotFoundException">It is older than 11.2.</exception>
    public Nvrtc(FoundLibrary found)
    {
        nint library = found.Handle;
        GetErrorString = (delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(library, "nvrtcGetErrorString");
        CreateProgram =
            (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCreateProgram");
        CompileProgram = (delegate* unmanaged<nint, int, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCompileProgram");
        GetProgramLogSize = (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLogSize");
        GetProgramLog = (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLog");
        GetCubinSize = (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBINSize");
        GetCubin = (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBIN");
        GetPtxSize = (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTXSize");
        GetPtx = (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTX");
        DestroyProgram = (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "nvrtcDestroyProgram");
        var version = (delegate* unmanaged<int*, int*, int>)NativeLibrary.GetExport(library, "nvrtcVersion");
        var architectureCount = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "nvrtcGetNumSupportedArchs");
        var architectures = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "nvrtcGetSupportedArchs");

        int major, minor, count;
        Check(version(&major, &minor), "nvrtcVersion");
        Check(architectureCount(&count), "nvrtcGetNumSupportedArchs");
        int[] numbers = new int[count];
        fixed (int* target = numbers) Check(architectures(target), "nvrtcGetSupportedArchs");
        (Version, Architectures, Path) = (new Version(major, minor), numbers, found.Path);
        // It opens this one by name when it compiles.
        _builtins = new Lazy<bool>(() =>
        {
            if (System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder)
            {
                LibrarySearch.LoadBeside([folder], $"libnvrtc-builtins.so.{Version}");
            }
            return true;
        });
    }

    public readonly delegate* unmanaged<int, byte*> GetErrorString;
    public readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> CreateProgram;
    public readonly delegate* unmanaged<nint, int, byte**, int> CompileProgram;
    public readonly delegate* unmanaged<nint, nuint*, int> GetProgramLogSize;
    public readonly delegate* unmanaged<nint, byte*, int> GetProgramLog;
    public readonly delegate* unmanaged<nint, nuint*, int> GetCubinSize;
    public readonly delegate* unmanaged<nint, byte*, int> GetCubin;
    public readonly delegate* unmanaged<nint, nuint*, int> GetPtxSize;
    public readonly delegate* unmanaged<nint, byte*, int> GetPtx;
    public readonly delegate* unmanaged<nint*, int> DestroyProgram;

    public Version Version { get; }

    /// <summary>The architectures that it compiles for, such as 90 for sm_90 and compute_90.</summary>
    public IReadOnlyList<int> Architectures { get; }

    public string Path { get; }

    /// <summary>All that are installed and recent enough, in the order in which they were found.</summary>
    public static IReadOnlyList<Nvrtc> FindAll() => [.. LibrarySearch.OfMachine.Find(NvidiaLibrary.Nvrtc).Select(TryOpen).OfType<Nvrtc>()];

    /// <summary>Makes it ready to compile.</summary>
    public void LoadBuiltins() => _ = _builtins.Value;

    /// <summary>Throws unless <paramref name="status"/> is success.</summary>
    /// <exception cref="NvrtcException">It is not.</exception>
    public void Check(int status, string call)
    {
        if (status != 0) throw new NvrtcException(call, Marshal.PtrToStringUTF8((nint)GetErrorString(status)) ?? "");
    }

    private static Nvrtc? TryOpen(FoundLibrary found)
    {
        try
        {
            return new Nvrtc(found);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or NvrtcException)
        {
            return null;
        }
    }
}

/// <summary>A call to NVRTC failed.</summary>
public sealed class NvrtcException(string call, string status) : SposException($"{call} failed: {status}.");
