using Spos.Cli.Configs;
using Spos.Cli.Options;
using YamlDotNet.RepresentationModel;

namespace Spos.Cli.Nni;

/// <summary>
/// The path of a YAML file of options: of any commands (<see cref="OptionsFile"/>), or NNI's (<see cref="SearchConfig"/>).
/// </summary>
internal sealed class ConfigFileAttribute : OptionsFileRule
{
    public override IReadOnlyList<Setting> OptionsOf(string path, Type verb, IReadOnlyList<Type> verbs)
    {
        try
        {
            YamlMappingNode root = YamlFile.Read(path);
            if (!SearchConfig.IsIn(root)) return OptionsFile.Read(root, path, verb, verbs);
            if (DeclaredOption.NameOf(verb) == SearchConfig.Verb) return SearchConfig.Read(root, path);
            throw new FormatException($"this is NNI's configuration of a search, which spos {SearchConfig.Verb} reads.");
        }
        catch (ArgumentException)
        {
            throw new UsageException($"--config {path}: it names a path that no file can have.");
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new UsageException($"--config {path}: {error.Message}");
        }
    }
}
