using System.Globalization;

namespace Spos.Check;

/// <summary>The command line: a verb, a name where the verb takes one, and options with a value each.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> _values = [];

    /// <exception cref="UsageException">An option lacks its value.</exception>
    public Options(string[] arguments)
    {
        Verb = arguments.Length > 0 ? arguments[0] : "";
        int first = 1;
        if (arguments.Length > 1 && !arguments[1].StartsWith('-')) Name = arguments[first++];
        for (int i = first; i < arguments.Length; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == arguments.Length)
            {
                throw new UsageException($"{arguments[i]} is no option with a value.");
            }
            _values[arguments[i][2..]] = arguments[i + 1];
        }
    }

    public string Verb { get; }

    public string Name { get; } = "";

    public string Device => Text("device");

    /// <exception cref="UsageException">It was not given, and there is no default.</exception>
    public string Text(string name, string? otherwise = null) =>
        _values.TryGetValue(name, out string? value) ? value : otherwise ?? throw new UsageException($"{Verb} needs --{name}.");

    public IReadOnlyList<string> List(string name) => Text(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <exception cref="UsageException">It is no whole number from 1 on.</exception>
    public int Number(string name, int otherwise)
    {
        string text = Text(name, otherwise.ToString(CultureInfo.InvariantCulture));
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw new UsageException($"--{name} {text}: must be a whole number from 1 on.");
    }
}
