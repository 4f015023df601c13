using System.Runtime.CompilerServices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Kernels;

/// <summary>Conversions between floats and bf16.</summary>
public sealed class Bf16Tests
{
    [Theory]
    [InlineData(0x0000_0000u, 0x0000)]
    [InlineData(0x8000_0000u, 0x8000)]
    // 1, and what lies between it and the next one: below the middle, in it, above.
    [InlineData(0x3F80_0000u, 0x3F80)]
    [InlineData(0x3F80_7FFFu, 0x3F80)]
    [InlineData(0x3F80_8000u, 0x3F80)]
    [InlineData(0x3F80_8001u, 0x3F81)]
    // In the middle above an odd one.
    [InlineData(0x3F81_7FFFu, 0x3F81)]
    [InlineData(0x3F81_8000u, 0x3F82)]
    [InlineData(0xBF81_8000u, 0xBF82)]
    // Up to the next power of two.
    [InlineData(0x3FFF_8000u, 0x4000)]
    [InlineData(0xBFFF_FFFFu, 0xC000)]
    // The greatest one, and what rounds to infinity.
    [InlineData(0x7F7F_7FFFu, 0x7F7F)]
    [InlineData(0x7F7F_8000u, 0x7F80)]
    [InlineData(0x7F7F_FFFFu, 0x7F80)]
    [InlineData(0xFF7F_FFFFu, 0xFF80)]
    [InlineData(0x7F80_0000u, 0x7F80)]
    [InlineData(0xFF80_0000u, 0xFF80)]
    // The least normal float, and denormal ones, also such as would round to it.
    [InlineData(0x0080_0000u, 0x0080)]
    [InlineData(0x8080_0000u, 0x8080)]
    [InlineData(0x007F_FFFFu, 0x0000)]
    [InlineData(0x807F_FFFFu, 0x8000)]
    [InlineData(0x0000_0001u, 0x0000)]
    [InlineData(0x8000_0001u, 0x8000)]
    // NaN: quiet, signalling, and with nothing in the half that stays.
    [InlineData(0x7FC0_0000u, 0x7FC0)]
    [InlineData(0xFFC0_0000u, 0xFFC0)]
    [InlineData(0x7F80_0001u, 0x7FC0)]
    [InlineData(0xFF80_FFFFu, 0xFFC0)]
    [InlineData(0x7FA1_2345u, 0x7FE1)]
    [InlineData(0x7FFF_FFFFu, 0x7FFF)]
    [InlineData(0xFFFF_FFFFu, 0xFFFF)]
    public void A_float_is_rounded(uint bits, int rounded) =>
        Assert.Equal(new Bf16((ushort)rounded), (Bf16)BitConverter.UInt32BitsToSingle(bits));

    [Fact]
    public void Each_one_is_the_float_whose_upper_half_it_is()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var value = new Bf16((ushort)bits);
            float expanded = (float)value;
            Assert.Equal((uint)bits << 16, BitConverter.SingleToUInt32Bits(expanded));
            // The way back is exact too, but for what becomes zero or quiet.
            if (float.IsNormal(expanded) || float.IsInfinity(expanded) || expanded == 0) Assert.Equal(value, (Bf16)expanded);
        }
    }

    [Fact]
    public void Random_floats_become_the_nearest_one()
    {
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        for (int i = 0; i < 200_000; i++)
        {
            uint bits = random.NextBits();
            // Half of them lie in the middle of two, or beside it.
            if (i % 2 == 1) bits = (bits & 0xFFFF_0000) + 0x7FFF + (uint)i % 3;
            float value = BitConverter.UInt32BitsToSingle(bits);
            if (!float.IsNormal(value)) continue;
            Assert.Equal(Nearest(value), ToDouble((Bf16)value));
        }
    }

    [Fact]
    public void It_has_two_bytes_and_is_shown_as_the_number_that_it_is()
    {
        Assert.Equal(2, Unsafe.SizeOf<Bf16>());
        Assert.Equal("-1.5", ((Bf16)(-1.5f)).ToString());
    }

    // By division, in double precision: a number of bf16 has eight binary digits. Math.Round takes the even one of two.
    private static double Nearest(double value)
    {
        double unit = Math.ScaleB(1, Math.ILogB(value) - 7), rounded = Math.Round(value / unit, MidpointRounding.ToEven) * unit;
        return Math.Abs(rounded) < Math.ScaleB(1, 128) ? rounded : double.CopySign(double.PositiveInfinity, value);
    }

    private static double ToDouble(Bf16 value) => (float)value;
}
