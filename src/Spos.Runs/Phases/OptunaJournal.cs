using System.Globalization;
using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>What a journal of Optuna's was told of a search.</summary>
/// <param name="Study">The name of the study: that of the search's folder.</param>
/// <param name="Objectives">What the study is over, by name; accuracy is the first.</param>
/// <param name="Trials">How many there are.</param>
/// <param name="Best">The best candidate.</param>
public sealed record OptunaStudy(string Study, IReadOnlyList<string> Objectives, int Trials, Candidate Best);

/// <summary>
/// Writes the candidates of a search as a journal of Optuna's, which its JournalStorage reads (optuna/storages/journal/_storage.py): a line
/// of JSON for each operation. The operations are those that create a study (0), set its attributes (2, 3), and create a trial that is
/// complete (4). A trial has a categorical parameter for the operation of each block, and where there are channel scales one for the scale.
/// The same search leaves the same bytes, whatever it was done with.
/// </summary>
public static class OptunaJournal
{
    /// <summary>What a journal that this wrote begins with.</summary>
    public const string Beginning = "{\"op_code\":0,\"worker_id\":\"spos\",";

    /// <summary>The objective, and metric, that each study begins with.</summary>
    public const string Top1 = "top1";

    private const int CreateStudy = 0, SetStudyUserAttribute = 2, SetStudySystemAttribute = 3, CreateTrial = 4;
    private const int Minimize = 1, Maximize = 2, Complete = 1;

    // Searches keep no times, and trials need some: one is a second long, and the next begins at its end.
    private static readonly DateTime Start = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Unspecified);

    /// <summary>Writes the journal, whole or not at all.</summary>
    /// <param name="search">It may go on meanwhile: then it is what is saved now.</param>
    /// <param name="warn">Told where latencies are not told.</param>
    /// <exception cref="CheckpointException">The search has no candidate yet, or its files are damaged.</exception>
    /// <exception cref="WriteException">It could not be written.</exception>
    public static OptunaStudy Write(string output, SearchRecord search, Action<string> warn)
    {
        IReadOnlyList<Candidate> candidates = search.Candidates();
        if (candidates.Count == 0) throw new CheckpointException($"{search.Folder} has no candidate yet. Wait for the first ones.");
        CostMeasure[] objectives = search.Strategy == SearchStrategy.Nsga2 ? [.. search.Objectives] : [];
        IReadOnlyList<CostTable> costs = CostsOf(search, warn);
        if (objectives.FirstOrDefault(one => costs.All(cost => cost.Measure != one)) is { } missing)
        {
            throw new CheckpointException(
                $"{search.Folder} does not tell the classes of its pictures, on which {missing.Name} depend. Search again.");
        }
        Candidate best = Candidate.BestFirst(candidates).First();
        string study = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(search.Folder)));
        string[] names = [Top1, .. objectives.Select(one => one.FieldName)];
        var trials = new TrialWriter(search.Space, costs, objectives);
        AtomicFile.Write(Path.GetFullPath(output), stream =>
        {
            using var line = new Utf8JsonWriter(stream);
            Operation(CreateStudy, () =>
            {
                line.WriteString("study_name", study);
                line.WriteStartArray("directions");
                line.WriteNumberValue(Maximize);
                foreach (CostMeasure _ in objectives) line.WriteNumberValue(Minimize);
                line.WriteEndArray();
            });
            Attribute(SetStudySystemAttribute, "system_attr", "study:metric_names", () =>
            {
                line.WriteStartArray();
                foreach (string name in names) line.WriteStringValue(name);
                line.WriteEndArray();
            });
            foreach ((string option, string value) in search.Kept.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                if (!string.IsNullOrEmpty(value)) UserAttribute(option, () => line.WriteStringValue(value));
            }
            UserAttribute("best_trial", () => line.WriteNumberValue(candidates.Index().First(one => one.Item == best).Index));
            foreach ((int number, Candidate candidate) in candidates.Index())
            {
                Operation(CreateTrial, () =>
                {
                    line.WriteNumber("study_id", 0);
                    line.WriteNumber("state", Complete);
                    line.WriteString("datetime_start", TimeOf(number));
                    line.WriteString("datetime_complete", TimeOf(number + 1));
                    trials.Write(line, candidate);
                });
            }

            void UserAttribute(string name, Action value) => Attribute(SetStudyUserAttribute, "user_attr", name, value);

            void Attribute(int code, string kind, string name, Action value) => Operation(code, () =>
            {
                line.WriteNumber("study_id", 0);
                line.WriteStartObject(kind);
                line.WritePropertyName(name);
                value();
                line.WriteEndObject();
            });

            void Operation(int code, Action content)
            {
                line.WriteStartObject();
                line.WriteNumber("op_code", code);
                line.WriteString("worker_id", "spos");
                content();
                line.WriteEndObject();
                line.Flush();
                stream.WriteByte((byte)'\n');
                line.Reset();
            }
        });
        return new OptunaStudy(study, names, candidates.Count, best);
    }

    private static string TimeOf(int trial) => Start.AddSeconds(trial).ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    // Parameters depend on the number of classes, and latencies are measured with it.
    private static IReadOnlyList<CostTable> CostsOf(SearchRecord search, Action<string> warn)
    {
        NetworkSpec network = search.Network.Spec(search.Classes?.Count ?? new NetworkSpec().Classes);
        return search.Classes == null ? [NetworkFlops.Of(network)] : search.CostsOf(network, CostMeasure.Flops, warn);
    }

    // What trials have of their own.
    private sealed class TrialWriter(SearchSpace space, IReadOnlyList<CostTable> costs, CostMeasure[] objectives)
    {
        private readonly Parameter[] _parameters = [.. ParametersOf(space)];

        public void Write(Utf8JsonWriter line, Candidate candidate)
        {
            if (objectives.Length == 0)
            {
                line.WriteNumber("value", candidate.Top1);
                line.WriteNull("values");
            }
            else
            {
                line.WriteNull("value");
                line.WriteStartArray("values");
                line.WriteNumberValue(candidate.Top1);
                foreach (CostMeasure measure in objectives) line.WriteNumberValue(CostOf(candidate, measure));
                line.WriteEndArray();
            }
            line.WriteStartObject("distributions");
            foreach (Parameter parameter in _parameters) line.WriteString(parameter.Name, parameter.Distribution);
            line.WriteEndObject();
            line.WriteStartObject("params");
            foreach (Parameter parameter in _parameters)
            {
                int chosen = (parameter.IsScale ? candidate.Path.Scales : candidate.Path.Operations)[parameter.Block];
                line.WriteNumber(parameter.Name, parameter.Left.IndexOf(chosen));
            }
            line.WriteEndObject();
            line.WriteStartObject("user_attrs");
            line.WriteString("architecture", $"{candidate.Path}");
            line.WriteNumber("generation", candidate.Generation + 1L);
            foreach (CostTable cost in costs) line.WriteNumber(cost.Measure.FieldName, CostOf(candidate, cost.Measure));
            line.WriteEndObject();
            line.WriteStartObject("system_attrs");
            line.WriteEndObject();
            line.WriteStartObject("intermediate_values");
            line.WriteEndObject();
        }

        // FLOPs are those that the search counted, which may be by a table.
        private double CostOf(Candidate candidate, CostMeasure measure) =>
            measure == CostMeasure.Flops ? candidate.Flops : costs.First(cost => cost.Measure == measure).Of(candidate.Path);

        private static IEnumerable<Parameter> ParametersOf(SearchSpace space)
        {
            for (int b = 0; b < space.Blocks.Length; b++)
            {
                int block = b;
                string number = block.ToString("D2", CultureInfo.InvariantCulture);
                yield return new Parameter(
                    $"operation_{number}", block, false, [.. space.Operations[block]],
                    DistributionOf(space.Operations[block].Select(operation => (object)space.OperationName(block, operation))));
                if (!space.HasScales) continue;
                yield return new Parameter(
                    $"channel_scale_{number}", block, true, [.. space.Scales[block]],
                    DistributionOf(space.Scales[block].Select(
                        scale => (object)double.Parse(ChannelScales.NameOf(scale), CultureInfo.InvariantCulture))));
            }
        }

        // As Optuna's distribution_to_json writes it.
        private static string DistributionOf(IEnumerable<object> choices) => JsonSerializer.Serialize(
            new { name = "CategoricalDistribution", attributes = new { choices } });

        private sealed record Parameter(string Name, int Block, bool IsScale, List<int> Left, string Distribution);
    }
}
