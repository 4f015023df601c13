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

    /// <summary>The name by which tests ask for a dry run of it (native/checking/dry.h), with as many multiprocessors as an H100.</summary>
    public const string DryName = "dry";

    /// <summary>What stands before each finding on standard error.</summary>
    public const string Finding = "checking driver:";

    /// <summary>The variables that have a run take it and compute nothing.</summary>
    public static void AddDryTo(IDictionary<string, string?> environment)
    {
        AddTo(environment);
        environment["SPOS_CHECKING_DRY"] = "1";
        environment["SPOS_CHECKED_MULTIPROCESSORS"] = "132";
    }

    /// <summary>The variables that have a run take it.</summary>
    public static void AddTo(IDictionary<string, string?> environment)
    {
        string folder = Path.Combine(Device.NativeFolder, "checking");
        environment["SPOS_DEVICE"] = "cuda";
        environment["SPOS_CUDA_DIR"] = folder;
        environment["LD_LIBRARY_PATH"] = folder
            + (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") is { Length: > 0 } rest ? $":{rest}" : "");
    }
}
