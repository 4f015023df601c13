using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>The front that a search has left in its folder, and what there is to know of the search.</summary>
public sealed class SearchedFront
{
    private readonly IReadOnlyDictionary<string, string?> _options;
    private readonly SearchState.Origin _searched;

    private SearchedFront(string folder, NetworkOrigin network, SearchState.Origin searched)
    {
        (Folder, Network, _searched) = (folder, network, searched);
        // There is one: the folder is a search's.
        _options = RunRecord.TryRead(folder)?.Options ?? [];
        Space = SearchedSpace.Of(searched.Space, network.Spec(classes: 2).Space, folder);
        Members = FrontFiles.Read(Path.Combine(folder, FrontFiles.TableName), Space);
    }

    public string Folder { get; }

    /// <summary>The network that was searched.</summary>
    public NetworkOrigin Network { get; }

    /// <summary>What was left to choose from.</summary>
    public SearchSpace Space { get; }

    /// <summary>The candidates, as the search has ordered them.</summary>
    public IReadOnlyList<FrontMember> Members { get; }

    /// <summary>SHA-256 of the candidates and their scores, in hexadecimal.</summary>
    public string Digest => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(
        Members.Select(member => FormattableString.Invariant($"{member.Architecture} {member.Top1:R}\n"))))));

    /// <summary>The supernet that was searched: what --checkpoint was, and the checksum of the checkpoint that it came to.</summary>
    public (string Path, string Checksum) Supernet => (_options.GetValueOrDefault(KeptOptions.CheckpointOption) ?? "", _searched.Supernet);

    /// <summary>What the search was to make less of, in the order in which it was told; FLOPs if it was told nothing.</summary>
    public IReadOnlyList<CostMeasure> Objectives =>
        (_options.GetValueOrDefault(CostName.ObjectivesOption) ?? "").Split(',').Select(CostName.MeasureOf).OfType<CostMeasure>()
            .Distinct().DefaultIfEmpty(CostMeasure.Flops).ToArray();

    /// <summary>The checksum of the table of latencies that the search was made with; empty if there was none.</summary>
    public string LatencyChecksum => _searched.LatencyTable;

    /// <summary>FLOPs, parameters and, if the search had a table of them, latencies of paths.</summary>
    /// <param name="network">What is trained.</param>
    /// <exception cref="CheckpointException">The search's copy of that table is not there.</exception>
    /// <exception cref="LatencyTableException">It has changed, or is of another network.</exception>
    public IReadOnlyList<CostTable> CostsOf(NetworkSpec network)
    {
        CostTable[] costs = [NetworkFlops.Of(network), NetworkParameters.Of(network)];
        if (LatencyChecksum.Length == 0) return costs;
        string copy = Path.Combine(Folder, SearchedLatency.FileName);
        return File.Exists(copy)
            ? [.. costs, SearchedLatency.Read(copy, network).Costs]
            : throw new CheckpointException($"{copy}, the search's table of latencies, is missing. To have it, {FrontFiles.Remedy}.");
    }

    /// <summary>Whether candidates were compared on val.</summary>
    public bool WasSelectedOnVal => _options.GetValueOrDefault(KeptOptions.SelectOnOption) == KeptOptions.SelectOnVal;

    /// <summary>Whether the search counted FLOPs by a table, and not from the shapes.</summary>
    public bool CountedByTable => _options.GetValueOrDefault("flops-table") is { Length: > 0 };

    /// <summary>Opens the front of a search.</summary>
    /// <param name="text">The search's folder, or front.json in it.</param>
    /// <param name="option">The option that has the text, for messages.</param>
    /// <param name="warn">Told of damaged checkpoints.</param>
    /// <exception cref="UsageException">There is none.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static SearchedFront Open(string text, string option, Action<string> warn)
    {
        if (!Path.Exists(text)) throw new UsageException($"{option} {text}: there is nothing there. Name the folder of a search.");
        string folder = Directory.Exists(text) ? text : Path.GetDirectoryName(Path.GetFullPath(text))!;
        FolderContents contents = FolderContents.Of(folder, option);
        if (contents.Kind != RunKind.Search || (folder != text && Path.GetFileName(text) != FrontFiles.TableName))
        {
            string what = folder == text
                ? $"holds {contents.Description ?? "no search"}"
                : $"is not the {FrontFiles.TableName} of a search";
            throw new UsageException($"{option} {text} {what}. Name the folder of a search.");
        }
        if (!File.Exists(Path.Combine(folder, FrontFiles.TableName)))
        {
            throw new UsageException(
                $"{option} {text}: there is no {FrontFiles.TableName} yet, which a search leaves at its end. Run the search to its end.");
        }
        return new SearchedFront(folder, NetworkOrigin.OfSearch(folder, option, warn), SearchState.OriginOf(folder));
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
