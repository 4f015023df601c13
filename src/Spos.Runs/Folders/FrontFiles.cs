using System.Globalization;
using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>A candidate of a front, as front.json tells it.</summary>
/// <param name="Path">The file of its architecture, within the search's folder.</param>
/// <param name="Top1">With the supernet's weights.</param>
/// <param name="Costs">By the names of what they measure, in lower case.</param>
public sealed record FrontMember(
    [property: JsonPropertyName("file")] string Path,
    [property: JsonPropertyName("architecture"), JsonRequired] string Architecture,
    [property: JsonPropertyName("top1"), JsonRequired] double Top1,
    [property: JsonPropertyName("costs")] Dictionary<string, long> Costs);

/// <summary>
/// What a search leaves of its front: front.json, which tells each candidate's accuracy and costs, and front/NNN.json, its architecture in
/// NNI's format, from the cheapest on.
/// </summary>
public static class FrontFiles
{
    /// <summary>The folder of the architectures, below the search's.</summary>
    public const string FolderName = "front";

    /// <summary>The file of figures.</summary>
    public const string TableName = "front.json";

    /// <summary>What makes the files anew.</summary>
    internal const string Remedy = "run the search again by the same command, which writes it anew";

    // As many as a search has candidates.
    private const int MostBytes = 256 << 20;

    /// <summary>Writes the files anew.</summary>
    /// <exception cref="WriteException">They could not be written.</exception>
    public static void Write(RunFolder folder, IReadOnlyList<Candidate> front, SearchSpace space, IReadOnlyList<CostTable> costs)
    {
        string below = Path.Combine(folder.Folder, FolderName);
        folder.ClearBelow(FolderName);
        foreach ((int index, Candidate candidate) in front.Index())
        {
            ArchitectureFile.Write(Path.Combine(below, NameOf(index)), candidate.Path, space);
        }
        JsonFile.Write(Path.Combine(folder.Folder, TableName), front.Select((candidate, index) => new FrontMember(
            $"{FolderName}/{NameOf(index)}", $"{candidate.Path}", candidate.Top1,
            costs.ToDictionary(cost => cost.Measure.FieldName, cost => cost.Of(candidate.Path)))));
    }

    /// <summary>The candidates of front.json, one at least.</summary>
    /// <param name="space">What was searched.</param>
    /// <exception cref="CheckpointException">It is damaged, or has what no search leaves there; the message names the field.</exception>
    public static IReadOnlyList<FrontMember> Read(string file, SearchSpace space)
    {
        var check = new FigureCheck(file, Remedy);
        FrontMember?[] members;
        try
        {
            members = JsonFile.Read<FrontMember?[]>(file, MostBytes);
        }
        catch (FormatException error)
        {
            throw new CheckpointException($"{file} is damaged: {error.Message} To mend it, {Remedy}.");
        }
        if (members.Length == 0) throw check.Wrong("it has no candidate");
        var known = new HashSet<Architecture>();
        foreach ((int index, FrontMember? member) in members.Index())
        {
            if (member == null) throw check.Wrong($"[{index}] is null");
            check.Architecture($"[{index}].architecture", member.Architecture, space);
            check.Share($"[{index}].top1", member.Top1);
            if (!known.Add(Architecture.Parse(member.Architecture))) throw check.Wrong($"[{index}].architecture is there twice");
        }
        return members!;
    }

    private static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{index:D3}.json");
}
