using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Configs;

/// <summary>A mapping of a configuration, whose fields are taken one by one, so that what nobody takes can be named.</summary>
/// <param name="name">Where it lies, such as "tuner"; empty for the whole file.</param>
/// <param name="idle">Fields that are known and change nothing.</param>
internal sealed class ConfigNode(string name, YamlMappingNode mapping, IEnumerable<string> idle)
{
    private const int MostNamed = 5;

    private readonly HashSet<string> _known = [.. idle];

    /// <summary>Hands over the value of a field, if it is there.</summary>
    /// <exception cref="FormatException">It is not a single value, is empty, or has control characters.</exception>
    public void Take(string field, Action<string> use)
    {
        _known.Add(field);
        if (!mapping.Children.TryGetValue(field, out YamlNode? node)) return;
        use(ValueOf(NameOf(field), node));
    }

    /// <summary>The value of a field that has a single one.</summary>
    /// <param name="name">What the field is called.</param>
    /// <exception cref="FormatException">It has not, the value is empty, or it has control characters.</exception>
    public static string ValueOf(string name, YamlNode node)
    {
        string value = node is YamlScalarNode { Value: { Length: > 0 } text }
            ? text
            : throw new FormatException($"{name} is not a single value (line {node.Start.Line}).");
        return Shown.HasControls(value, besides: "\n\t")
            ? throw new FormatException($"{name} has a control character (line {node.Start.Line}).")
            : value;
    }

    /// <summary>Hands over a field that has fields of its own, if it is there.</summary>
    /// <exception cref="FormatException">It has none.</exception>
    public void TakeNode(string field, IEnumerable<string> idleFields, Action<ConfigNode> use)
    {
        _known.Add(field);
        if (!mapping.Children.TryGetValue(field, out YamlNode? node)) return;
        use(node is YamlMappingNode inner
            ? new ConfigNode(NameOf(field), inner, idleFields)
            : throw new FormatException($"{NameOf(field)} has no fields (line {node.Start.Line})."));
    }

    /// <exception cref="FormatException">There are fields that are not known; the message names them.</exception>
    public void RefuseOthers()
    {
        string[] others = [.. mapping.Children.Keys.Select(key => ((YamlScalarNode)key).Value!).Where(key => !_known.Contains(key))];
        if (others.Length == 0) return;
        string named = Shown.Few([.. others.Select(key => NameOf(Shown.Value(key)))], MostNamed),
            known = string.Join(", ", _known.Order(StringComparer.Ordinal));
        throw new FormatException($"unknown field{(others.Length > 1 ? "s" : "")} {named}; known are {known}.");
    }

    private string NameOf(string field) => name.Length == 0 ? field : $"{name}.{field}";
}
