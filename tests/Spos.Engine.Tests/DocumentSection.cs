namespace Spos.Engine.Tests;

/// <summary>
/// A section of a document that a test writes, from its heading to the next: the test compares, and with SPOS_UPDATE_TABLE set it writes
/// the section anew.
/// </summary>
internal sealed class DocumentSection(string document, string heading)
{
    private readonly string _path = Path.Combine(Checkout.Root, document);

    public static bool IsToBeWritten => Environment.GetEnvironmentVariable("SPOS_UPDATE_TABLE") is { Length: > 0 };

    /// <param name="body">The section without its heading.</param>
    public void Write(string body)
    {
        (string before, _, string after) = Split();
        File.WriteAllText(_path, before + Whole(body) + after);
    }

    /// <summary>The section as it is, without its heading.</summary>
    public string Read()
    {
        string section = Split().Section;
        return section[(section.IndexOf('\n', StringComparison.Ordinal) + 1)..].Trim('\n');
    }

    public void Compare(string body) => Assert.Equal(Whole(body), Split().Section);

    private string Whole(string body) => $"## {heading}\n\n{body.Trim('\n')}\n";

    private (string Before, string Section, string After) Split()
    {
        string text = File.ReadAllText(_path);
        int start = text.IndexOf($"## {heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"{document} has no section \"{heading}\".");
        int end = text.IndexOf("\n## ", start, StringComparison.Ordinal);
        return end < 0 ? (text[..start], text[start..], "") : (text[..start], text[start..end], text[end..]);
    }
}
