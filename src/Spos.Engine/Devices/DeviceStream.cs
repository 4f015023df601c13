using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>A queue of work on a device: what is issued to one stream runs in that order.</summary>
public sealed unsafe class DeviceStream : IDisposable
{
    private nint _handle;

    public DeviceStream(Device device)
    {
        Device = device;
        device.MakeCurrent();
        nint handle;
        device.Driver.Check(device.Driver.StreamCreate(&handle, 1), "cuStreamCreate");
        _handle = handle;
    }

    public Device Device { get; }

    /// <summary>While a plan is made: who notes what is launched. Else null.</summary>
    internal IRecording? Recording { get; set; }

    /// <summary>Whether it has ended; all its work had run then.</summary>
    internal bool IsDisposed => _handle == 0;

    internal nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            Device.MakeCurrent();
            return _handle;
        }
    }

    /// <exception cref="ArgumentException">Memory is another device's than the one that the stream runs on.</exception>
    internal void Require(Device of)
    {
        if (of != Device) throw new ArgumentException($"A stream of {Device} is given memory of {of}: copy it there first.");
    }

    /// <summary>Waits until all work issued so far has run.</summary>
    public void Synchronize() => Device.Driver.Check(Device.Driver.StreamSynchronize(Handle), "cuStreamSynchronize");

    /// <summary>As <see cref="Synchronize"/>, for an end that must not fail.</summary>
    internal CudaResult Drain()
    {
        if (_handle == 0) return CudaResult.Success;
        _ = Device.TryMakeCurrent();
        return Device.Driver.StreamSynchronize(_handle);
    }

    /// <summary>
    /// Waits for what another library has issued, and lays a failure to it: where launches run one by one
    /// (<see cref="Device.IsSynchronous"/>).
    /// </summary>
    internal void Settle(string work)
    {
        try
        {
            Synchronize();
        }
        catch (DeviceException error)
        {
            throw Device.Driver.Lay(error, work);
        }
    }

    /// <summary>Later work on this stream waits for what <paramref name="marker"/> recorded.</summary>
    public void Wait(DeviceEvent marker) =>
        Device.Driver.Check(TryWait(marker), "cuStreamWaitEvent");

    /// <summary>As <see cref="Wait"/>, for an end that must not fail.</summary>
    internal CudaResult TryWait(DeviceEvent marker)
    {
        CudaResult result = Device.TryMakeCurrent();
        return result == CudaResult.Success ? Device.Driver.StreamWaitEvent(Handle, marker.Handle, 0) : result;
    }

    public void Dispose()
    {
        if (_handle == 0) return;
        _ = Drain();
        _ = Device.Driver.StreamDestroy(_handle);
        _handle = 0;
    }
}
