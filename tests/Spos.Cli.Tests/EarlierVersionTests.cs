using System.Text.Json.Nodes;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Engine.Data;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Cli.Tests;

/// <summary>Folders as versions left them that kept no identity of data sets, no sizes of networks and not everywhere a run.json.</summary>
[Collection(InProcess.Collection)]
public sealed class EarlierVersionTests(FinishedRuns runs) : IClassFixture<FinishedRuns>
{
    [Fact]
    public void Folders_without_a_record_are_known_by_what_they_hold()
    {
        foreach ((string holder, RunKind kind) in new[]
        {
            ("import", RunKind.Import), ("supernet", RunKind.Supernet), ("scratch", RunKind.Scratch),
        })
        {
            string folder = runs.CopyOf(holder);
            File.Delete(Path.Combine(folder, RunRecord.FileName));
            Assert.Equal(kind, FolderContents.Of(folder).Kind);
            Assert.Contains(kind.Title, InProcess.Run(runs.Command("search", folder)).Error, StringComparison.Ordinal);
        }
        string rank = runs.CopyOf("rank");
        foreach (string below in Directory.GetDirectories(rank))
        {
            File.Delete(Path.Combine(below, RunRecord.FileName));
            Assert.Equal(RunKind.RankedArchitecture, FolderContents.Of(below).Kind);
        }
        Assert.Equal(0, InProcess.Run(runs.Command("rank", rank)).Code);
    }

    [Fact]
    public void A_search_that_names_its_supernet_by_path_goes_on()
    {
        string folder = runs.CopyOf("search"), file = Path.Combine(folder, "search.json");
        JsonObject state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        state.Remove("Data");
        state["Options"]!["checkpoint"] = $"/where it/was once.spos {state["Options"]!["checkpoint"]}";
        File.WriteAllText(file, state.ToJsonString());
        Outcome outcome = InProcess.Run(runs.Command("search", folder));
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("4 are known already", outcome.Output, StringComparison.Ordinal);
        state["Options"]!["checkpoint"] = $"/where it/was once.spos {new string('A', 64)}";
        File.WriteAllText(file, state.ToJsonString());
        Assert.Contains("--checkpoint", InProcess.Run(runs.Command("search", folder)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_that_tells_no_sizes_has_them_from_its_supernet_or_asks_for_them()
    {
        string folder = runs.CopyOf("search"), file = Path.Combine(folder, RunRecord.FileName);
        JsonObject record = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        record.Remove("network");
        File.WriteAllText(file, record.ToJsonString());
        Assert.Equal(
            [16, 24, 32, 48],
            NetworkOrigin.OfArchitecture(folder, "--architecture", sizesAreGiven: false, _ => { }).Origin!.Network.StageChannels);
        record["options"]!["checkpoint"] = "gone";
        File.WriteAllText(file, record.ToJsonString());
        Assert.Contains(
            "--stage-channels",
            Assert.Throws<UsageException>(
                () => NetworkOrigin.OfArchitecture(folder, "--architecture", sizesAreGiven: false, _ => { })).Message,
            StringComparison.Ordinal);
        Assert.Null(NetworkOrigin.OfArchitecture(folder, "--architecture", sizesAreGiven: true, _ => { }).Origin);
    }

    [Fact]
    public void A_search_of_blocks_that_only_a_newer_version_knows_is_refused_by_its_record()
    {
        string folder = runs.CopyOf("search"), file = Path.Combine(folder, RunRecord.FileName);
        JsonObject record = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        record["network"]!["blocks"] = "shuffle-v9";
        File.WriteAllText(file, record.ToJsonString());
        var refused = Assert.Throws<UsageException>(
            () => NetworkOrigin.OfArchitecture(folder, "--architecture", sizesAreGiven: false, _ => { }));
        Assert.Contains($"{file}: the network has the blocks 'shuffle-v9'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("search", "search.json")]
    [InlineData("rank", "rank.json")]
    public void Scores_of_before_there_were_precisions_are_of_fp32(string verb, string name)
    {
        string folder = runs.CopyOf(verb), file = Path.Combine(folder, name);
        JsonObject state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.Equal("fp32", state["Options"]!["precision"]!.GetValue<string>());
        state["Options"]!.AsObject().Remove("precision");
        File.WriteAllText(file, state.ToJsonString());
        Outcome refused = InProcess.Run([.. runs.Command(verb, folder), "--precision", "bf16"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains($"{file} was made with --precision fp32, not bf16.", refused.Error, StringComparison.Ordinal);
        Outcome outcome = InProcess.Run(runs.Command(verb, folder));
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    [Theory]
    [InlineData("search", "search.json")]
    [InlineData("rank", "rank.json")]
    public void Scores_of_before_there_were_limits_of_parameters_have_none(string verb, string name)
    {
        string folder = runs.CopyOf(verb), file = Path.Combine(folder, name);
        JsonObject state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        foreach (string option in new[] { "flops-lb", "params-limit", "params-lb", "latency-limit", "latency-lb", "search-space" })
        {
            Assert.Equal("", state["Options"]![option]!.GetValue<string>());
            state["Options"]!.AsObject().Remove(option);
        }
        File.WriteAllText(file, state.ToJsonString());
        Outcome refused = InProcess.Run([.. runs.Command(verb, folder), "--params-limit", "1M"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains($"{file} was made with --params-limit (unset), not 1000000.", refused.Error, StringComparison.Ordinal);
        Outcome outcome = InProcess.Run(runs.Command(verb, folder));
        Assert.True(outcome.Code == 0, outcome.Error);
        if (verb == "search") Assert.Matches(@"parameters +\d+\.\d+M", outcome.Output);
    }

    [Fact]
    public void Searches_of_before_there_were_predictors_have_none()
    {
        string folder = runs.CopyOf("search"), file = Path.Combine(folder, "search.json");
        JsonObject state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        foreach (string option in new[] { "predictor", "predictor-pool" })
        {
            Assert.Equal("", state["Options"]![option]!.GetValue<string>());
            state["Options"]!.AsObject().Remove(option);
        }
        File.WriteAllText(file, state.ToJsonString());
        Outcome refused = InProcess.Run([.. runs.Command("search", folder), "--predictor", "ridge"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains($"{file} was made with --predictor (unset), not ridge.", refused.Error, StringComparison.Ordinal);
        Outcome outcome = InProcess.Run(runs.Command("search", folder));
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    [Fact]
    public void Runs_before_there_were_decoders_go_on_with_the_one_that_there_was()
    {
        KeptOptions By(JpegDecoder decoder) => new(DeclaredOption.Record(new SupernetVerb { Decoder = decoder }), []);
        void Require(IReadOnlyDictionary<string, string> before, JpegDecoder now) => By(now).Require("file", before, anyPictures: false);
        foreach (string? earlier in new[] { null, "" })
        {
            var before = new Dictionary<string, string>(By(JpegDecoder.Spos).Values);
            before.Remove(KeptOptions.DecoderOption);
            if (earlier != null) before[KeptOptions.DecoderOption] = earlier;
            Require(before, JpegDecoder.Spos);
            Assert.Contains(
                "--decoder spos, not nvjpeg", Assert.Throws<UsageException>(() => Require(before, JpegDecoder.NvJpeg)).Message,
                StringComparison.Ordinal);
        }
        Require(By(JpegDecoder.NvJpeg).Values, JpegDecoder.NvJpeg);
        foreach ((JpegDecoder before, JpegDecoder now) in new[]
        {
            (JpegDecoder.Spos, JpegDecoder.NvJpeg), (JpegDecoder.NvJpeg, JpegDecoder.Spos),
        })
        {
            string message = Assert.Throws<UsageException>(() => Require(By(before).Values, now)).Message;
            Assert.Contains($"--decoder {before}, not {now}".ToLowerInvariant(), message, StringComparison.Ordinal);
        }
    }
}
