namespace Spos.Cli.Options;

/// <summary>A time, as <see cref="Duration"/> reads it.</summary>
internal sealed class DurationAttribute : ValueRule
{
    public override string Possible => "a number with s, m, h or d, below 50d";

    public override string Read(string text, Type type) =>
        Duration.Parse(text) != null
            ? text
            : throw new FormatException("this is not a time: a number above 0 with s, m, h or d is needed, such as 12h, and below 50d.");
}
