using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Spos.Runs.Reading;

/// <summary>
/// Reads a line of metrics that is like the one before it: the same quantities in the same order, without spaces. Nearly all lines of a
/// log are, and so they are read several times as fast as by a reader of any JSON, to which all others are left.
/// </summary>
internal static class LikeLine
{
    // A whole number up to this and the powers of ten below are floats, so that their product or quotient is rounded once, as it should be.
    private const ulong MostExact = 1 << 24;

    private const int MostDigitsOfWhole = 18, MostDigitsOfExponent = 4;

    private static readonly float[] Powers = [1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f];

    /// <summary>Reads a line, or leaves it to be read otherwise: then it may be a line of metrics or not.</summary>
    /// <param name="row">The quantities of the line before, whose values become this line's; there may be none in the last places.</param>
    /// <param name="epoch">0 if the line has none.</param>
    /// <param name="values">So many of <paramref name="row"/> are this line's.</param>
    // Half a million lines may be the first that are read, so that they are not left to be optimized later; neither are their numbers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryRead(
        ReadOnlySpan<byte> line, Span<(Series Series, float Value)> row, out long step, out long epoch, out int values)
    {
        (step, epoch, values) = (-1, 0, 0);
        // What follows reads up to the last brace, and not beyond it.
        if (line.Length < 2 || line[0] != '{' || line[^1] != '}') return false;
        for (int at = 1; ;)
        {
            ReadOnlySpan<byte> rest = line[at..];
            if (values < row.Length && row[values].Series is { Key: { Length: > 0 } key } && rest.StartsWith(key))
            {
                at += key.Length;
                if (!TryNumber(line, ref at, out row[values++].Value)) return false;
            }
            else if (!TryWhole(line, "\"step\":"u8, ref at, ref step) && !TryWhole(line, "\"epoch\":"u8, ref at, ref epoch))
            {
                return false;
            }
            byte next = line[at++];
            if (next == '}') return at == line.Length && step >= 0;
            if (next != ',') return false;
        }
    }

    private static bool TryWhole(ReadOnlySpan<byte> line, ReadOnlySpan<byte> key, ref int at, ref long value)
    {
        if (!line[at..].StartsWith(key)) return false;
        int first = at + key.Length, end = first;
        long found = 0;
        for (; char.IsAsciiDigit((char)line[end]) && end - first < MostDigitsOfWhole; end++) found = 10 * found + line[end] - '0';
        if (end == first || (line[first] == '0' && end > first + 1)) return false;
        (at, value) = (end, found);
        return true;
    }

    // A number as JSON has it, or null.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool TryNumber(ReadOnlySpan<byte> line, ref int at, out float value)
    {
        value = float.NaN;
        if (line[at..].StartsWith("null"u8))
        {
            at += 4;
            return true;
        }
        int start = at;
        bool isNegative = line[at] == '-';
        if (isNegative) at++;
        ulong digits = 0;
        int first = at;
        Digits(line, ref at, ref digits);
        if (at == first || (line[first] == '0' && at > first + 1)) return false;
        int exponent = 0;
        if (line[at] == '.')
        {
            int point = ++at;
            Digits(line, ref at, ref digits);
            if (at == point) return false;
            exponent = point - at;
        }
        if (line[at] is (byte)'e' or (byte)'E')
        {
            bool isBelow = line[++at] == '-';
            if (line[at] is (byte)'-' or (byte)'+') at++;
            int begin = at;
            ulong power = 0;
            Digits(line, ref at, ref power);
            if (at == begin || at - begin > MostDigitsOfExponent) return false;
            exponent += isBelow ? -(int)power : (int)power;
        }
        if (digits > MostExact || Math.Abs(exponent) >= Powers.Length)
        {
            return Utf8Parser.TryParse(line[start..at], out value, out int used) && used == at - start;
        }
        value = exponent < 0 ? digits / Powers[-exponent] : digits * Powers[exponent];
        if (isNegative) value = -value;
        return true;
    }

    // Goes on after the digits, which are added to a number; one that is too large to be exact only stays so.
    private static void Digits(ReadOnlySpan<byte> line, ref int at, ref ulong number)
    {
        for (; char.IsAsciiDigit((char)line[at]); at++)
        {
            if (number <= MostExact) number = 10 * number + line[at] - '0';
        }
    }
}
