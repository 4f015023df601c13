namespace Spos.Engine.Devices;

/// <summary>A point in a stream that other streams can wait for.</summary>
public sealed unsafe class DeviceEvent : IDisposable
{
    private readonly Device _device;
    private nint _handle;

    public DeviceEvent(Device device)
    {
        _device = device;
        device.MakeCurrent();
        nint handle;
        device.Driver.Check(device.Driver.EventCreate(&handle, 2), "cuEventCreate");
        _handle = handle;
    }

    internal nint Handle => _handle;

    /// <summary>Marks the work issued to <paramref name="stream"/> so far.</summary>
    public void Record(DeviceStream stream) =>
        _device.Driver.Check(_device.Driver.EventRecord(_handle, stream.Handle), "cuEventRecord");

    /// <summary>Waits until the work that was marked last has run.</summary>
    public void Synchronize()
    {
        _device.MakeCurrent();
        _device.Driver.Check(_device.Driver.EventSynchronize(_handle), "cuEventSynchronize");
    }

    public void Dispose()
    {
        if (_handle == 0) return;
        _device.MakeCurrent();
        _ = _device.Driver.EventDestroy(_handle);
        _handle = 0;
    }
}
