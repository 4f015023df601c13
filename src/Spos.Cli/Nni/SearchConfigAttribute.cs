using Spos.Cli.Options;

namespace Spos.Cli.Nni;

/// <summary>The path of NNI's config_search.yml, which <see cref="SearchConfig"/> reads.</summary>
internal sealed class SearchConfigAttribute : OptionsFileRule
{
    public override IReadOnlyList<(string Option, string? Value)> OptionsOf(string path) => SearchConfig.Read(path);
}
