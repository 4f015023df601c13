using Spos.Engine.Data;

namespace Spos.Engine.Tests.Data;

/// <summary>Pixels of three and of four bytes against the same written plainly, for every length that a vector may end in.</summary>
public sealed class PackedPixelsTests
{
    [Fact]
    public void Every_length_is_packed_and_unpacked()
    {
        var random = new Random(3);
        for (int pixels = 0; pixels < 40; pixels++)
        {
            // As long as it needs and no more: what is read or written beyond is refused.
            byte[] packed = new byte[pixels * 3], padded = new byte[pixels * 4], again = new byte[pixels * 3];
            random.NextBytes(packed);
            random.NextBytes(padded);
            PackedPixels.Unpack(packed, padded);
            for (int i = 0; i < padded.Length; i++) Assert.Equal(i % 4 == 3 ? 0 : packed[i / 4 * 3 + i % 4], padded[i]);
            for (int i = 3; i < padded.Length; i += 4) padded[i] = 99;
            PackedPixels.Pack(padded, again);
            Assert.Equal(packed, again);
        }
    }

    [Theory]
    [InlineData(7, 8)]
    [InlineData(6, 12)]
    [InlineData(9, 8)]
    public void Lengths_that_do_not_fit_are_refused(int packed, int padded)
    {
        Assert.Throws<ArgumentException>(() => PackedPixels.Unpack(new byte[packed], new byte[padded]));
        Assert.Throws<ArgumentException>(() => PackedPixels.Pack(new byte[padded], new byte[packed]));
    }
}
