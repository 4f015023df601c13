namespace Spos.Engine.Kernels;

/// <summary>Values in a device's memory that a kernel may write, and read.</summary>
public readonly unsafe record struct DeviceSpan<T>
    where T : unmanaged
{
    internal DeviceSpan(ulong address, long length) => (Address, Length) = (address, length);

    /// <summary>How many values there are.</summary>
    public long Length { get; }

    internal ulong Address { get; }

    public static implicit operator ReadOnlyDeviceSpan<T>(DeviceSpan<T> span) => new(span.Address, span.Length);

    /// <summary>The same memory as values of another type.</summary>
    internal DeviceSpan<TOther> Cast<TOther>()
        where TOther : unmanaged => new(Address, Length * sizeof(T) / sizeof(TOther));
}

/// <summary>Values in a device's memory that a kernel reads.</summary>
public readonly record struct ReadOnlyDeviceSpan<T>
    where T : unmanaged
{
    internal ReadOnlyDeviceSpan(ulong address, long length) => (Address, Length) = (address, length);

    /// <summary>How many values there are.</summary>
    public long Length { get; }

    internal ulong Address { get; }
}
