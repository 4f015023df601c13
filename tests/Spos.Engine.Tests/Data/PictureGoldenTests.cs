using System.Security.Cryptography;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// Every format and kind of picture, whole, odd and damaged, against the pixels of Pillow's convert("RGB")
/// (tests/fixtures/make_picture_golden.py), bit for bit; and what Pillow refuses is refused.
/// </summary>
public sealed class PictureGoldenTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(
        Environment.GetEnvironmentVariable("SPOS_PICTURE_GOLDEN")
        ?? Path.Combine(AppContext.BaseDirectory, "fixtures", "picture_golden.json")))
        .RootElement;

    [Theory]
    [OnHostAndSimt]
    public void Pixels_and_refusals_equal_pillow_s(string device)
    {
        using var decoding = new Decoding(device);
        var wrong = new List<string>();
        foreach (JsonElement row in Golden.EnumerateArray())
        {
            (string name, string? expected) = (NameOf(row), row.GetProperty("decoded").GetString());
            (string? found, string said) = Decode(decoding.Decoder, row.GetProperty("file").GetBytesFromBase64(), name);
            if (found != expected) wrong.Add($"{name}: {said}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void Ordinary_pictures_are_decoded_on_the_device()
    {
        foreach (JsonElement row in OfKind("ordinary"))
        {
            using CompressedPicture picture = Read(row);
            Assert.False(picture.IsPixels, NameOf(row));
            Assert.Null(picture.Warning);
        }
    }

    [Fact]
    public void Damage_that_is_painted_over_is_a_warning()
    {
        foreach (JsonElement row in OfKind("damaged"))
        {
            using CompressedPicture picture = Read(row);
            Assert.False(string.IsNullOrEmpty(picture.Warning), NameOf(row));
        }
        foreach (JsonElement row in OfKind("odd").Where(row => !NameOf(row).Contains("missing", StringComparison.Ordinal)))
        {
            using CompressedPicture picture = Read(row);
            Assert.Null(picture.Warning);
        }
    }

    [Fact]
    public void What_is_refused_is_refused_in_a_line_that_names_the_file()
    {
        foreach (JsonElement row in OfKind("refused"))
        {
            string message = Assert.Throws<DataException>(() => Read(row)).Message;
            Assert.StartsWith(NameOf(row), message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    private static IEnumerable<JsonElement> OfKind(string kind) =>
        Golden.EnumerateArray().Where(row => row.GetProperty("kind").GetString() == kind);

    private static string NameOf(JsonElement row) => row.GetProperty("name").GetString()!;

    private static CompressedPicture Read(JsonElement row) =>
        CompressedPicture.Decode(row.GetProperty("file").GetBytesFromBase64(), NameOf(row));

    // The pixels' hash, null if the file is refused; and what to say of it.
    private static (string? Hash, string Said) Decode(PictureDecoder decoder, byte[] file, string name)
    {
        try
        {
            using CompressedPicture picture = CompressedPicture.Decode(file, name);
            string hash = Convert.ToHexStringLower(SHA256.HashData(decoder.DecodeWhole(picture)));
            return (hash, $"other pixels ({picture.Width}x{picture.Height}, {picture.Warning})");
        }
        catch (DataException error)
        {
            return (null, error.Message);
        }
    }
}
