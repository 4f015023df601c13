using Spos.Engine.Files;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Configs;

/// <summary>
/// Reads small YAML files as plain nodes; nothing in them makes objects. What a configuration has no use for, and what could make a small
/// file large or endless, is refused before nodes are built: aliases, tags of a program's own types, deep nesting, and names that are not
/// texts.
/// </summary>
internal static class YamlFile
{
    private const int MostBytes = 1 << 20;
    private const int MostDepth = 16;
    private const string Fields = "fields are needed, such as seed: 42, each in a line of its own";
    private const string CoreTags = "tag:yaml.org,2002:";

    /// <summary>What YAML 1.1, which NNI and PyYAML read, has for false and for true.</summary>
    public static readonly string[] No = ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"],
        Yes = ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"];

    private static readonly string[] PlainTypes = ["str", "int", "float", "bool", "null", "map", "seq"];

    /// <summary>The file's mapping.</summary>
    /// <exception cref="FormatException">It is not a YAML mapping of texts, or is too large or too deep.</exception>
    public static YamlMappingNode Read(string path)
    {
        string text = SmallFile.ReadText(path, MostBytes);
        try
        {
            CheckEvents(text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents is [{ RootNode: YamlMappingNode mapping }]
                ? mapping
                : throw new FormatException("it has no fields, only comments or blanks.");
        }
        catch (YamlException error)
        {
            throw new FormatException(YamlMistake.In(text, error.Start.Line, error.Message), error);
        }
        catch (InvalidOperationException error)
        {
            // YamlDotNet's scanner, of some texts that are no YAML.
            throw new FormatException(YamlMistake.In(text, null, ""), error);
        }
    }

    private static void CheckEvents(string text)
    {
        var parser = new Parser(new StringReader(text));
        // For each collection around: a mapping's names, or null, and how many nodes it has had so far. A mapping's even ones are names.
        var around = new Stack<(HashSet<string>? Names, int Nodes)>();
        int documents = 0;
        while (parser.MoveNext())
        {
            ParsingEvent current = parser.Current!;
            if (current is MappingEnd or SequenceEnd) around.Pop();
            string? refused = current switch
            {
                AnchorAlias => "aliases (*name) are not read; write the value out",
                NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } tag } when !IsPlain(tag.Value) =>
                    $"the tag {Shown.Value(tag.Value)} is not read",
                MappingStart or SequenceStart when around.Count == MostDepth => $"fields lie deeper than {MostDepth}",
                MappingStart or SequenceStart when IsName(around) => "a field's name is a list or a mapping",
                Scalar name when IsName(around) && !around.Peek().Names!.Add(name.Value) => $"{Shown.Value(name.Value)} is there twice",
                DocumentStart when ++documents > 1 => "the file has a second document (---); only files of one document are read",
                SequenceStart when around.Count == 0 => $"the file is a list; {Fields}",
                Scalar { Value.Length: > 0 } when around.Count == 0 => $"this is a text without a name; {Fields}",
                _ => null,
            };
            if (refused != null) throw new FormatException($"line {current.Start.Line}: {refused}.");
            if (current is NodeEvent && around.TryPop(out (HashSet<string>? Names, int Nodes) of)) around.Push((of.Names, of.Nodes + 1));
            if (current is MappingStart or SequenceStart) around.Push((current is MappingStart ? [] : null, 0));
        }
    }

    private static bool IsName(Stack<(HashSet<string>? Names, int Nodes)> around) =>
        around.TryPeek(out (HashSet<string>? Names, int Nodes) at) && at.Names != null && at.Nodes % 2 == 0;

    private static bool IsPlain(string tag) =>
        tag.StartsWith(CoreTags, StringComparison.Ordinal) && PlainTypes.Contains(tag[CoreTags.Length..]);
}
