using System.Text.Json.Nodes;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Tests;

/// <summary>Figures that no run leaves in search.json and rank.json are named by file and field, and are not gone on from.</summary>
public sealed class RecordedFiguresTests : IDisposable
{
    private const int Recalibrations = 2;

    private static readonly SearchSpace Space = new NetworkSpec { StageRepeats = [1, 1, 2, 1] }.Space;

    private static readonly Dictionary<string, string> Options = new() { ["seed"] = "42" };
    private static readonly DataSetIdentity Pictures = new([new ClassIdentity("cat", 3, "A"), new ClassIdentity("dog", 4, "B")], "AB");
    private static readonly DataRecord Data = new(Pictures, Pictures);

    private readonly List<string> _warnings = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    [Theory]
    [InlineData("Scores[1].Top1", "1.7", "is 1.7, not a number from 0 to 1")]
    [InlineData("Scores[1].Top1", "-0.1", "is -0.1, not a number from 0 to 1")]
    [InlineData("Scores[1].Top1", "1e999", "is Infinity, not a number from 0 to 1")]
    [InlineData("Scores[0].Flops", "-3", "is -3, not a number from 0 on")]
    [InlineData("Scores[0].Generation", "-1", "is -1, not a number from 0 on")]
    [InlineData("Scores[0].Architecture", "\"0 1 2\"", "has 3 blocks; the network has 5")]
    [InlineData("Scores[0].Architecture", "\"0 1 2 3 7\"", "chooses 7 in block 4; the choices there are 0 to 3")]
    [InlineData("Scores[0].Architecture", "null", "is no architecture")]
    [InlineData("Scores[1].Architecture", "\"0 1 2 3 0\"", "is there twice")]
    [InlineData("Scores[1]", "null", "is null")]
    [InlineData("Data.Train.Classes[1].Pictures", "-4", "is -4, not a number from 0 on")]
    [InlineData("Data.Val.Classes[0]", "null", "has no Name or no Digest")]
    public void Of_a_search(string field, string value, string says)
    {
        SearchState state = NewSearch();
        Change(state.FilePath, field, value);
        string before = File.ReadAllText(state.FilePath);
        CheckpointException error = Assert.Throws<CheckpointException>(() => NewSearch().Load(Space));
        Assert.StartsWith($"{state.FilePath}: {field} {says}", error.Message, StringComparison.Ordinal);
        Assert.Contains("--restart", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(state.FilePath));
    }

    [Theory]
    [InlineData("Architectures[0].Scores[1]", "2", "is 2, not a number from 0 to 1")]
    [InlineData("Architectures[0].Scores", "[0.5]", "has 1 numbers, not one for each of 2 recalibrations")]
    [InlineData("Architectures[0].Standalone", "-1", "is -1, not a number from 0 to 1")]
    [InlineData("Architectures[0].Flops", "-1", "is -1, not a number from 0 on")]
    [InlineData("Architectures[0].Architecture", "\"0 1\"", "has 2 blocks; the network has 5")]
    [InlineData("Architectures[1].Repeats[1]", "1.5", "is 1.5, not a number from 0 to 1")]
    [InlineData("Architectures[1].Standalone", "null", "", "Architectures[1].Repeats is there without Standalone")]
    public void Of_a_ranking(string field, string value, string says, string? other = null)
    {
        RankState state = NewRanking();
        Change(state.FilePath, field, value);
        CheckpointException error = Assert.Throws<CheckpointException>(() => NewRanking().Load(Space, Recalibrations));
        Assert.StartsWith($"{state.FilePath}: {other ?? $"{field} {says}"}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Those_of_a_run_are_read()
    {
        Assert.Equal(0.75, NewSearch().Load(Space)!["3 2 1 0 3"].Top1);
        Assert.Equal([0.5], NewRanking().Load(Space, Recalibrations)![0].Trainings);
        Assert.Equal([0.5, 0.25, 0.75], NewRanking().Load(Space, Recalibrations)![1].Trainings);
        // Scores that were wrong are missing until they are made again.
        Change(NewRanking().FilePath, "Architectures[1].Scores", "[]");
        RankedArchitecture withdrawn = NewRanking().Load(Space, Recalibrations)![1];
        Assert.Empty(withdrawn.Scores);
        Assert.Equal([0.5, 0.25, 0.75], withdrawn.Trainings);
    }

    [Fact]
    public void A_ranking_of_before_there_were_repeats_is_gone_on_with()
    {
        RankState state = NewRanking();
        File.WriteAllText(
            state.FilePath,
            """
            {"Options": {"seed": "42"}, "Data": null,
            "Architectures": [{"Architecture": "0 1 2 3 0", "Flops": 1e6, "Scores": [0.5, 0.25], "Standalone": 0.5},
            {"Architecture": "3 1 2 3 0", "Flops": 1e6, "Scores": [0.5, 0.25], "Standalone": null}]}
            """);
        RankedArchitecture[] before = NewRanking().Load(Space, Recalibrations)!;
        Assert.Equal([0.5], before[0].Trainings);
        Assert.Empty(before[1].Trainings);
        Assert.Equal([0.5, 0.75, 0.25], before[0].Trained(0.75).Trained(0.25).Trainings);
        Assert.Equal([0.75], before[1].Trained(0.75).Trainings);
    }

    [Fact]
    public void Python_s_NaN_is_no_JSON_and_named_by_its_place()
    {
        RankState state = NewRanking();
        string text = File.ReadAllText(state.FilePath);
        File.WriteAllText(state.FilePath, text.Replace("\"Standalone\": 0.5", "\"Standalone\": NaN", StringComparison.Ordinal));
        string message = Assert.Throws<CheckpointException>(() => NewRanking().Load(Space, Recalibrations)).Message;
        Assert.Matches(@"rank\.json is damaged: it is not JSON, or nested too deeply, from line \d+, column 21 on\. Begin anew", message);
    }

    [Fact]
    public void A_value_of_another_type_is_named_and_the_state_before_it_used()
    {
        SearchState state = NewSearch();
        state.Save([Found("0 1 2 3 0", 0.5)]);
        Change(state.FilePath, "Scores[0].Top1", "\"NaN\"");
        Assert.Equal(2, NewSearch(save: false).Load(Space)!.Count);
        Assert.Contains(
            "search.json is damaged: Scores[0].Top1 is missing or of another type "
            + "(near line 1, column ", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_number_of_classes_is_refused_with_no_advice_that_does_not_help()
    {
        DataRecord more = new(Pictures with { Classes = [.. Pictures.Classes, new ClassIdentity("owl", 1, "C")], Digest = "ABC" }, null);
        foreach (bool accept in new[] { false, true })
        {
            string message = Assert.ThrowsAny<SposException>(() => Data.Require("a file", more, accept, _warnings.Add)).Message;
            Assert.Contains("class 'owl' is new", message, StringComparison.Ordinal);
            Assert.Contains("--accept-changed-data does not help: there were 2 classes and are 3", message, StringComparison.Ordinal);
            Assert.DoesNotContain("go on knowingly", message, StringComparison.Ordinal);
        }
        // Nothing says that it goes on.
        Assert.Empty(_warnings);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Candidate Found(string path, double top1) => new(Architecture.Parse(path), 0, 1e6, top1);

    private SearchState NewSearch(bool save = true)
    {
        var state = new SearchState(_folder, new KeptOptions(Options), Data, acceptChangedData: false, _warnings.Add);
        if (save && !File.Exists(state.FilePath)) state.Save([Found("0 1 2 3 0", 0.5), Found("3 2 1 0 3", 0.75)]);
        return state;
    }

    private RankState NewRanking()
    {
        var state = new RankState(_folder, new KeptOptions(Options), Data, acceptChangedData: false, _warnings.Add);
        if (!File.Exists(state.FilePath))
        {
            state.Save(
                [
                    new RankedArchitecture("0 1 2 3 0", 1e6, [0.5, 0.25], 0.5),
                    new RankedArchitecture("3 1 2 3 0", 2e6, [0.5, 0.75], 0.5, [0.25, 0.75]),
                ]);
        }
        return state;
    }

    // Puts a value in the place of the one of a field, such as "Scores[1].Top1".
    private static void Change(string file, string field, string value)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(file))!, at = root;
        string[] steps = field.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        foreach (string step in steps[..^1]) at = step[0] == '[' ? at[int.Parse(step[1..^1])]! : at[step]!;
        JsonNode? node = JsonNode.Parse(value);
        if (steps[^1][0] == '[') at[int.Parse(steps[^1][1..^1])] = node;
        else at[steps[^1]] = node;
        File.WriteAllText(file, root.ToJsonString());
    }
}
