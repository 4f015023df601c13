using Spos.Engine.Kernels;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>Kernels convert to the bit as <see cref="Bf16"/> does.</summary>
public sealed class ConversionTests
{
    // Zeros, denormals and what is next to them, what lies between two numbers of bf16, the greatest ones, infinities, NaNs.
    private static readonly uint[] Special =
    [
        0x0000_0000, 0x8000_0000, 0x0000_0001, 0x8000_0001, 0x007F_FFFF, 0x807F_8000, 0x0080_0000, 0x8080_0000, 0x0080_8000,
        0x3F80_7FFF, 0x3F80_8000, 0x3F80_8001, 0x3F81_7FFF, 0x3F81_8000, 0xBF81_8001, 0x3FFF_8000, 0xBFFF_FFFF,
        0x7F7F_7FFF, 0x7F7F_8000, 0xFF7F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0xFF80_FFFF, 0x7FC0_0000, 0xFFFF_FFFF,
    ];

    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(15)]
    [OnEachDevice(77)]
    [OnEachDevice(100_003)]
    public void Floats_are_rounded(string device, int length)
    {
        using var fixture = new OpFixture(device);
        float[] values = fixture.Values(length);
        // Not at the end, and beside each other, so that lanes hold several kinds.
        for (int i = 0; i < length; i++) if (i % 3 > 0) values[i] = BitConverter.UInt32BitsToSingle(Special[i % Special.Length]);
        Tensor x = fixture.Session.Rent(Shape.Vector(length));
        x.Upload(fixture.Session.Stream, values);
        using Tensor y = Conversion.Of(fixture.Session, x, ElementType.BFloat16);
        Assert.Equal(values.Select(v => (Bf16)v), fixture.DownloadBf16(y));
    }

    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(15)]
    [OnEachDevice(77)]
    [OnEachDevice(65_536 + 77)]
    public void Numbers_of_bf16_become_the_floats_that_they_are(string device, int length)
    {
        using var fixture = new OpFixture(device);
        // All that there are, if there is room for them.
        Bf16[] values = [.. Enumerable.Range(0, length).Select(i => new Bf16((ushort)(i * 40_503)))];
        Tensor x = fixture.Session.Rent(Shape.Vector(length), ElementType.BFloat16);
        x.Upload(fixture.Session.Stream, values);
        using Tensor y = Conversion.Of(fixture.Session, x, ElementType.Float32);
        Assert.Equal(
            values.Select(v => (uint)v.Bits << 16), y.Download(fixture.Session.Stream).Select(BitConverter.SingleToUInt32Bits));
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.BFloat16)]
    public void What_is_of_the_type_is_handed_back(ElementType type)
    {
        using var fixture = new OpFixture("host");
        Tensor x = fixture.Session.Rent(Shape.Vector(5), type);
        using Tensor y = Conversion.Of(fixture.Session, x, type);
        Assert.Equal(x, y);
    }
}
