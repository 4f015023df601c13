using Spos.Engine.Devices;

namespace Spos.Engine.Tests.Devices;

/// <summary>
/// A device as a test's case names it: "host", "cuda" where there is a GPU, or "simt THREADS SEED" for the emulated GPU with
/// that many threads a block and that schedule. Tests on the emulated GPU take turns, as these settings are the device's.
/// </summary>
internal sealed class TestDevice : IDisposable
{
    private static readonly object Turn = new();

    private TestDevice(Device device) => Device = device;

    /// <summary>The emulated GPU with some schedules; 0 is the order of issue.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "host",
        .. Gpu,
        .. from seed in new[] { 0, 1, 2 } select $"simt {seed}",
    ];

    public static IReadOnlyList<string> Two { get; } = ["host", .. Gpu, "simt 1"];

    /// <summary>Whether the device has cuDNN, or its stand-in of ours.</summary>
    public static bool HasCudnn(string name)
    {
        if (name != "cuda") return true;
        try
        {
            return Device.Cuda.Cudnn != null;
        }
        catch (GpuUnavailableException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Gpu => Device.WhyNoCuda() == null ? ["cuda"] : [];

    public Device Device { get; }

    public static TestDevice Open(string name)
    {
        if (name is "host" or "cuda") return new TestDevice(Device.Open(name));
        string[] parts = name.Split(' ');
        Monitor.Enter(Turn);
        try
        {
            Device device = Device.Open(parts[0]);
            device.SetSchedule(ulong.Parse(parts[1]));
            return new TestDevice(device);
        }
        catch
        {
            Monitor.Exit(Turn);
            throw;
        }
    }

    public void Dispose()
    {
        if (Device.Kind != "simt") return;
        // Whatever went wrong must not reach the next test.
        Device.Reset();
        Monitor.Exit(Turn);
    }
}
