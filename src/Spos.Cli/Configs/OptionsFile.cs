using Spos.Cli.Options;
using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Configs;

/// <summary>
/// A YAML file of options, for one command or several: a field is an option by its name, for every command that has it; or a command,
/// whose own options stand below. These win over those for all. All names, and the values for the commands that the file names, are checked
/// whatever command reads it, so that a mistake in a later phase is told before the first one runs.
/// </summary>
internal static class OptionsFile
{
    private const string Itself = "config";

    /// <summary>What a file says of a verb's options. Its paths are relative to its folder.</summary>
    /// <param name="path">The file's.</param>
    /// <param name="verbs">The verbs that there are.</param>
    /// <exception cref="FormatException">It says something that is not understood; the message names the line.</exception>
    /// <exception cref="UsageException">An option does not take a value.</exception>
    public static IReadOnlyList<Setting> Read(YamlMappingNode root, string path, Type verb, IReadOnlyList<Type> verbs)
    {
        Dictionary<string, Type> commands = verbs.ToDictionary(DeclaredOption.NameOf);
        string folder = Path.GetDirectoryName(path)!;
        var shared = new Section("", root, [.. verbs.SelectMany(DeclaredOption.Of)], folder, commands.Keys);
        var sections = new Dictionary<Type, Section> { [verb] = new Section("", new YamlMappingNode(), [], folder, []) };
        foreach ((string name, YamlNode node) in shared.Others)
        {
            Type command = commands[name];
            YamlMappingNode options = node switch
            {
                YamlMappingNode some => some,
                // All of its options are left out, or are comments.
                YamlScalarNode { Value: null or "" } => new YamlMappingNode(),
                _ => throw new FormatException(
                    $"line {node.Start.Line}: {name} is a command, whose options stand below, each in a line that begins with blanks."),
            };
            sections[command] = new Section(name, options, DeclaredOption.Of(command), folder, []);
        }
        foreach ((Type command, Section section) in sections)
        {
            foreach (DeclaredOption option in DeclaredOption.Of(command))
            {
                if (SettingOf(option, section, shared) is not { } setting) continue;
                _ = setting.Given(option, path).Checked(DeclaredOption.NameOf(command)).Count();
            }
        }
        return [.. DeclaredOption.Of(verb).Select(option => SettingOf(option, sections[verb], shared)).OfType<Setting>()];
    }

    // What a command is given; null if nothing, or if a flag is not.
    private static Setting? SettingOf(DeclaredOption option, Section own, Section shared) =>
        option.IsOption ? (own.Has(option) ? own : shared).Take(option) : null;

    /// <summary>Options with their values.</summary>
    private sealed class Section
    {
        private readonly Dictionary<string, YamlNode> _values = [];
        private readonly string _folder;

        /// <param name="command">Whose they are; empty for all commands'.</param>
        /// <param name="options">Those that there are.</param>
        /// <param name="others">Names of fields that are no options.</param>
        public Section(
            string command, YamlMappingNode fields, IReadOnlyList<DeclaredOption> options, string folder,
            IReadOnlyCollection<string> others)
        {
            _folder = folder;
            HashSet<string> known = [.. options.Where(option => option.IsOption).Select(option => option.PlainName)];
            string owner = command.Length == 0 ? "no option and no command of spos" : $"no option of spos {command}";
            foreach ((YamlNode key, YamlNode value) in fields.Children)
            {
                string written = ((YamlScalarNode)key).Value!, line = $"line {key.Start.Line}";
                // PyTorch's scripts write batch_size.
                string name = written.Replace('_', '-');
                if (others.Contains(written)) Others.Add((written, value));
                else if (name == Itself) throw new FormatException($"{line}: a file of options cannot name another one.");
                else if (!known.Contains(name))
                {
                    throw new FormatException(
                        $"{line}: {Shown.Value(written)} is {owner}.{Nearest.Hint(written, known.Except([Itself]).Concat(others))}");
                }
                else if (!_values.TryAdd(name, value)) throw new FormatException($"{line}: {name} is there twice.");
            }
        }

        /// <summary>Fields that are no options.</summary>
        public List<(string Name, YamlNode Value)> Others { get; } = [];

        public bool Has(DeclaredOption option) => _values.ContainsKey(option.PlainName);

        /// <summary>What it says of an option; null if nothing.</summary>
        /// <exception cref="FormatException">That is no value, or one of another form.</exception>
        public Setting? Take(DeclaredOption option)
        {
            if (!_values.TryGetValue(option.PlainName, out YamlNode? node)) return null;
            long line = node.Start.Line;
            bool takesSeveral = option.Type != typeof(string) && option.Type.IsAssignableTo(typeof(System.Collections.IEnumerable));
            string text = node is YamlSequenceNode several && takesSeveral
                ? string.Join(',', several.Select(one => ConfigNode.ValueOf($"an item of {option.PlainName}", one)))
                : node is YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: null or "" or "~" or "null" }
                    ? throw new FormatException($"line {line}: {option.PlainName} has no value. Leave it out to have the default.")
                    : ConfigNode.ValueOf(option.PlainName, node);
            if (!option.IsFlag) return new Setting(option.PlainName, option.Rule!.In(_folder, text), line);
            if (YamlFile.No.Contains(text)) return null;
            return YamlFile.Yes.Contains(text)
                ? new Setting(option.PlainName, null, line)
                : throw new FormatException($"line {line}: {option.PlainName} is true or false, and not {Shown.Value(text)}.");
        }
    }
}
