namespace Spos.Engine.Native;

/// <summary>A call to a device's library failed.</summary>
public sealed class DeviceException : SposException
{
    private DeviceException(CudaResult result, string message, string? report)
        : base(message)
    {
        (Result, Report) = (result, report);
    }

    /// <summary>The driver's status code.</summary>
    public CudaResult Result { get; }

    /// <summary>What the emulated device found wrong; null from others.</summary>
    public string? Report { get; }

    /// <summary>NVIDIA's driver refused a call: its name for the status tells more than its text.</summary>
    internal static DeviceException OfGpu(CudaResult result, string call, string name, string text) =>
        new(result, $"{call} failed: {name} ({text}).", null);

    /// <summary>A kernel or a copy failed while it ran, and took the GPU's context with it.</summary>
    /// <param name="synchronous">Whether it is <paramref name="call"/> that failed; else something that was issued before.</param>
    internal static DeviceException OfLostGpu(CudaResult result, string call, string name, string text, bool synchronous)
    {
        string what = synchronous
            ? $"{call} failed: {name} ({text})."
            : $"A kernel or copy on the GPU failed: {name} ({text}), noticed at {call}. Run it with --sync to see which.";
        return new DeviceException(result, $"{what} This process cannot use the GPU any more: run the same command again.", null);
    }

    /// <summary>The same, where a later call meets it.</summary>
    internal DeviceException Again() => new(Result, Message, Report);

    /// <summary>The same, of what is known to have failed.</summary>
    internal DeviceException Of(string what) => new(Result, $"{what}: {Message}", Report);

    /// <summary>The emulated GPU found a fault in a kernel, or in how it was used.</summary>
    internal static DeviceException OfEmulator(CudaResult result, string call, string name, string text, string report) =>
        new(result, $"{call} failed: {name} ({text}). {report}.", report);

    /// <summary>One of our own drivers refused a call. Users of a CPU know nothing of CUDA, so its names stay out.</summary>
    /// <param name="device">Such as "the CPU".</param>
    internal static DeviceException OfOwn(CudaResult result, string call, string device, string text)
    {
        string advice = result switch
        {
            CudaResult.InvalidValue => " A size may be beyond what it can do: try a smaller batch, picture or network.",
            CudaResult.OutOfMemory => " Try a smaller batch, picture or network.",
            _ => "",
        };
        return new DeviceException(result, $"{call} failed on {device}: {text}.{advice}", null);
    }
}
