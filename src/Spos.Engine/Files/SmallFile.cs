using System.Text;

namespace Spos.Engine.Files;

/// <summary>Reads small files that users hand over: regular ones only, and none that is larger than a bound.</summary>
public static class SmallFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FormatException">It cannot be read, or is larger than <paramref name="most"/> bytes.</exception>
    public static byte[] ReadBytes(string path, int most)
    {
        try
        {
            return RegularFile.Read(FilePath.Of(path), most);
        }
        catch (UnreadableFileException error)
        {
            throw new FormatException(error.Reason, error);
        }
    }

    /// <exception cref="FormatException">It cannot be read, is larger than <paramref name="most"/> bytes, or is
    /// not text in UTF-8.</exception>
    public static string ReadText(string path, int most) => TextOf(ReadBytes(path, most));

    /// <summary>Bytes as text, without a mark at the beginning.</summary>
    /// <exception cref="FormatException">They are not text in UTF-8.</exception>
    public static string TextOf(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(WithoutMark(bytes));
        }
        catch (DecoderFallbackException)
        {
            throw new FormatException("it is not text in UTF-8.");
        }
    }

    /// <summary>Bytes of text without the mark (BOM) that some editors begin UTF-8 with.</summary>
    internal static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
}
