using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Nni;

/// <summary>A mapping of a configuration, whose fields are taken one by one, so that what nobody takes can be named.</summary>
/// <param name="name">Where it lies, such as "tuner"; empty for the whole file.</param>
/// <param name="idle">Fields that are known and change nothing.</param>
internal sealed class ConfigNode(string name, YamlMappingNode mapping, IEnumerable<string> idle)
{
    private readonly HashSet<string> _known = [.. idle];

    /// <summary>Hands over the value of a field, if it is there.</summary>
    /// <exception cref="FormatException">It is not a single value.</exception>
    public void Take(string field, Action<string> use)
    {
        _known.Add(field);
        if (!mapping.Children.TryGetValue(field, out YamlNode? node)) return;
        use(node is YamlScalarNode { Value: { } value } ? value : throw new FormatException($"{NameOf(field)} is not a single value (line {node.Start.Line})."));
    }

    /// <summary>Hands over a field that has fields of its own, if it is there.</summary>
    /// <exception cref="FormatException">It has none.</exception>
    public void TakeNode(string field, IEnumerable<string> idleFields, Action<ConfigNode> use)
    {
        _known.Add(field);
        if (!mapping.Children.TryGetValue(field, out YamlNode? node)) return;
        use(node is YamlMappingNode inner ? new ConfigNode(NameOf(field), inner, idleFields) : throw new FormatException($"{NameOf(field)} has no fields (line {node.Start.Line})."));
    }

    /// <exception cref="FormatException">There are fields that are not known; the message names them.</exception>
    public void RefuseOthers()
    {
        string[] others = [.. mapping.Children.Keys.Select(k => k is YamlScalarNode { Value: { } text } ? text : $"{k}").Where(k => !_known.Contains(k))];
        if (others.Length == 0) return;
        throw new FormatException($"unknown field{(others.Length > 1 ? "s" : "")} {string.Join(", ", others.Select(NameOf))}; known are {string.Join(", ", _known.Order(StringComparer.Ordinal))}.");
    }

    private string NameOf(string field) => name.Length == 0 ? field : $"{name}.{field}";
}
