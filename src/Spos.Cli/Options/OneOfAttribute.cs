namespace Spos.Cli.Options;

/// <summary>One of several words, in capitals or not.</summary>
internal class OneOfAttribute(params string[] words) : ValueRule
{
    /// <summary>The rule of options whose type is an enumeration.</summary>
    public static OneOfAttribute Of(Type enumeration) => new([.. Enum.GetNames(enumeration).Select(name => name.ToLowerInvariant())]);

    public override string Possible => words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1])} or {words[^1]}";

    public override IReadOnlyList<string> Words => words;

    // An option of several words has commas between them.
    public override string Read(string text, Type type) =>
        type == typeof(IEnumerable<string>) ? string.Join(',', text.Split(',').Select(ReadOne)) : ReadOne(text);

    private string ReadOne(string text) =>
        words.FirstOrDefault(word => word.Equals(text, StringComparison.OrdinalIgnoreCase))
        ?? throw new FormatException(
            words.Length == 1 ? $"only {words[0]} is possible." : $"{string.Join(", ", words[..^1])} and {words[^1]} are possible.");
}
