using System.Text;
using CsCheck;
using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

public sealed class FilePathTests
{
    // What /usr/bin/python3 -c "import os; print(sorted(os.listdir(b'.'), key=os.fsdecode))" gives.
    [Fact]
    public void Names_are_in_the_order_of_Python()
    {
        byte[][] ordered =
        [
            [.. "A"u8], [.. "Z"u8], [.. "a"u8], [.. "a.b"u8], [.. "a/b"u8], [.. "a0"u8], [.. "é"u8], [.. "\u20AC"u8], [.. "\uD7FF"u8],
            [0x80, (byte)'a'], [0xE2, 0x82], [0xE2, 0x82, (byte)'x'], [0xE9], [0xE9, 0xFF], [.. "\uFFFD"u8], [.. "😀"u8],
        ];
        FilePath[] names = [.. ordered.Select(n => new FilePath(n))];
        Assert.Equal(names, names.Reverse().Order(Comparer<FilePath>.Create((a, b) => a.CompareTo(b))));
    }

    [Fact]
    public void The_order_is_that_of_surrogate_escapes()
    {
        Gen<byte[]> name = NamesOf((byte)'a', (byte)'z', 0x80, 0x82, 0xAC, 0xC3, 0xE2, 0xED, 0xA0, 0xEF, 0xF0, 0x9F, 0x98, 0xFF);
        Gen.Select(name, name).Sample(
            (a, b) => Math.Sign(new FilePath(a).CompareTo(new FilePath(b))) == Math.Sign(Escaped(a).AsSpan().SequenceCompareTo(Escaped(b))),
            iter: 20_000);
    }

    [Fact]
    public void The_text_has_no_control_characters_and_is_another_for_each_name()
    {
        Assert.Equal(@"caf\xe9", new FilePath([.. "caf"u8, 0xE9]).ToString());
        Assert.Equal("café 😀", FilePath.Of("café 😀").ToString());
        Assert.Equal(@"\x1b[31m\x0a\xe2\x80\xae", FilePath.Of("\u001b[31m\n\u202e").ToString());
        Assert.NotEqual(new FilePath([0xE9]).ToString(), FilePath.Of(@"\xe9").ToString());
        Gen<byte[]> name = NamesOf((byte)'\\', (byte)'x', (byte)'e', (byte)'9', 0xE9, 0xC3, 0xA9, 7);
        Gen.Select(name, name)
            .Sample((a, b) => a.SequenceEqual(b) == (new FilePath(a).ToString() == new FilePath(b).ToString()), iter: 20_000);
    }

    private static Gen<byte[]> NamesOf(params byte[] bytes) => Gen.Int[0, bytes.Length - 1].Select(i => bytes[i]).Array[0, 7];

    // PEP 383: a byte that does not belong to a whole character becomes U+DC80 to U+DCFF.
    private static int[] Escaped(byte[] name)
    {
        var points = new List<int>();
        for (int at = 0; at < name.Length;)
        {
            int length = new[] { 1, 2, 3, 4 }.FirstOrDefault(l => at + l <= name.Length && IsCharacter(name.AsSpan(at, l)));
            points.Add(length == 0 ? 0xDC00 + name[at] : char.ConvertToUtf32(Encoding.UTF8.GetString(name, at, length), 0));
            at += Math.Max(length, 1);
        }
        return [.. points];
    }

    private static bool IsCharacter(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).EnumerateRunes().Count() == 1;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
