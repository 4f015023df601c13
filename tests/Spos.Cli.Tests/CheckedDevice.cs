using Spos.Engine.Devices;

namespace Spos.Cli.Tests;

/// <summary>
/// The cuda device on the checking driver (native/checking): NVRTC's kernels, as far as a driver sees them, computed by the
/// emulated GPU.
/// </summary>
internal static class CheckedDevice
{
    /// <summary>The name by which tests ask for it.</summary>
    public const string Name = "checked";

    /// <summary>What stands before each finding on standard error.</summary>
    public const string Finding = "checking driver:";

    /// <summary>The variables that have a run take it.</summary>
    public static void AddTo(IDictionary<string, string?> environment)
    {
        string folder = Path.Combine(Device.NativeFolder, "checking");
        environment["SPOS_DEVICE"] = "cuda";
        environment["SPOS_CUDA_DIR"] = folder;
        environment["LD_LIBRARY_PATH"] = folder + (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") is { Length: > 0 } rest ? $":{rest}" : "");
    }
}
