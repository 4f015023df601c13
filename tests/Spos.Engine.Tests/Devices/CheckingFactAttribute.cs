using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Devices;

/// <summary>
/// A test that needs the checking driver (native/checking) in NVIDIA's place, which test.sh puts there for a run of its own;
/// left out elsewhere.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed unsafe class CheckingFactAttribute : FactAttribute
{
    private const string Library = "libcuda.so.1";

    public CheckingFactAttribute()
    {
        if (Device.WhyNoCuda() != null || !TryFind(out _)) Skip = "The checking driver is not in the place of NVIDIA's.";
    }

    /// <summary>What the checking driver found since the device was last reset, one line each.</summary>
    internal static string Findings()
    {
        Assert.True(TryFind(out nint export));
        byte* text = null;
        Assert.Equal(CudaResult.Success, ((delegate* unmanaged<byte**, CudaResult>)export)(&text));
        return Marshal.PtrToStringUTF8((nint)text) ?? "";
    }

    private static bool TryFind(out nint export)
    {
        export = 0;
        return NativeLibrary.TryLoad(Library, out nint library)
            && NativeLibrary.TryGetExport(library, "sposCheckingGetFindings", out export);
    }
}
