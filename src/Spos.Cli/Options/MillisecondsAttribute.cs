using System.Globalization;

namespace Spos.Cli.Options;

/// <summary>A short time, such as 8ms, 800us or 0.2s; without a unit it is milliseconds, which the option's number is.</summary>
internal sealed class MillisecondsAttribute : ValueRule
{
    private const double Most = 1e9;

    private static readonly (string Name, double Milliseconds)[] Units = [("ms", 1), ("us", 1e-3), ("s", 1e3), ("", 1)];

    public override string Possible => "a time such as 8ms, 800us or 0.2s";

    public override string Read(string text, Type type)
    {
        (string name, double unit) = Units.First(u => text.EndsWith(u.Name, StringComparison.Ordinal));
        double number = Number.Real(text[..^name.Length])
            ?? throw new FormatException($"this is no number with a unit that is ms, us or s, or without one: {Possible} is possible.");
        return number * unit is > 0 and <= Most and var time
            ? time.ToString("R", CultureInfo.InvariantCulture)
            : throw new FormatException($"this is no time above 0 and up to {Most / 1e3:0} s: {Possible} is possible.");
    }
}
