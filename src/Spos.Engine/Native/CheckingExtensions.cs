using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>What the checking driver offers beyond the CUDA driver API (native/abi/spos_checking.h).</summary>
internal static unsafe class CheckingExtensions
{
    /// <summary>Whether a library is the checking driver and carries out no launch; NVIDIA's driver always does.</summary>
    public static bool IsDry(nint driver)
    {
        if (!NativeLibrary.TryGetExport(driver, "sposCheckingIsDry", out nint export)) return false;
        return ((delegate* unmanaged<int>)export)() != 0;
    }
}
