using System.Buffers;
using System.Globalization;
using System.Text;

namespace Spos.Engine.Files;

/// <summary>
/// A path, or a part of one, as Linux has it: bytes, UTF-8 or not. Paths are ordered as Python orders them, by code points; a byte
/// that belongs to no character of UTF-8 counts as U+DC00 plus its value, as Python's file names have it (surrogateescape).
/// </summary>
public readonly struct FilePath : IEquatable<FilePath>
{
    private const byte Separator = (byte)'/';

    public FilePath(ReadOnlySpan<byte> bytes)
    {
        Stored = new byte[bytes.Length + 1];
        bytes.CopyTo(Stored);
    }

    /// <summary>The path that the system knows by this text.</summary>
    public static FilePath Of(string path) => new(Encoding.UTF8.GetBytes(path));

    public ReadOnlySpan<byte> Bytes => Terminated[..^1];

    /// <summary>The bytes, and a 0 at their end.</summary>
    internal ReadOnlySpan<byte> Terminated => Stored ?? "\0"u8;

    // With the 0 at the end that the C library wants; null in a default value.
    private byte[]? Stored { get; init; }

    /// <summary>The last part.</summary>
    public FilePath Name => new(Bytes[(Bytes.LastIndexOf(Separator) + 1)..]);

    /// <summary>The path of an entry of this folder.</summary>
    public FilePath Join(FilePath name)
    {
        ReadOnlySpan<byte> folder = Bytes;
        int start = folder.Length == 0 || folder[^1] == Separator ? folder.Length : folder.Length + 1;
        byte[] joined = new byte[start + name.Terminated.Length];
        folder.CopyTo(joined);
        if (start > folder.Length) joined[folder.Length] = Separator;
        name.Terminated.CopyTo(joined.AsSpan(start));
        return new FilePath { Stored = joined };
    }

    /// <summary>
    /// A text that can be shown and kept anywhere, and is another one for each path: bytes that are not UTF-8, control characters
    /// and what turns the direction of writing are written as \xNN, and a backslash is doubled.
    /// </summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        for (ReadOnlySpan<byte> rest = Bytes; rest.Length > 0;)
        {
            bool valid = Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done;
            // One byte at a time, since what follows may be whole.
            if (!valid) length = 1;
            if (valid && rune.Value == '\\') text.Append(@"\\");
            else if (valid && !Shown.Acts(rune)) text.Append(rune.ToString());
            else foreach (byte b in rest[..length]) text.Append(CultureInfo.InvariantCulture, $@"\x{b:x2}");
            rest = rest[length..];
        }
        return text.ToString();
    }

    public int CompareTo(FilePath other)
    {
        ReadOnlySpan<byte> a = Bytes, b = other.Bytes;
        int at = a.CommonPrefixLength(b);
        int mine = at < a.Length ? a[at] : -1, others = at < b.Length ? b[at] : -1;
        // What is not ASCII needs a closer look: the bytes are in order only where they are UTF-8.
        if (mine < 0x80 && others < 0x80) return mine.CompareTo(others);
        // Back to where the character that differs begins: at most three bytes.
        int start = at;
        for (int back = 1; back <= 3 && back <= at && a[at - back] >= 0x80; back++)
        {
            if (a[at - back] < 0xC0) continue;
            start = at - back;
            break;
        }
        a = a[start..];
        b = b[start..];
        while (a.Length > 0 && b.Length > 0)
        {
            int first = Next(ref a), second = Next(ref b);
            if (first != second) return first.CompareTo(second);
        }
        return a.Length.CompareTo(b.Length);
    }

    public bool Equals(FilePath other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is FilePath other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(FilePath left, FilePath right) => left.Equals(right);

    public static bool operator !=(FilePath left, FilePath right) => !left.Equals(right);

    private static int Next(ref ReadOnlySpan<byte> rest)
    {
        bool valid = Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done;
        int point = valid ? rune.Value : 0xDC00 + rest[0];
        rest = rest[(valid ? length : 1)..];
        return point;
    }
}
