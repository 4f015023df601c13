using System.Text;

namespace Spos.Engine.Files;

/// <summary>
/// Reads small files that users hand over. Whatever they name, no more than a bound is read: a size that a file tells of itself is not
/// trusted, for a pipe or a device tells none.
/// </summary>
public static class SmallFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FormatException">It is a folder, or larger than <paramref name="most"/> bytes.</exception>
    public static byte[] ReadBytes(string path, int most)
    {
        if (Directory.Exists(path)) throw new FormatException("it is a folder, not a file.");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        using var bytes = new MemoryStream();
        byte[] part = new byte[Math.Min(most + 1, 1 << 16)];
        while (file.Read(part) is > 0 and int count)
        {
            bytes.Write(part, 0, count);
            if (bytes.Length > most) throw new FormatException($"it is larger than {most} bytes.");
        }
        return bytes.ToArray();
    }

    /// <exception cref="FormatException">It is a folder, larger than <paramref name="most"/> bytes, or not text in UTF-8.</exception>
    public static string ReadText(string path, int most) => TextOf(ReadBytes(path, most));

    /// <summary>Bytes as text, without the mark (BOM) that some editors begin UTF-8 with.</summary>
    /// <exception cref="FormatException">They are not text in UTF-8.</exception>
    public static string TextOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new FormatException("it is not text in UTF-8.");
        }
    }

    /// <summary>The beginning of what a file holds, for a message.</summary>
    public static string Excerpt(string text, int most = 60) => text.Length > most ? $"{text[..most]}…" : text;
}
