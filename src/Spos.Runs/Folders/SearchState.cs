using System.Text.Json;
using System.Text.Json.Serialization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>
/// search.json, or shrink.json: the options and the data set that scores depend on, and every candidate with its score. It is written after
/// each candidate; the one before stays beside it.
/// </summary>
/// <param name="name">What the file is called, without its ending.</param>
/// <param name="isOfAngles">
/// Whether <see cref="Candidate.Top1"/> is no accuracy, but a path's angle as a share of half a turn, and is called so in the file.
/// </param>
public sealed class SearchState(
    string folder, KeptOptions options, DataRecord data, bool acceptChangedData, Action<string> warn, string name = SearchState.OfSearch,
    bool isOfAngles = false)
{
    /// <summary>The names of the files of a search and of a shrink run.</summary>
    public const string OfSearch = "search", OfShrink = "shrink";

    /// <summary>The folder of each generation's best, below the search's.</summary>
    public const string Exports = "checkpoints";

    // A million candidates fit.
    private const int MostBytes = 256 << 20;

    internal const string Ending = ".json", EndingBefore = ".previous.json";

    private readonly string _before = Path.Combine(folder, name + EndingBefore);
    private bool _isDamaged;

    /// <summary>The file.</summary>
    public string FilePath { get; } = Path.Combine(folder, name + Ending);

    public void Save(IReadOnlyList<Candidate> candidates)
    {
        IEnumerable<Score> scores = candidates.Select(c => new Score(
            c.Path.ToString(), c.Generation, c.Flops, isOfAngles ? null : c.Top1, isOfAngles ? c.Top1 : null));
        string text = JsonSerializer.Serialize(new Contents(new Dictionary<string, string>(options.Values), data, [.. scores]));
        if (!_isDamaged && File.Exists(FilePath)) File.Move(FilePath, _before, overwrite: true);
        AtomicFile.WriteText(FilePath, text + "\n");
        _isDamaged = false;
    }

    /// <summary>The scored candidates by their architectures, in the file's order; null if there are none.</summary>
    /// <exception cref="UsageException">They are of a search with other options or pictures; the message names one.</exception>
    /// <exception cref="CheckpointException">The file and the one before it are damaged, or have figures that cannot be.</exception>
    /// <param name="space">What was searched.</param>
    public Dictionary<string, Candidate>? Load(SearchSpace space)
    {
        string[] files = [.. new[] { FilePath, _before }.Where(File.Exists)];
        foreach (string file in files)
        {
            try
            {
                Contents contents = JsonFile.Read<Contents>(file, MostBytes);
                if (contents.Options == null || contents.Scores == null)
                {
                    throw new FormatException(isOfAngles ? "it holds no angles of paths." : "it holds no search.");
                }
                options.Require(file, contents.Options, acceptChangedData || contents.Data?.Train != null);
                var check = new FigureCheck(file);
                contents.Data?.Check(check);
                contents.Data?.Require(file, data, acceptChangedData, warn);
                return Checked(contents.Scores, check, space, isOfAngles);
            }
            catch (FormatException error)
            {
                // The file before it is then the only whole one, and is kept until there is another.
                _isDamaged |= file == FilePath;
                warn($"{file} is damaged: {error.Message}");
            }
        }
        return files.Length == 0 ? null : throw new CheckpointException(
            $"{FilePath} is damaged, and so is what was kept before it. Begin anew with --restart.");
    }

    /// <summary>What a search that is over was of.</summary>
    /// <param name="Supernet">The checksum of the supernet's checkpoint.</param>
    /// <param name="LatencyTable">That of the table of latencies; empty if there was none.</param>
    /// <param name="Classes">The names of the classes, in the order of their labels; null where they were not kept.</param>
    /// <param name="Space">What was left to choose from, as <see cref="SearchSpace.Left"/> says it.</param>
    /// <param name="Options">All options, and facts, that scores depend on.</param>
    internal sealed record Origin(
        string Supernet, string LatencyTable, IReadOnlyList<string>? Classes, string Space, IReadOnlyDictionary<string, string> Options);

    /// <summary>What the search of a folder was of.</summary>
    /// <exception cref="CheckpointException">The file is missing, as is what was kept before it, or both are damaged.</exception>
    internal static Origin OriginOf(string folder) => TryOriginOf(folder) ?? throw new CheckpointException(
        $"{Path.Combine(folder, OfSearch + Ending)} is damaged or missing, so that nobody knows what was searched. Search again.");

    /// <summary>The same; null where nobody knows.</summary>
    internal static Origin? TryOriginOf(string folder)
    {
        foreach (string file in FilesOf(folder))
        {
            try
            {
                Contents contents = JsonFile.Read<Contents>(file, MostBytes);
                contents.Data?.Check(new FigureCheck(file, FrontFiles.Remedy));
                // Earlier versions put the path before it.
                string supernet = contents.Options?.GetValueOrDefault(KeptOptions.CheckpointOption) ?? "";
                string space = contents.Options?.GetValueOrDefault(KeptOptions.SearchSpaceOption) ?? "";
                string table = contents.Options?.GetValueOrDefault(KeptOptions.LatencyTableFact) ?? "";
                return new Origin(
                    supernet.Split(' ')[^1], table, contents.Data?.Train?.Classes.Select(c => c.Name).ToArray(), space,
                    contents.Options ?? []);
            }
            catch (FormatException)
            {
                // The one before it may tell.
            }
        }
        return null;
    }

    /// <summary>The scored candidates of the search of a folder, in the order in which they were proposed.</summary>
    /// <param name="space">What was searched.</param>
    /// <exception cref="CheckpointException">
    /// The file is missing, as is what was kept before it, or both are damaged; or it has figures that cannot be.
    /// </exception>
    internal static IReadOnlyList<Candidate> CandidatesOf(string folder, SearchSpace space)
    {
        foreach (string file in FilesOf(folder))
        {
            try
            {
                Contents contents = JsonFile.Read<Contents>(file, MostBytes);
                if (contents.Scores != null) return [.. Checked(contents.Scores, new FigureCheck(file, FrontFiles.Remedy), space).Values];
            }
            catch (FormatException)
            {
                // The one before it may tell.
            }
        }
        throw new CheckpointException($"{Path.Combine(folder, OfSearch + Ending)} is damaged or missing. Search again.");
    }

    // The newest first.
    private static IEnumerable<string> FilesOf(string folder) =>
        new[] { Ending, EndingBefore }.Select(ending => Path.Combine(folder, OfSearch + ending)).Where(File.Exists);

    private static Dictionary<string, Candidate> Checked(Score[] scores, FigureCheck check, SearchSpace space, bool isOfAngles = false)
    {
        var known = new Dictionary<string, Candidate>();
        foreach ((int index, Score? score) in scores.Index())
        {
            string field = $"{nameof(Contents.Scores)}[{index}]";
            if (score == null) throw check.Wrong($"{field} is null");
            check.Architecture($"{field}.{nameof(score.Architecture)}", score.Architecture, space);
            check.Amount($"{field}.{nameof(score.Generation)}", score.Generation);
            check.Amount($"{field}.{nameof(score.Flops)}", score.Flops);
            // Earlier versions called angles Top1, too.
            bool isAngle = isOfAngles && score.Angle != null;
            double value = (isAngle ? score.Angle : score.Top1) ?? double.NaN;
            check.Share($"{field}.{(isAngle ? nameof(score.Angle) : nameof(score.Top1))}", value);
            var candidate = new Candidate(Architecture.Parse(score.Architecture), score.Generation, score.Flops, value);
            if (!known.TryAdd(score.Architecture, candidate))
            {
                throw check.Wrong($"{field}.{nameof(score.Architecture)} is there twice");
            }
        }
        return known;
    }

    private sealed record Contents(Dictionary<string, string> Options, DataRecord? Data, Score[] Scores);

    private sealed record Score(
        string Architecture, int Generation, double Flops,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Top1,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Angle = null);
}
