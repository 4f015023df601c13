using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>Values in a device's memory that a kernel may write, and read.</summary>
public readonly unsafe record struct DeviceSpan<T>
    where T : unmanaged
{
    internal DeviceSpan(Device device, ulong address, long length) => (Device, Address, Length) = (device, address, length);

    /// <summary>How many values there are.</summary>
    public long Length { get; }

    /// <summary>The device whose memory it is; launchers refuse that of another.</summary>
    internal Device Device { get; }

    internal ulong Address { get; }

    public static implicit operator ReadOnlyDeviceSpan<T>(DeviceSpan<T> span) => new(span.Device, span.Address, span.Length);

    /// <summary>The same memory as values of another type.</summary>
    internal DeviceSpan<TOther> Cast<TOther>()
        where TOther : unmanaged => new(Device, Address, Length * sizeof(T) / sizeof(TOther));
}

/// <summary>Values in a device's memory that a kernel reads.</summary>
public readonly record struct ReadOnlyDeviceSpan<T>
    where T : unmanaged
{
    internal ReadOnlyDeviceSpan(Device device, ulong address, long length) => (Device, Address, Length) = (device, address, length);

    /// <summary>How many values there are.</summary>
    public long Length { get; }

    /// <summary>The device whose memory it is; launchers refuse that of another.</summary>
    internal Device Device { get; }

    internal ulong Address { get; }
}
