using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>What users of NNI's SPOS example have: its configuration, search space and architectures.</summary>
public sealed class NniTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    // The fields of the example's config_search.yml, with a smaller search.
    private static string Config(string more = "", string tuner = "", string command = "") => $"""
        authorName: somebody
        experimentName: small search
        trialConcurrency: 2
        maxExecDuration: 7d
        maxTrialNum: 99999
        trainingServicePlatform: local
        searchSpacePath: nni_auto_gen_search_space.json
        useAnnotation: False
        {more}
        tuner:
          codeDir: .
          classFileName: tuner.py
          className: EvolutionWithFlops
          {tuner}
          classArgs:
            max_epochs: 2
            num_select: 3
            num_population: 6
            m_prob: 0.1
            num_crossover: 2
            num_mutation: 2
        trial:
          command: python tester.py --imagenet-dir "data" --spos-prep --checkpoint supernet --train-iters=2 --train-batch-size 8 {command}
          codeDir: .
          gpuNum: 1
        """;

    [Fact]
    public void The_examples_files_drive_a_search_and_a_training()
    {
        string config = Write("config_search.yml", Config()), first = fixture.At("by-config"), second = fixture.At("by-options");
        Assert.Contains("spos search-space", PipelineFixture.Expect(2, "search", "--config", config).Error, StringComparison.Ordinal);
        string space = fixture.At("nni_auto_gen_search_space.json");
        PipelineFixture.Expect(0, "search-space", "--checkpoint", fixture.At("supernet"), "--file", space);
        using (JsonDocument document = JsonDocument.Parse(File.ReadAllText(space)))
        {
            Assert.Equal(["LayerChoice1", "LayerChoice2", "LayerChoice3", "LayerChoice4", "LayerChoice5"], document.RootElement.EnumerateObject().Select(p => p.Name));
            JsonElement choice = document.RootElement.GetProperty("LayerChoice5");
            Assert.Equal("layer_choice", choice.GetProperty("_type").GetString());
            Assert.Equal(["0", "1", "2", "3"], choice.GetProperty("_value").EnumerateArray().Select(v => v.GetString()!));
        }

        PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", first);
        PipelineFixture.Expect(0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", second, "--max-epochs", "2", "--num-select", "3", "--num-population", "6", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "2", "--train-batch-size", "8", "--spos-preprocessing");
        foreach (string file in new[] { "search.json", "architecture_final.json", "checkpoints/000_005.json", "checkpoints/001_002.json", "checkpoints/002_000.json" })
        {
            Assert.Equal(File.ReadAllText(Path.Combine(second, file)), File.ReadAllText(Path.Combine(first, file)));
        }
        Assert.Equal(6 + 3 + 3, Directory.GetFiles(Path.Combine(first, "checkpoints")).Length);
        Assert.Equal(File.ReadAllText(Path.Combine(first, "architecture_final.json")), File.ReadAllText(Path.Combine(first, "checkpoints/002_000.json")));

        // What a search writes repeats it; an option on the command line wins.
        string again = fixture.At("by-own-config");
        PipelineFixture.Expect(0, "search", "--config", Path.Combine(first, "config_search.yml"), "--output-dir", again);
        Assert.Equal(File.ReadAllText(Path.Combine(first, "search.json")), File.ReadAllText(Path.Combine(again, "search.json")));
        Outcome shorter = PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", fixture.At("shorter"), "--max-epochs", "1");
        Assert.Matches("candidates +6", shorter.Output);

        string architecture = Path.Combine(first, "architecture_final.json");
        Outcome trained = PipelineFixture.Expect(0, ["scratch", .. fixture.Network, "--fixed-arc", architecture, "--epochs", "1", "--lr-decay", "cosine", "--tb-dir", fixture.At("tb"), "--output-dir", fixture.At("retrained")]);
        Assert.Contains("top-1 on val", trained.Output, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(fixture.At("tb"), "events.out.tfevents.*"));
    }

    [Theory]
    [InlineData("assessor: none", "", "", "unknown field assessor")]
    [InlineData("", "seed: 3", "", "unknown field tuner.seed")]
    [InlineData("", "", "--fancy 3", "unknown option --fancy")]
    [InlineData("", "", "--train 3", "--train could be --train-batch-size or --train-iters")]
    [InlineData("", "", "--seed", "--seed lacks its value")]
    [InlineData("", "", "'x", "does not end")]
    [InlineData("trainingServicePlatform: pai", "", "", "line 9")]
    [InlineData("debug: [1, {a: [2]}]", "", "", "unknown field debug")]
    [InlineData("deep: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "", "", "deeper")]
    [InlineData("a: &a [x]", "b: *nowhere", "", "line")]
    public void What_is_not_understood_is_named(string more, string tuner, string command, string named)
    {
        string config = Write("wrong.yml", Config(more, tuner, command));
        Outcome outcome = PipelineFixture.Expect(2, "search", "--config", config);
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Contains("wrong.yml", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Random_search_and_an_end_by_time_can_be_written_down()
    {
        string config = Write("random.yml", """
            maxExecDuration: 1s
            maxTrialNum: 250
            tuner: {builtinTunerName: Random, classArgs: {max_epochs: 1000, num_population: 2, num_select: 2, num_crossover: 0, num_mutation: 0}}
            trial: {command: spos search --imagenet-dir data --checkpoint supernet --train-iters 10 --train-batch-size 8 --select-on val}
            """);
        Outcome outcome = PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", fixture.At("random"));
        Assert.Contains("ended after --max-duration 1s", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("builtinTunerName: Random", File.ReadAllText(Path.Combine(fixture.At("random"), "config_search.yml")), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_search_space_is_refused()
    {
        string space = Write("space.json", """{"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2"]}}""");
        Outcome outcome = PipelineFixture.Expect(2, "search", "--checkpoint", fixture.At("supernet"), "--search-space", space);
        Assert.Contains("LayerChoice1._value is not a list of 4", outcome.Error, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = fixture.At(name);
        File.WriteAllText(path, text);
        return path;
    }
}
