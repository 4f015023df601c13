using System.Runtime.CompilerServices;

namespace Spos.Engine.Kernels;

/// <summary>One argument of a launch: its bits and its kind, in the letters of <see cref="KernelCatalogue"/>.</summary>
public readonly struct KernelArgument
{
    private KernelArgument(ulong bits, char kind)
    {
        Bits = bits;
        Kind = kind;
    }

    internal ulong Bits { get; }

    internal char Kind { get; }

    internal static KernelArgument Pointer(ulong address) => new(address, 'P');

    public static implicit operator KernelArgument(int value) => new((uint)value, 'i');

    public static implicit operator KernelArgument(bool value) => new(value ? 1u : 0u, 'i');

    public static implicit operator KernelArgument(long value) => new((ulong)value, 'l');

    public static implicit operator KernelArgument(ulong value) => new(value, 'l');

    public static implicit operator KernelArgument(float value) => new(Unsafe.BitCast<float, uint>(value), 'f');
}
