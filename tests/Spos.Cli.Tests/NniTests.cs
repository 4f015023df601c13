using System.Text;
using System.Text.Json;
using Spos.Cli.Nni;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Space;

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
    public void A_trial_command_keeps_the_limits_that_NNI_does_not_know()
    {
        var verb = new SearchVerb { FlopsLb = 290e6, ParamsLimit = 3.4e6, ParamsLb = 3e6 };
        (string, string?)[] options =
            [.. TrialCommand.Read(TrialCommand.Write(RunRecord.OptionsOf(DeclaredOption.Record(verb))), Path.GetTempPath())];
        Assert.Contains(("flops-lb", "290000000"), options);
        Assert.Contains(("params-limit", "3400000"), options);
        Assert.Contains(("params-lb", "3000000"), options);
    }

    [Fact]
    public void The_examples_files_drive_a_search_and_a_training()
    {
        string config = Write("config_search.yml", Config()), first = fixture.At("by-config"), second = fixture.At("by-options");
        Assert.Contains("spos search-space", PipelineFixture.Expect(2, "search", "--config", config).Error, StringComparison.Ordinal);
        string space = fixture.At("nni_auto_gen_search_space.json");
        PipelineFixture.Expect(0, "search-space", "--checkpoint", fixture.At("supernet"), "--file", space);
        using (JsonDocument document = JsonDocument.Parse(File.ReadAllText(space)))
        {
            Assert.Equal(
                ["LayerChoice1", "LayerChoice2", "LayerChoice3", "LayerChoice4", "LayerChoice5"],
                document.RootElement.EnumerateObject().Select(p => p.Name));
            JsonElement choice = document.RootElement.GetProperty("LayerChoice5");
            Assert.Equal("layer_choice", choice.GetProperty("_type").GetString());
            Assert.Equal(["0", "1", "2", "3"], choice.GetProperty("_value").EnumerateArray().Select(v => v.GetString()!));
        }

        PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", first);
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", second,
            "--max-epochs", "2", "--num-select", "3", "--num-population", "6", "--num-crossover", "2", "--num-mutation", "2",
            "--train-iters", "2", "--train-batch-size", "8", "--spos-preprocessing");
        foreach (string file in new[]
        {
            "search.json", "architecture_final.json", "checkpoints/000_005.json", "checkpoints/001_002.json", "checkpoints/002_000.json",
        })
        {
            Assert.Equal(File.ReadAllText(Path.Combine(second, file)), File.ReadAllText(Path.Combine(first, file)));
        }
        Assert.Equal(6 + 3 + 3, Directory.GetFiles(Path.Combine(first, "checkpoints")).Length);
        SearchSpace blocks = new NetworkSpec { StageRepeats = [1, 1, 2, 1] }.Space;
        Architecture Read(string file) => ArchitectureFile.Read(Path.Combine(first, file), blocks);
        Assert.Equal(Read("architecture_final.json"), Read("checkpoints/002_000.json"));

        // What a search writes repeats it; an option on the command line wins.
        string again = fixture.At("by-own-config");
        PipelineFixture.Expect(0, "search", "--config", Path.Combine(first, "config_search.yml"), "--output-dir", again);
        Assert.Equal(File.ReadAllText(Path.Combine(first, "search.json")), File.ReadAllText(Path.Combine(again, "search.json")));
        Outcome shorter = PipelineFixture.Expect(
            0, "search", "--config", config, "--output-dir", fixture.At("shorter"), "--max-epochs", "1");
        Assert.Matches("candidates +6", shorter.Output);

        string architecture = Path.Combine(first, "architecture_final.json");
        Outcome trained = PipelineFixture.Expect(
            0,
            [
                "scratch", .. fixture.Network, "--fixed-arc", architecture, "--epochs", "1", "--lr-decay", "cosine",
                "--tb-dir", fixture.At("tb"), "--output-dir", fixture.At("retrained"),
            ]);
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
    [InlineData("", "", "--seed --workers 2", "--seed lacks its value")]
    [InlineData("", "", "--seed ''", "--seed lacks its value")]
    [InlineData("", "", "--spos-prep=False", "--spos-preprocessing takes no value")]
    [InlineData("", "", "--checkpoint $HOME/supernet", "'$' is for a shell")]
    [InlineData("", "", "--checkpoint ~/supernet", "'~' is for a shell")]
    [InlineData("", "", "; rm -rf /", "';' is for a shell")]
    [InlineData("", "", "2>&1", "'>' is for a shell")]
    [InlineData("", "", "supernet", "'supernet' is not an option")]
    [InlineData("multiPhase: true", "", "", "multiPhase true: only false")]
    [InlineData("", "max_epochs: [1]", "", "unknown field tuner.max_epochs")]
    [InlineData(
        "logDir: !!python/object/apply:os.system [ls]", "", "", "the tag tag:yaml.org,2002:python/object/apply:os.system is not read")]
    [InlineData("logDir: !local x", "", "", "the tag !local is not read")]
    [InlineData("a: &a x", "b: *a", "", "aliases (*name) are not read")]
    [InlineData("a: &a [*a]", "", "", "aliases (*name) are not read")]
    [InlineData("? [a, b]\n: c", "", "", "a field's name is a list or a mapping")]
    [InlineData("\"a\\e[2J\": c", "", "", "unknown field a\\u001b[2J")]
    [InlineData("--- x", "", "", "line")]
    [InlineData("tuner: {className: \"x\\0\"}", "", "", "line")]
    [InlineData("trainingServicePlatform: pai", "", "", "trainingServicePlatform is there twice")]
    [InlineData("retries: [1, {a: [2]}]", "", "", "unknown field retries")]
    [InlineData("deep: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "", "", "deeper")]
    [InlineData("a: &a [x]", "b: *nowhere", "", "aliases")]
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
            maxTrialNum: 1000
            tuner:
              builtinTunerName: Random
              classArgs: {max_epochs: 1000, num_population: 2, num_select: 2, num_crossover: 0, num_mutation: 0}
            trial: {command: spos search --imagenet-dir data --checkpoint supernet --train-iters 10 --train-batch-size 8 --select-on val}
            """);
        Outcome outcome = PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", fixture.At("random"));
        Assert.Contains("ended after --max-duration 1s", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(
            "builtinTunerName: Random", File.ReadAllText(Path.Combine(fixture.At("random"), "config_search.yml")),
            StringComparison.Ordinal);
    }

    // Of NNI v1.9: the fields that tools/nni_cmd/config_schema.py knows and that change nothing here, YAML 1.1's words for false, and
    // options of examples/nas/spos/tester.py as argparse reads them: --se is --seed, and the last of two counts.
    [Fact]
    public void Fields_and_options_are_read_as_NNI_reads_them()
    {
        string config = Write("idle.yml", $$"""
            authorName: somebody
            experimentName: x
            description: y
            trialConcurrency: 1
            trainingServicePlatform: local
            useAnnotation: off
            multiPhase: no
            multiThread: false
            nniManagerIp: 127.0.0.1
            logDir: /nowhere
            debug: true
            versionCheck: false
            logLevel: info
            logCollection: none
            localConfig: {gpuIndices: "0", maxTrialNumPerGpu: 1, useActiveGpu: true}
            tuner:
              codeDir: .
              classFileName: tuner.py
              className: EvolutionWithFlops
              includeIntermediateResults: false
              gpuIndices: 0
              classArgs: {max_epochs: 1, num_population: 2, num_select: 2, num_crossover: 0, num_mutation: 0, flops_limit: 330E6}
            trial:
              command: |
                CUDA_VISIBLE_DEVICES=0 python3 tester.py --spos-prep --checkpoint 'super'"net" --imag data --se 1 --se 3 \
                  --train-i 2 --train-b 8 --log-freq 5 --precision bf16
              codeDir: .
              gpuNum: 1
              nasMode: classic_mode
            """);
        string by = fixture.At("idle");
        PipelineFixture.Expect(0, "search", "--config", config, "--output-dir", by);
        string command = File.ReadAllLines(Path.Combine(by, "config_search.yml"))
            .Single(line => line.Contains("command:", StringComparison.Ordinal));
        Assert.Contains(
            $"--imagenet-dir {fixture.Data} --checkpoint {fixture.At("supernet")} --spos-preprocessing --seed 3 ", command,
            StringComparison.Ordinal);
        Assert.Contains("--train-batch-size 8 --train-iters 2", command, StringComparison.Ordinal);
        Assert.Contains("--plan fused --precision bf16", command, StringComparison.Ordinal);
    }

    // A value stays one, whatever it looks like.
    [Fact]
    public void A_value_is_never_an_option()
    {
        string config = Write(
            "option.yml",
            "tuner: {classArgs: {max_epochs: --restart}}\ntrial: {command: spos search --imagenet-dir data --checkpoint supernet}\n");
        Assert.Contains(
            "--max-epochs", PipelineFixture.Expect(2, "search", "--config", config, "--output-dir", fixture.At("option")).Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dev/zero", "not a regular file")]
    [InlineData("a folder", "this is a folder")]
    [InlineData("not UTF-8", "not text in UTF-8")]
    [InlineData("UTF-16", "not text in UTF-8")]
    [InlineData("large", "larger than")]
    [InlineData("deep", "deeper than 16")]
    [InlineData("deep blocks", "deeper than 16")]
    [InlineData("many names", "line 1: f0 is no option and no command of spos")]
    [InlineData("many anchors", "the file is a list")]
    [InlineData("many documents", "line 3: the file has a second document")]
    [InlineData("many questions", "line 1")]
    [InlineData("one scalar", "line 1: this is a text without a name")]
    [InlineData("empty", "this file is empty")]
    public void Hostile_configurations_end_in_a_line_at_once(string what, string named)
    {
        const int size = 1_000_000;
        string Many(string part) => string.Concat(Enumerable.Repeat(part, size / part.Length));
        byte[]? bytes = what switch
        {
            "/dev/zero" or "a folder" => null,
            "not UTF-8" => [0x61, 0x3a, 0x20, 0xff],
            "UTF-16" => [0xff, 0xfe, .. Encoding.Unicode.GetBytes("a: b")],
            "large" => Encoding.UTF8.GetBytes(Many("# a comment\n").PadRight(2 * size)),
            "deep" => Encoding.UTF8.GetBytes($"a: {Many("[")}"),
            "deep blocks" => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 1000).Select(i => $"{new string(' ', i)}a:\n"))),
            "many names" => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 60_000).Select(i => $"f{i}: {i}\n"))),
            "many anchors" => Encoding.UTF8.GetBytes($"[{string.Concat(Enumerable.Range(0, 60_000).Select(i => $"&a{i} x, "))}]"),
            "many documents" => Encoding.UTF8.GetBytes(Many("---\na: b\n")),
            "many questions" => Encoding.UTF8.GetBytes(Many("? ")),
            "one scalar" => Encoding.UTF8.GetBytes(Many("x")),
            _ => [],
        };
        string config = what == "/dev/zero" ? what : fixture.At("hostile.yml");
        if (what == "a folder") config = fixture.Folder;
        if (bytes != null) File.WriteAllBytes(config, bytes);
        Outcome outcome = PipelineFixture.Expect(2, "search", "--config", config);
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.InRange(outcome.Error.Length, 1, 2000);
    }

    [Fact]
    public void Another_search_space_is_refused()
    {
        string space = Write("space.json", """{"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2"]}}""");
        Outcome outcome = PipelineFixture.Expect(2, "search", "--checkpoint", fixture.At("supernet"), "--search-space", space);
        Assert.Contains("LayerChoice2 is missing", outcome.Error, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = fixture.At(name);
        File.WriteAllText(path, text);
        return path;
    }
}
