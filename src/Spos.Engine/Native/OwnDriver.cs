using System.Globalization;
using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>One of our own drivers, loaded, with what it offers beyond the CUDA driver API (native/abi/spos_kernels.h).</summary>
internal sealed unsafe class OwnDriver
{
    /// <summary>As many devices as one of our drivers can have (kMostDevices of native/driver/device.h).</summary>
    public const int MostDevices = 16;

    private readonly Lazy<IReadOnlyList<KernelList.Entry>> _kernels;

    /// <param name="name">Of the library.</param>
    /// <exception cref="DllNotFoundException">It is not there, or cannot be loaded.</exception>
    public OwnDriver(string name)
    {
        Library = NativeLibraries.Load(name);
        Limit = new MemoryLimit(Library);
        _kernels = new(() => KernelList.Of(Library));
    }

    public nint Library { get; }

    public MemoryLimit Limit { get; }

    /// <summary>The kernels that it holds.</summary>
    public IReadOnlyList<KernelList.Entry> Kernels => _kernels.Value;

    /// <summary>From now on there are as many devices; there are never fewer than before.</summary>
    public void SetDeviceCount(int count)
    {
        var set = (delegate* unmanaged<int, CudaResult>)NativeLibrary.GetExport(Library, "sposSetDeviceCount");
        if (set(count) == CudaResult.Success) return;
        throw new ArgumentOutOfRangeException(nameof(count), count, $"1 to {MostDevices} devices are possible.");
    }

    /// <summary>How many devices a variable asks for: 1 if it is not set.</summary>
    /// <exception cref="FormatException">It is set, but to no such number.</exception>
    public static int DeviceCountFrom(string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } text) return 1;
        bool whole = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count);
        return whole && count is >= 1 and <= MostDevices
            ? count
            : throw new FormatException($"{variable} is '{Shown.Line(text)}': it takes a number of devices, 1 to {MostDevices}.");
    }
}
