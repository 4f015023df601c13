namespace Spos.Engine.Native;

/// <summary>A call to a device's library failed.</summary>
public sealed class DeviceException(CudaResult result, string call, string name, string text)
    : Exception($"{call} failed: {name} ({text}).")
{
    /// <summary>The driver's status code.</summary>
    public CudaResult Result { get; } = result;
}
