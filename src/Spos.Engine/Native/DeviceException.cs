namespace Spos.Engine.Native;

/// <summary>A call to a device's library failed.</summary>
public sealed class DeviceException(CudaResult result, string call, string name, string text, string? report = null)
    : SposException($"{call} failed: {name} ({text}).{(report == null ? "" : $" {report}.")}")
{
    /// <summary>The driver's status code.</summary>
    public CudaResult Result { get; } = result;

    /// <summary>What the emulated device found wrong; null from others.</summary>
    public string? Report { get; } = report;
}
