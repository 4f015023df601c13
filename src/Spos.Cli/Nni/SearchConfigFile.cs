using Spos.Runs;

namespace Spos.Cli.Nni;

/// <summary>Writes NNI's config_search.yml, which repeats a search, into its folder.</summary>
internal sealed class SearchConfigFile : IRunObserver
{
    public void Begin(RunBegin run) =>
        SearchConfig.Write(Path.Combine(run.Folder, SearchConfig.FileName), run.Options, run.Space ?? run.Network.Space);
}
