using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// Values in a device's memory for a kernel that there is for several types of elements: the launcher takes the one of their type.
/// </summary>
public readonly record struct ElementSpan
{
    internal ElementSpan(Device device, ulong address, long length, ElementType type) =>
        (Device, Address, Length, Type) = (device, address, length, type);

    /// <summary>How many values there are.</summary>
    public long Length { get; }

    /// <summary>What the values are.</summary>
    public ElementType Type { get; }

    /// <summary>The device whose memory it is; launchers refuse that of another.</summary>
    internal Device Device { get; }

    internal ulong Address { get; }

    public static implicit operator ElementSpan(DeviceSpan<float> span) =>
        new(span.Device, span.Address, span.Length, ElementType.Float32);

    public static implicit operator ElementSpan(DeviceSpan<Bf16> span) =>
        new(span.Device, span.Address, span.Length, ElementType.BFloat16);

    /// <summary>The values from the one at <paramref name="offset"/> on.</summary>
    internal ElementSpan From(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Length);
        return new ElementSpan(Device, Address + (ulong)(offset * Type.Size), Length - offset, Type);
    }
}
