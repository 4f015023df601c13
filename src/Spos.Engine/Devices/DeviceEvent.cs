using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>A point in a stream that other streams can wait for.</summary>
public sealed unsafe class DeviceEvent : IDisposable
{
    private const uint DisableTiming = 2;

    private readonly Device _device;
    private nint _handle;

    /// <param name="timing">Whether it notes the time; costs a little.</param>
    public DeviceEvent(Device device, bool timing = false)
    {
        _device = device;
        device.MakeCurrent();
        nint handle;
        device.Driver.Check(device.Driver.EventCreate(&handle, timing ? 0u : DisableTiming), "cuEventCreate");
        _handle = handle;
    }

    internal nint Handle => _handle;

    /// <summary>An event that marks the work issued to <paramref name="stream"/> so far.</summary>
    public static DeviceEvent On(DeviceStream stream)
    {
        var marker = new DeviceEvent(stream.Device);
        try
        {
            marker.Record(stream);
            return marker;
        }
        catch
        {
            marker.Dispose();
            throw;
        }
    }

    /// <summary>Marks the work issued to <paramref name="stream"/> so far.</summary>
    public void Record(DeviceStream stream) =>
        _device.Driver.Check(TryRecord(stream), "cuEventRecord");

    /// <summary>As <see cref="Record"/>, for an end that must not fail.</summary>
    internal CudaResult TryRecord(DeviceStream stream)
    {
        CudaResult result = _device.TryMakeCurrent();
        return result == CudaResult.Success ? _device.Driver.EventRecord(_handle, stream.Handle) : result;
    }

    /// <summary>Waits until the work that was marked last has run.</summary>
    public void Synchronize()
    {
        _device.MakeCurrent();
        _device.Driver.Check(_device.Driver.EventSynchronize(_handle), "cuEventSynchronize");
    }

    /// <summary>As <see cref="Synchronize"/>, at an end that must not fail: what went wrong is told by others.</summary>
    internal void Drain()
    {
        if (_handle == 0) return;
        _ = _device.TryMakeCurrent();
        _ = _device.Driver.EventSynchronize(_handle);
    }

    /// <summary>Seconds from <paramref name="start"/> to this; both note the time, and their work has run.</summary>
    public double SecondsSince(DeviceEvent start)
    {
        _device.MakeCurrent();
        float milliseconds;
        _device.Driver.Check(_device.Driver.EventElapsedTime(&milliseconds, start._handle, _handle), "cuEventElapsedTime");
        return milliseconds / 1e3;
    }

    public void Dispose()
    {
        if (_handle == 0) return;
        _ = _device.TryMakeCurrent();
        _ = _device.Driver.EventDestroy(_handle);
        _handle = 0;
    }
}
