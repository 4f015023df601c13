using System.Globalization;

namespace Spos.Engine.Kernels;

/// <summary>
/// A number of bfloat16, as kernels have it: the upper half of a float, with its sign, its 8 bits of exponent and the first 7 of its
/// fraction.
/// </summary>
/// <param name="Bits">The upper half of the float that it equals.</param>
public readonly record struct Bf16(ushort Bits)
{
    private const uint Magnitude = 0x7FFF_FFFF, Infinity = 0x7F80_0000, LeastNormal = 0x0080_0000;

    /// <summary>
    /// The nearest one, and of two that are as near the even one. A denormal float becomes zero of its sign, as by the instructions of
    /// processors that round to bf16; NaN becomes a quiet NaN.
    /// </summary>
    public static explicit operator Bf16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value), upper = bits >> 16;
        return (bits & Magnitude) switch
        {
            > Infinity => new Bf16((ushort)(upper | 0x40)),
            < LeastNormal => new Bf16((ushort)(upper & 0x8000)),
            // A carry goes on into the exponent, and from its greatest to infinity.
            _ => new Bf16((ushort)((bits + 0x7FFF + (upper & 1)) >> 16)),
        };
    }

    /// <summary>The same number, exactly.</summary>
    public static explicit operator float(Bf16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    public override string ToString() => ((float)this).ToString(CultureInfo.InvariantCulture);
}
