namespace Spos.Cli.Options;

/// <summary>A time as NNI writes it: a number and s, m, h or d.</summary>
internal sealed class DurationAttribute : ValueRule
{
    public override string Possible => "a number with s, m, h or d, below 50d";

    public override string Read(string text, Type type) =>
        Parse(text) != null
            ? text
            : throw new FormatException("this is not a time: a number above 0 with s, m, h or d is needed, such as 12h, and below 50d.");

    /// <summary>The time, or null if the text is something else or not above 0 and below 50 days.</summary>
    public static TimeSpan? Parse(string text)
    {
        // What timers can count.
        const double most = 50 * 24 * 3600;
        double unit = text.Length < 2 ? 0 : text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => 0,
        };
        if (unit == 0 || !char.IsAsciiDigit(text[^2]) || Number.Real(text[..^1]) is not { } number) return null;
        return number * unit is > 0 and < most ? TimeSpan.FromSeconds(number * unit) : null;
    }
}
