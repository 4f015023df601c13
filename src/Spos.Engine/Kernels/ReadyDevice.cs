using System.Diagnostics;
using System.Globalization;
using Spos.Engine.Compilation;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Kernels;

/// <summary>
/// Opens a device so that nothing of its start is left for the first step: a GPU's kernels are compiled and loaded, and one has run. What
/// fails there under "auto" costs a line, and the CPU is taken.
/// </summary>
public static class ReadyDevice
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private static readonly Lock Turn = new();

    // The devices whose kernels were compiled and tried: null where all is well, else why it cannot be used.
    private static readonly Dictionary<Device, GpuUnavailableException?> Tried = [];

    /// <summary>
    /// Why "auto" took the CPU although there should be a GPU, or there is none; null if it was not asked, or took the GPU.
    /// </summary>
    public static string? WhyNoCuda { get; private set; }

    /// <summary>Opens the device that --device names, as <see cref="Device.Open"/>.</summary>
    /// <param name="say">Takes lines for the user: that kernels are compiled, and why a GPU is not used.</param>
    /// <param name="synchronous">See <see cref="Device.IsSynchronous"/>.</param>
    /// <param name="dry">Whether a device that computes nothing (<see cref="Device.IsDry"/>) will do.</param>
    /// <param name="require">Refuses a device that cannot do what is wanted of it, before kernels are compiled for it.</param>
    /// <exception cref="NoSuchDeviceException">There is no such device.</exception>
    /// <exception cref="SposException">A device that was asked for by name cannot be used.</exception>
    /// <exception cref="FormatException">SPOS_MEMORY_LIMIT is no number of bytes.</exception>
    public static Device Open(
        string name, Action<string> say, bool synchronous = false, bool dry = false, Action<Device>? require = null)
    {
        Device device = name == "auto"
            ? OpenBest(say, synchronous, dry, require)
            : Open(DeviceName.Parse(name), say, synchronous, dry, require);
        device.IsSynchronous = synchronous;
        return device;
    }

    private static Device Open(DeviceName name, Action<string> say, bool synchronous, bool dry, Action<Device>? require)
    {
        Device device = name.Open();
        if (device.IsDry && !dry)
        {
            throw new GpuUnavailableException(
                "SPOS_CHECKING_DRY=1 has the checking driver compute nothing, which is for spos bench launches alone: leave it out");
        }
        require?.Invoke(device);
        if (device.Images == null) return device;
        lock (Turn)
        {
            if (!Tried.TryGetValue(device, out GpuUnavailableException? failure)) Tried[device] = failure = Try(device, say, synchronous);
            return failure == null ? device : throw failure;
        }
    }

    private static Device OpenBest(Action<string> say, bool synchronous, bool dry, Action<Device>? require)
    {
        try
        {
            return Open(new DeviceName(DeviceKind.Cuda, 0), say, synchronous, dry, require);
        }
        catch (SposException error)
        {
            bool first = WhyNoCuda == null;
            WhyNoCuda = error.Message;
            if (first && error is not GpuUnavailableException { IsAbsent: true })
            {
                say(
                    $"the GPU is not used, but the CPU: {error.Message.TrimEnd('.')}. "
                    + "--device cuda stops instead; --device host is silent.");
            }
            return Device.Host;
        }
    }

    // Null if kernels run on it.
    private static GpuUnavailableException? Try(Device device, Action<string> say, bool synchronous)
    {
        device.IsSynchronous = synchronous;
        try
        {
            LoadKernels(device, say);
            if (!device.IsDry) Prove(device);
            return null;
        }
        catch (SposException error)
        {
            device.Release();
            return error as GpuUnavailableException
                ?? new GpuUnavailableException($"{device.Name} is there, but kernels do not run on it: {error.Message}", cause: error);
        }
    }

    private static void LoadKernels(Device device, Action<string> say)
    {
        var missing = device.Images!.ToCompile.Intersect(KernelCatalogue.AtStartOfGpu).ToHashSet();
        if (missing.Count > 0)
        {
            say(
                $"compiling {missing.Count} kernel files for {device.Images.Target} with NVRTC {device.Images.Nvrtc}, "
                + $"once (kept in {CubinCache.OfUser.Folder})");
        }
        long start = Stopwatch.GetTimestamp();
        TimeSpan next = LineInterval;
        int done = 0;
        var turn = new Lock();
        device.Kernels.LoadAll(KernelCatalogue.AtStartOfGpu, module =>
        {
            if (!missing.Contains(module)) return;
            lock (turn)
            {
                TimeSpan passed = Stopwatch.GetElapsedTime(start);
                bool last = ++done == missing.Count;
                if (!last && passed < next) return;
                next = passed + LineInterval;
                say(string.Create(
                    CultureInfo.InvariantCulture, $"compiled {done} of {missing.Count} kernel files in {passed.TotalSeconds:0.0} s"));
            }
        });
    }

    // 1 + 2 is 3: what is wrong with a driver, a context or its memory shows at the first launch.
    private static unsafe void Prove(Device device)
    {
        const int length = 1000, perBlock = 256;
        using var stream = new DeviceStream(device);
        using var pool = new BufferPool(device, stream);
        DeviceBuffer sum = pool.Rent(length * sizeof(float)), summand = pool.Rent(length * sizeof(float));
        CudaDriver driver = device.Driver;
        driver.Check(driver.MemsetD32(sum.Pointer, BitConverter.SingleToUInt32Bits(1), length, stream.Handle), "cuMemsetD32Async");
        driver.Check(driver.MemsetD32(summand.Pointer, BitConverter.SingleToUInt32Bits(2), length, stream.Handle), "cuMemsetD32Async");
        LaunchGrid.Of(stream, Partition.OfRows(length, perBlock).Blocks).AddInPlace(
            new DeviceSpan<float>(device, sum.Pointer, length), new DeviceSpan<float>(device, summand.Pointer, length), length, perBlock);
        float[] results = new float[length];
        fixed (float* target = results)
        {
            driver.Check(driver.CopyDeviceToHost(target, sum.Pointer, sizeof(float) * length, stream.Handle), "cuMemcpyDtoHAsync");
        }
        stream.Synchronize();
        sum.Release();
        summand.Release();
        if (results.Any(result => result != 3))
        {
            string wrong = results.First(result => result != 3).ToString(CultureInfo.InvariantCulture);
            throw new GpuUnavailableException($"{device.Name} computes wrong results: a kernel that adds 1 and 2 gave {wrong}");
        }
    }
}
