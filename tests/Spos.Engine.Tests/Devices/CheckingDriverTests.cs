using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Training;

namespace Spos.Engine.Tests.Devices;

/// <summary>
/// The managed CUDA path with faults in it: the checking driver tells of each. Its state is the process's, so these tests run
/// alone, and each leaves a device that was reset.
/// </summary>
[Collection(nameof(WholeMachine))]
public sealed unsafe class CheckingDriverTests : IDisposable
{
    private const int Count = 64;

    private static readonly Shape Flat = new(1, 1, 1, Count);

    private readonly Session _session = new(Device.Cuda);
    private readonly Session _other = new(Device.Cuda);

    public void Dispose()
    {
        End(_other);
        End(_session);
        Device.Cuda.Reset();
    }

    [CheckingFact]
    public void Nothing_is_found_in_right_use()
    {
        using Tensor x = Filled(_session), y = _session.Rent(Flat), z = _other.Rent(Flat);
        Relu(_session, y, x);
        using (DeviceEvent made = DeviceEvent.On(_session.Stream)) _other.Stream.Wait(made);
        Relu(_other, z, y);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => Math.Max(0f, i - 3)), z.Download(_other.Stream));
        Assert.Empty(CheckingFactAttribute.Findings());
    }

    [CheckingFact]
    public void A_missing_event()
    {
        using Tensor x = Filled(_session), y = _session.Rent(Flat), z = _other.Rent(Flat);
        Relu(_session, y, x);
        Relu(_other, z, y);
        Expect<DeviceException>("relu_forward, which no event or synchronisation orders before this", () =>
        {
            _other.Stream.Synchronize();
            _session.Stream.Synchronize();
        });
    }

    [CheckingFact]
    public void A_kept_buffer_that_another_stream_still_reads()
    {
        Tensor x = Filled(_session);
        using (Tensor z = _other.Rent(Flat))
        {
            using (DeviceEvent made = DeviceEvent.On(_session.Stream)) _other.Stream.Wait(made);
            Relu(_other, z, x);
            // The pool hands it out again, and nobody told it to wait for the reader.
            x.Dispose();
            using Tensor next = Filled(_session);
            Expect<DeviceException>("which no event or synchronisation orders before this", () =>
            {
                _session.Stream.Synchronize();
                _other.Stream.Synchronize();
            });
        }
    }

    [CheckingFact]
    public void A_grid_too_large()
    {
        using Tensor x = Filled(_session), y = _session.Rent(Flat);
        Expect<DeviceException>("the grid is too large: 1 x 65536 x 1", () => _session.Grid(1, 65536).ReluForward(y, x, Count, Count));
    }

    [CheckingFact]
    public void A_buffer_that_was_freed()
    {
        using Tensor x = Filled(_session);
        ulong freed;
        using (var gone = new Session(Device.Cuda))
        {
            using Tensor tensor = gone.Rent(Flat);
            freed = tensor.Address;
        }
        Expect<DeviceException>(
            "cuLaunchKernel of relu_forward: argument 0 of 4 is buffer",
            () => _session.Grid(1).ReluForward(new DeviceSpan<float>(_session.Device, freed, Count), x, Count, Count));
        Assert.Contains("which was freed", CheckingFactAttribute.Findings(), StringComparison.Ordinal);
    }

    [CheckingFact]
    public void A_kernel_that_writes_beyond_its_buffer()
    {
        using Tensor x = Filled(_session, 3 * Count), y = _session.Rent(Flat);
        _session.Grid(1).ReluForward(new DeviceSpan<float>(_session.Device, y.Address, 3 * Count), x, 3 * Count, 3 * Count);
        Expect<DeviceException>("out of bounds: writes 4 bytes", _session.Stream.Synchronize);
    }

    [CheckingFact]
    public void A_parameter_of_another_size_than_the_catalogue_says()
    {
        Device device = Device.Cuda;
        (nint module, nint function) = LoadRelu(device);
        const int index = KernelIndex.ReluForward;
        KernelCatalogue.Entry entry = KernelCatalogue.Entries[index];
        Assert.Equal("relu_forward", new Kernel(device.Kernels, device, function, index, entry).Name);
        KernelParameter[] right = [.. entry.Parameters];
        Assert.Empty(CheckingFactAttribute.Findings());
        // A kernel that has more than were declared passes: the checking driver refuses its image, since the emulator's kernel has fewer.
        KernelParameter[][] wrongs = [[.. right[..2], right[3], right[3]], [.. right, right[3]]];
        foreach (KernelParameter[] wrong in wrongs)
        {
            KernelCatalogue.Entry other = entry with { Parameters = wrong };
            var error = Assert.Throws<InvalidOperationException>(() => new Kernel(device.Kernels, device, function, index, other));
            string said = string.Join(", ", wrong.Select(p => p.Size));
            Assert.Contains($"has parameters of 8, 8, 8, 4 bytes; the catalogue says {said}.", error.Message, StringComparison.Ordinal);
        }
        device.Driver.Check(device.Driver.ModuleUnload(module), "cuModuleUnload");
    }

    [CheckingFact]
    public void A_leak()
    {
        Device device = Device.Cuda;
        ulong pointer;
        nint context, stream;
        device.Driver.Check(device.Driver.MemAlloc(&pointer, 12345), "cuMemAlloc");
        device.Driver.Check(device.Driver.StreamCreate(&stream, 1), "cuStreamCreate");
        // The context ends with its last user, and begins anew.
        device.Driver.Check(device.Driver.PrimaryCtxRelease(0), "cuDevicePrimaryCtxRelease");
        device.Driver.Check(device.Driver.PrimaryCtxRetain(&context, 0), "cuDevicePrimaryCtxRetain");
        string findings = CheckingFactAttribute.Findings();
        Assert.Matches("leak: [0-9]+ buffers of device memory .* of 12345 bytes", findings);
        Assert.Matches("leak: [0-9]+ streams", findings);
        device.Driver.Check(device.Driver.StreamDestroy(stream), "cuStreamDestroy");
        device.Driver.Check(device.Driver.MemFree(pointer), "cuMemFree");
    }

    [CheckingFact]
    public void A_pointer_into_another_devices_memory()
    {
        Assert.True(DeviceKind.Cuda.Count > 1, "SPOS_CHECKED_DEVICES=2 shows two.");
        Device second = DeviceKind.Cuda.Open(1);
        using var there = new Session(second);
        using Tensor x = Filled(there), y = _session.Rent(Flat);
        Assert.Empty(CheckingFactAttribute.Findings());
        Expect<DeviceException>(
            "cuLaunchKernel of relu_forward: argument 1 of 4 is a pointer into a buffer of device 1, where device 0 is current",
            () => _session.Grid(1).ReluForward(y, new DeviceSpan<float>(_session.Device, x.Address, Count), Count, Count));
    }

    [CheckingFact]
    public void An_event_of_another_device()
    {
        using var there = new Session(DeviceKind.Cuda.Open(1));
        using DeviceEvent marker = DeviceEvent.On(there.Stream);
        Expect<DeviceException>("cuStreamWaitEvent: an event of device 1, where device 0 is current", () => _session.Stream.Wait(marker));
    }

    private static (nint Module, nint Function) LoadRelu(Device device)
    {
        nint module, function;
        fixed (byte* image = device.ImageOf("relu"), name = "relu_forward\0"u8)
        {
            device.Driver.Check(device.Driver.ModuleLoadData(&module, image), "cuModuleLoadData");
            device.Driver.Check(device.Driver.ModuleGetFunction(&function, module, name), "cuModuleGetFunction");
        }
        return (module, function);
    }

    // What was found makes every call fail until the reset, so waiting for the stream may throw.
    private static void End(Session session)
    {
        try
        {
            session.Dispose();
        }
        catch (DeviceException)
        {
            session.Pool.Dispose();
            session.Stream.Dispose();
        }
    }

    private static void Expect<T>(string finding, Action fault)
        where T : Exception
    {
        Assert.Throws<T>(fault);
        Assert.Contains(finding, CheckingFactAttribute.Findings(), StringComparison.Ordinal);
    }

    private static Tensor Filled(Session session, int count = Count)
    {
        Tensor tensor = session.Rent(new Shape(1, 1, 1, count));
        tensor.Upload(session.Stream, [.. Enumerable.Range(0, count).Select(i => i - 3f)]);
        return tensor;
    }

    private static void Relu(Session session, Tensor y, Tensor x) => session.Grid(1).ReluForward(y, x, Count, Count);
}
