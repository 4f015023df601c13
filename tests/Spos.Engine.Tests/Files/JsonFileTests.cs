using System.Diagnostics;
using System.Text.Json;
using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

/// <summary>What is no JSON, or other JSON, is told in our words, with the line and the column.</summary>
public sealed class JsonFileTests
{
    [Theory]
    [InlineData("", "it is not JSON, or nested too deeply, from line 1, column 1 on")]
    [InlineData("{\n  \"é\": x}", "it is not JSON, or nested too deeply, from line 2, column 8 on")]
    [InlineData("{\"Top1\": [1, NaN]}", "from line 1, column 14 on")]
    [InlineData("{\"Top1\": [1, \"2\"]}", "Top1[1] is missing or of another type (near line 1, column 17)")]
    [InlineData("{\"Top1\": 1}", "Top1 is missing or of another type (near line 1, column 11)")]
    [InlineData("[1]", "a field is missing or of another type (near line 1, column 2)")]
    public void The_place_is_told(string text, string says)
    {
        JsonException error = Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize<Figures>(text));
        string why = JsonFile.Explain(error, text);
        Assert.Contains(says, why, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_deep_document_is_told_by_its_place() => Assert.Equal(
        "it is not JSON, or nested too deeply, from line 1, column 65 on.",
        Assert.Throws<FormatException>(() => JsonFile.Parse(new string('[', 100))).Message);

    [Theory]
    [InlineData("", "from line 1, column 1 on")]
    [InlineData("null", "it is empty")]
    [InlineData("\ufeff{\n\"Top1\": 1}", "Top1 is missing or of another type (near line 2")]
    [InlineData("\ufeff{\"Top1\": x}", "from line 1, column 10 on")]
    public void What_is_read_in_place_of_a_file_of_ours_is_told_so_too(string text, string says)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            Assert.Contains(
                says, Assert.Throws<FormatException>(() => JsonFile.Read<Figures>(file, 100)).Message, StringComparison.Ordinal);
            // Half a character.
            File.WriteAllBytes(file, [.. "{\"Top1\": \""u8, 0xC3, .. "\"}"u8]);
            Assert.Throws<FormatException>(() => JsonFile.Read<Figures>(file, 100));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void What_is_larger_or_no_file_is_refused_unread()
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
        try
        {
            string file = Path.Combine(folder, "file"), pipe = Path.Combine(folder, "pipe");
            File.WriteAllText(file, "{\"Top1\": [1]}");
            Assert.Equal(1, Assert.Single(JsonFile.Read<Figures>(file, 13).Top1));
            Assert.Contains(
                file, Assert.Throws<UnreadableFileException>(() => JsonFile.Read<Figures>(file, 12)).Message, StringComparison.Ordinal);
            using (Process made = Process.Start("mkfifo", pipe)) made.WaitForExit();
            // Nobody writes to it: who waited would wait for ever.
            Assert.Contains(
                pipe, Assert.Throws<UnreadableFileException>(() => JsonFile.Read<Figures>(pipe, 100)).Message, StringComparison.Ordinal);
            Assert.Contains(
                folder, Assert.Throws<UnreadableFileException>(() => JsonFile.Read<Figures>(folder, 100)).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed record Figures(double[] Top1);
}
