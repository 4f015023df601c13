using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

public sealed class ShortLinesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Theory]
    [InlineData("")]
    [InlineData("one", "one")]
    [InlineData("one\n", "one")]
    [InlineData("one\n\ntwo", "one", "", "two")]
    [InlineData("12345678\n12345678\n", "12345678", "12345678")]
    [InlineData("12345678", "12345678")]
    [InlineData("123456789\none\n", "one")]
    [InlineData("one\n123456789", "one")]
    [InlineData("one\n1234567890123456789012345678\ntwo\n123456789\nthree", "one", "two", "three")]
    [InlineData("äöüß\näöüßx\none", "äöüß", "one")]
    public void Lines_of_at_most_8_bytes_are_read(string text, params string[] lines)
    {
        File.WriteAllText(_file, text);
        Assert.Equal(lines, ShortLines.Read(_file, 8));
    }

    [Fact]
    public void A_line_that_is_too_long_takes_no_memory()
    {
        using (FileStream file = File.OpenWrite(_file))
        {
            // Zeros that take no room on disk.
            file.SetLength(64 << 20);
            file.Seek(0, SeekOrigin.End);
            file.Write("\nlast\n"u8);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(["last"], ShortLines.Read(_file, 1 << 10));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    public void Dispose() => File.Delete(_file);
}
