using System.Text;
using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

public sealed class FileContentTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-content-").FullName;

    [Theory]
    [InlineData("", FileFormat.Empty)]
    [InlineData("\0\0\0", FileFormat.Zeros)]
    [InlineData("\u00ff\u00d8\u00ff\u00e0", FileFormat.Jpeg)]
    [InlineData("RIFF\u0001\0\0\0WEBPVP8 ", FileFormat.WebP)]
    [InlineData("RIFF\u0001\0\0\0WAVE", FileFormat.Riff)]
    [InlineData("\0\0\0\u001cftypisom", FileFormat.Video)]
    [InlineData("SPOSCKPT\0", FileFormat.SposCheckpoint)]
    [InlineData("PK\u0003\u0004\0\0checkpoint/data.pkl", FileFormat.TorchArchive)]
    [InlineData("PK\u0003\u0004\0\0notes.txt", FileFormat.Zip)]
    [InlineData("L119547037146038801333356L\n.", FileFormat.TorchStream)]
    [InlineData("\u0080\u0002\u008a\u000a\u006c\u00fc\u009c\u0046\u00f9\u0020\u006a\u00a8\u0050\u0019.", FileFormat.TorchStream)]
    [InlineData("\u0008\u0008\u0012\u0004Spos", FileFormat.Onnx)]
    [InlineData("\u0010\0\0\0\0\0\0\0{\"a\":{}}", FileFormat.Safetensors)]
    // Headers of such lengths begin as a BMP picture, a gzip archive and a JPEG XL picture do.
    [InlineData("BM\0\0\0\0\0\0{\"a\":{}}", FileFormat.Safetensors)]
    [InlineData("\u001f\u008b\0\0\0\0\0\0{\"a\":{}}", FileFormat.Safetensors)]
    [InlineData("\u00ff\u000a\0\0\0\0\0\0{\"a\":{}}", FileFormat.Safetensors)]
    [InlineData("\u00ff\u00ff\u00ff\u00ff\0\0\0\0{\"a\":{}}", FileFormat.Unknown)]
    [InlineData("P5 is the name of a class", FileFormat.Pgm)]
    [InlineData("P50 is the name of a class", FileFormat.Text)]
    [InlineData("\u00ef\u00bb\u00bf \n<!DocType html>", FileFormat.Html)]
    [InlineData("one\ttwo\r\nthree", FileFormat.Text)]
    [InlineData("one \u001b[31m", FileFormat.Unknown)]
    [InlineData("caf\u00e9", FileFormat.Unknown)]
    public void The_first_bytes_tell_the_format(string content, FileFormat format)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(content);
        Assert.Equal(format, FileContent.Of(bytes));
        string file = Path.Combine(_folder, "file");
        File.WriteAllBytes(file, bytes);
        Assert.Equal(format, FileContent.OfFile(file));
    }

    [Fact]
    public void A_tar_archive_is_one_whatever_its_first_name()
    {
        byte[] tar = new byte[1024];
        "BM.pth"u8.CopyTo(tar);
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Assert.Equal(FileFormat.Tar, FileContent.Of(tar));
    }

    [Fact]
    public void A_long_text_is_one_wherever_its_beginning_ends()
    {
        for (int blanks = 0; blanks < 4; blanks++)
        {
            byte[] text = Encoding.UTF8.GetBytes("x" + new string('y', blanks) + string.Concat(Enumerable.Repeat("😀", 200)));
            Assert.Equal(FileFormat.Text, FileContent.Of(text));
            Assert.Equal(FileFormat.Text, FileContent.Of(text.AsSpan(0, FileContent.HeadLength)));
        }
    }

    [Fact]
    public void Every_format_has_words() =>
        Assert.All(Enum.GetValues<FileFormat>(), format => Assert.NotEmpty(FileContent.Describe(format)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
