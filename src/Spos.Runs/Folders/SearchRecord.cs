using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>What the folder of a search tells of it, whether it has come to its end or not.</summary>
public class SearchRecord
{
    private readonly IReadOnlyDictionary<string, string?> _options;
    private readonly SearchState.Origin _searched;

    private protected SearchRecord(string folder, string option, Action<string> warn)
    {
        (Folder, Network) = (folder, NetworkOrigin.OfSearch(folder, option, warn));
        _searched = SearchState.OriginOf(folder);
        // There is one: the folder is a search's.
        _options = RunRecord.TryRead(folder)?.Options ?? [];
        Space = SearchedSpace.Of(_searched.Space, Network.Spec(classes: 2).Space, folder);
    }

    public string Folder { get; }

    /// <summary>The network that was searched.</summary>
    public NetworkOrigin Network { get; }

    /// <summary>What was left to choose from.</summary>
    public SearchSpace Space { get; }

    /// <summary>The supernet that was searched: what --checkpoint was, and the checksum of the checkpoint that it came to.</summary>
    public (string Path, string Checksum) Supernet => (_options.GetValueOrDefault(KeptOptions.CheckpointOption) ?? "", _searched.Supernet);

    /// <summary>The names of the classes; null where the search did not keep them.</summary>
    public IReadOnlyList<string>? Classes => _searched.Classes;

    /// <summary>The options, and facts, that scores depend on, by name.</summary>
    public IReadOnlyDictionary<string, string> Kept => _searched.Options;

    /// <summary>How candidates were found, last of all.</summary>
    public SearchStrategy Strategy =>
        Enum.TryParse(_options.GetValueOrDefault("strategy"), ignoreCase: true, out SearchStrategy strategy)
            ? strategy
            : SearchStrategy.Evolution;

    /// <summary>What the search was to make less of, in the order in which it was told; FLOPs if it was told nothing.</summary>
    public IReadOnlyList<CostMeasure> Objectives =>
        (_options.GetValueOrDefault(CostName.ObjectivesOption) ?? "").Split(',').Select(CostName.MeasureOf).OfType<CostMeasure>()
            .Distinct().DefaultIfEmpty(CostMeasure.Flops).ToArray();

    /// <summary>The checksum of the table of latencies that the search was made with; empty if there was none.</summary>
    public string LatencyChecksum => _searched.LatencyTable;

    /// <summary>FLOPs, parameters and, if the search had a table of them, latencies of paths.</summary>
    /// <param name="network">What is trained. Latencies are those of as many classes as the search had.</param>
    /// <param name="along">
    /// The cost along which networks are chosen. Where neither that nor what the search made less of is latency, the table may be missing.
    /// </param>
    /// <param name="warn">Told then.</param>
    /// <exception cref="CheckpointException">The search's copy of that table is not there.</exception>
    /// <exception cref="LatencyTableException">It has changed, or is of another network.</exception>
    public IReadOnlyList<CostTable> CostsOf(NetworkSpec network, CostMeasure along, Action<string> warn)
    {
        CostTable[] costs = [NetworkFlops.Of(network), NetworkParameters.Of(network)];
        if (LatencyChecksum.Length == 0) return costs;
        try
        {
            return [.. costs, Latencies(network with { Classes = _searched.Classes?.Count ?? network.Classes })];
        }
        catch (SposException error) when (along != CostMeasure.Latency && !Objectives.Contains(CostMeasure.Latency))
        {
            warn($"Latencies are not told: {error.Message}");
            return costs;
        }
    }

    private CostTable Latencies(NetworkSpec network)
    {
        string copy = Path.Combine(Folder, SearchedLatency.FileName);
        return File.Exists(copy)
            ? SearchedLatency.Read(copy, network).Costs
            : throw new CheckpointException($"{copy}, the search's table of latencies, is missing. To have it, {FrontFiles.Remedy}.");
    }

    /// <summary>Whether candidates were compared on val.</summary>
    public bool WasSelectedOnVal => _options.GetValueOrDefault(KeptOptions.SelectOnOption) == KeptOptions.SelectOnVal;

    /// <summary>Whether the search counted FLOPs by a table, and not from the shapes.</summary>
    public bool CountedByTable => _options.GetValueOrDefault("flops-table") is { Length: > 0 };

    /// <summary>All that was scored so far, in the order in which it was proposed.</summary>
    /// <exception cref="CheckpointException">It is damaged, or has figures that cannot be.</exception>
    public IReadOnlyList<Candidate> Candidates() => SearchState.CandidatesOf(Folder, Space);

    /// <summary>Reads the record of a search.</summary>
    /// <param name="text">The search's folder.</param>
    /// <param name="option">The option that has the text, for messages.</param>
    /// <param name="warn">Told of damaged checkpoints.</param>
    /// <exception cref="UsageException">There is none.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static SearchRecord Of(string text, string option, Action<string> warn)
    {
        if (!Path.Exists(text)) throw new UsageException($"{option} {text}: there is nothing there. Name the folder of a search.");
        FolderContents contents = FolderContents.Of(text, option);
        return contents.Kind == RunKind.Search
            ? new SearchRecord(text, option, warn)
            : throw new UsageException($"{option} {text} holds {contents.Description ?? "no search"}. Name the folder of a search.");
    }

    /// <summary>Throws unless a data set has the classes that the search was made with.</summary>
    /// <param name="accept">Others are all right (--accept-changed-data); it is said.</param>
    /// <param name="warn">Told where it goes on all the same.</param>
    /// <exception cref="DataException">It has others; the message says which.</exception>
    public void RequireClasses(ImageFolder data, bool accept, Action<string> warn)
    {
        if (_searched.Classes is not { } classes || ClassCheck.Difference(classes, data.Classes) is not { } names) return;
        ClassCheck.Refuse(
            $"{data.Root} has other classes than the search of {Folder} was made with: {names}.",
            "Its scores are of those classes: use that data set", accept, warn);
    }
}
