using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// Times every launch of a device while it is set as <see cref="KernelSet.Timer"/>, by events of the launch's stream. Each launch
/// then waits for the one before, so that no two share the device.
/// </summary>
public sealed class KernelTimer : IDisposable
{
    private readonly Device _device;
    private readonly DeviceEvent _start, _end;
    private readonly Dictionary<(string Kernel, KernelWork Work), List<double>> _seconds = [];
    private readonly Lock _lock = new();

    public KernelTimer(Device device)
    {
        _device = device;
        _start = new DeviceEvent(device, timing: true);
        _end = new DeviceEvent(device, timing: true);
    }

    /// <summary>Seconds of every launch so far, by kernel and work.</summary>
    public IEnumerable<(string Kernel, KernelWork Work, double[] Seconds)> Launches
    {
        get
        {
            lock (_lock) return [.. _seconds.Select(s => (s.Key.Kernel, s.Key.Work, s.Value.ToArray()))];
        }
    }

    /// <summary>Forgets all launches.</summary>
    public void Clear()
    {
        lock (_lock) _seconds.Clear();
    }

    public void Dispose()
    {
        if (_device.Kernels.Timer == this) _device.Kernels.Timer = null;
        _start.Dispose();
        _end.Dispose();
    }

    internal void Time(string kernel, KernelWork work, DeviceStream stream, Action launch)
    {
        lock (_lock)
        {
            _start.Record(stream);
            launch();
            _end.Record(stream);
            _end.Synchronize();
            if (!_seconds.TryGetValue((kernel, work), out List<double>? list)) _seconds[(kernel, work)] = list = [];
            list.Add(_end.SecondsSince(_start));
        }
    }
}
