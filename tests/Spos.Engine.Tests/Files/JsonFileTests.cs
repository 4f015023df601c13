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

    private sealed record Figures(double[] Top1);
}
