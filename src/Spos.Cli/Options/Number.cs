using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Spos.Cli.Options;

/// <summary>
/// Reads numbers that people write, in options and in configurations: ASCII digits, a point before decimals, and an exponent or a unit:
/// k, M, G or T for 10³, 10⁶, 10⁹ and 10¹². Commas, blanks, infinities, NaN and hexadecimal are not read, whatever the machine's culture.
/// </summary>
internal static partial class Number
{
    // Whole numbers are built digit by digit: a short text must not ask for millions of them.
    private const int MostLength = 100, MostExponent = 400;

    /// <summary>The same number without its unit, as any invariant parser reads it; null if the text is no number.</summary>
    public static string? Plain(string text)
    {
        Match match = text.Length > MostLength ? Match.Empty : Form().Match(text);
        if (!match.Success) return null;
        return match.Groups["unit"] is { Success: true, Value: var unit } ? $"{match.Groups["number"].Value}e{ExponentOf(unit)}" : text;
    }

    /// <summary>A finite number; null if the text is none, or one that a double cannot hold.</summary>
    public static double? Real(string text) =>
        Plain(text) is { } plain
        && double.Parse(plain, NumberStyles.Float, CultureInfo.InvariantCulture) is var value
        && double.IsFinite(value)
            ? value
            : null;

    /// <summary>A whole number, exactly, also if written as 1.5k or 1e3; null if the text is none.</summary>
    public static BigInteger? Whole(string text)
    {
        if (Plain(text) is not { } plain || Real(text) == null) return null;
        string[] parts = plain.Split('e', 'E');
        int exponent = parts.Length > 1 ? int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        if (Math.Abs(exponent) > MostExponent) return null;
        int point = parts[0].IndexOf('.', StringComparison.Ordinal);
        if (point >= 0) exponent -= parts[0].Length - point - 1;
        var digits = BigInteger.Parse(
            parts[0].Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent >= 0) return digits * BigInteger.Pow(10, exponent);
        var quotient = BigInteger.DivRem(digits, BigInteger.Pow(10, -exponent), out BigInteger rest);
        return rest.IsZero ? quotient : null;
    }

    private static int ExponentOf(string unit) => unit switch
    {
        "k" or "K" => 3,
        "M" => 6,
        "G" => 9,
        _ => 12,
    };

    [GeneratedRegex(
        @"\A(?<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE][+-]?[0-9]{1,4}|(?<unit>[kKMGT]))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
