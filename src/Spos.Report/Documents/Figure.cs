using System.Globalization;

namespace Spos.Report.Documents;

/// <summary>Numbers as reports write them.</summary>
internal static class Figure
{
    /// <summary>A share as per cent.</summary>
    public static string Share(double share) => share.ToString("0.0%", CultureInfo.InvariantCulture);

    /// <summary>A share of which there may be none.</summary>
    public static string Share(double? share) => share is { } one ? Share(one) : "–";

    public static string Interval(double low, double high) => $"{Share(low)} to {Share(high)}";

    /// <summary>A whole number, with its thousands apart.</summary>
    public static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(double count, string what) => $"{Count(count)} {what}{(count is 1 ? "" : "s")}";

    /// <summary>Three digits or so.</summary>
    public static string Number(double number) => Math.Abs(number) switch
    {
        0 => "0",
        >= 1e6 or < 1e-3 => number.ToString("0.##E+0", CultureInfo.InvariantCulture),
        >= 100 => number.ToString("0.#", CultureInfo.InvariantCulture),
        _ => number.ToString("0.###", CultureInfo.InvariantCulture),
    };

    /// <summary>A time in the unit that suits it.</summary>
    public static string Time(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
    };

    /// <summary>"a", "a and b", "a, b and c".</summary>
    public static string List(IReadOnlyList<string> texts) => texts.Count <= 1
        ? string.Concat(texts)
        : $"{string.Join(", ", texts.Take(texts.Count - 1))} and {texts[^1]}";
}
