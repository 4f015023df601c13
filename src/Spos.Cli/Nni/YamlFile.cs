using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Nni;

/// <summary>Reads small YAML files as plain nodes; nothing in them makes objects.</summary>
internal static class YamlFile
{
    private const long MostBytes = 1 << 20;
    private const int MostDepth = 16;

    /// <summary>The file's mapping.</summary>
    /// <exception cref="FormatException">It is not a YAML mapping, or is too large or too deep.</exception>
    public static YamlMappingNode Read(string path)
    {
        if (new FileInfo(path).Length > MostBytes) throw new FormatException($"it is larger than {MostBytes} bytes.");
        string text = File.ReadAllText(path);
        try
        {
            CheckDepth(text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents is [{ RootNode: YamlMappingNode mapping }] ? mapping : throw new FormatException("it is not one mapping of fields.");
        }
        catch (YamlException error)
        {
            throw new FormatException($"line {error.Start.Line}: {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // YamlDotNet's scanner, of some texts that are no YAML.
            throw new FormatException("it is not YAML that can be read.", error);
        }
    }

    // Nodes are built recursively.
    private static void CheckDepth(string text)
    {
        var parser = new Parser(new StringReader(text));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current is MappingStart or SequenceStart ? 1 : parser.Current is MappingEnd or SequenceEnd ? -1 : 0;
            if (depth > MostDepth) throw new FormatException($"line {parser.Current!.Start.Line}: fields lie deeper than {MostDepth}.");
        }
    }
}
