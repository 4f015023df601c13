using System.Globalization;
using System.Numerics;

namespace Spos.Cli.Options;

/// <summary>A number from <paramref name="least"/> to <paramref name="most"/>, whole if the option's type is.</summary>
internal sealed class InRangeAttribute(double least, double most) : ValueRule
{
    /// <summary>Whether <paramref name="least"/> itself is too little.</summary>
    public bool AboveLeast { get; init; }

    /// <summary>Whether <paramref name="most"/> itself is too much.</summary>
    public bool BelowMost { get; init; }

    /// <summary>Whole numbers are multiples of this.</summary>
    public int MultipleOf { get; init; } = 1;

    /// <summary>How many numbers, with commas between them, the option takes.</summary>
    public int Count { get; init; } = 1;

    /// <summary>What a value may look like.</summary>
    public string Example { get; init; } = "";

    public override string Possible
    {
        get
        {
            string range = $"{(AboveLeast ? "above " : "")}{Written(least)} to {(BelowMost ? "below " : "")}{Written(most)}";
            string kind = MultipleOf == 2 ? "even numbers" : MultipleOf > 1 ? $"multiples of {MultipleOf}" : "numbers";
            if (Count > 1) return $"{Count} {kind} with commas between them, each {range}";
            return MultipleOf > 1 ? $"{kind} from {range}" : range;
        }
    }

    public override string Read(string text, Type type)
    {
        if (Count == 1) return ReadOne(text, type);
        string[] parts = text.Split(',');
        if (parts.Length != Count) throw Refused();
        return string.Join(',', parts.Select(part => ReadOne(part.Trim(' '), type.GetGenericArguments()[0])));
    }

    private string ReadOne(string text, Type type)
    {
        if (Number.Plain(text) is not { } plain)
        {
            string why = HasDecimalComma(text) ? " (a point, not a comma, stands before decimals)" : "";
            throw new FormatException($"this is not a number{why}; {Sentence}");
        }
        if (type == typeof(float) || type == typeof(double))
        {
            // The value as the option holds it: a float may be at an edge where the text is not yet.
            double value = Number.Real(text) ?? throw Refused();
            if (type == typeof(float)) value = (float)value;
            return Holds(value) ? plain : throw Refused();
        }
        if (Number.Real(text) is not { } about || !(about >= least && about <= most)) throw Refused();
        BigInteger whole = Number.Whole(text) ?? throw new FormatException($"a whole number is needed; {Sentence}");
        if (whole > MostOf(type) || whole % MultipleOf != 0) throw Refused();
        return whole.ToString(CultureInfo.InvariantCulture);
    }

    private bool Holds(double value) => (AboveLeast ? value > least : value >= least) && (BelowMost ? value < most : value <= most);

    private static bool HasDecimalComma(string text) => Number.Plain(text.Replace(',', '.')) != null;

    private FormatException Refused() => new(Sentence);

    private string Sentence
    {
        get
        {
            if (Count > 1) return $"{Possible}, are needed.";
            return $"{(AboveLeast || BelowMost ? "numbers from " : "")}{Possible} "
                + $"are possible{(Example.Length > 0 ? $", such as {Example}" : "")}.";
        }
    }

    // A double cannot hold the largest 64-bit numbers.
    private static BigInteger MostOf(Type type) =>
        type == typeof(ulong) ? ulong.MaxValue : type == typeof(long) ? long.MaxValue : int.MaxValue;

    private static string Written(double bound) => bound switch
    {
        ulong.MaxValue => ulong.MaxValue.ToString(CultureInfo.InvariantCulture),
        >= 1e9 => bound.ToString("0.##e0", CultureInfo.InvariantCulture),
        _ => bound.ToString(CultureInfo.InvariantCulture),
    };
}
