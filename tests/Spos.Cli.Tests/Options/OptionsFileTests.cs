using System.Numerics;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Runs.Folders;

namespace Spos.Cli.Tests.Options;

/// <summary>Files of options, which every verb takes by --config.</summary>
public sealed class OptionsFileTests : IDisposable
{
    private const string Photos = """
        # Options of all commands, then those of each.
        imagenet-dir: photos
        image_size: 96
        stage-repeats: [2, 2, 4, 2]
        workers: 3
        resume: yes
        supernet:
          epochs: 30
          workers: 4
          resume: false
        search:
          checkpoint: /runs/supernet
        scratch:
          architecture: 0 1 2 3
          output-dir: ../runs
        eval:
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    [Fact]
    public void One_file_serves_several_verbs()
    {
        string file = Write(Photos);
        var supernet = Verb<SupernetVerb>("supernet", "--config", file);
        Assert.Equal(Path.Combine(_folder, "photos"), supernet.ImagenetDir);
        Assert.Equal((96, 30, 4), (supernet.ImageSize, supernet.Epochs, supernet.Workers));
        Assert.Equal([2, 2, 4, 2], supernet.StageRepeats);
        Assert.False(supernet.Resume);
        // It has no --image-size, and what others are given changes nothing.
        var search = Verb<SearchVerb>("search", "--config", file);
        Assert.Equal(("/runs/supernet", 3, 20), (search.CheckpointPath, search.Workers, search.MaxEpochs));
        Assert.True(search.Resume);
        var scratch = Verb<ScratchVerb>("scratch", "--config", file);
        Assert.Equal(("0 1 2 3", Path.Combine(_folder, "../runs")), (scratch.ArchitectureText, scratch.OutputDir));
        Assert.Equal((240, 96), (scratch.Epochs, scratch.ImageSize));
        Assert.Equal("runs/scratch", Verb<EvalVerb>("eval", "--config", file).CheckpointPath);
    }

    [Fact]
    public void The_command_line_wins_over_a_file_and_a_verbs_section_over_what_is_for_all()
    {
        string file = Write("epochs: 1\nbatch-size: 8\nsupernet: {epochs: 2}");
        var verb = Verb<SupernetVerb>("supernet", "--batch-size=16", "--config", file);
        Assert.Equal((2, 16), (verb.Epochs, verb.BatchSize));
        Assert.Equal(3, Verb<SupernetVerb>("supernet", "--config", file, "--epochs", "3").Epochs);
        Assert.Equal(1, Verb<ScratchVerb>("scratch", "--config", file).Epochs);
    }

    // Else a run that goes on by its record would have what the file says since, in place of what the command line said.
    [Fact]
    public void A_record_has_the_options_as_if_they_were_given_on_the_command_line()
    {
        string file = Write("jitter: 0.1\nsupernet: {epochs: 7, seed: 3}");
        var options = RunRecord.OptionsOf(DeclaredOption.Record(Verb<SupernetVerb>("supernet", "--config", file, "--jitter", "0.4")));
        Assert.Equal(("7", "3", "0.4", null), (options["epochs"], options["seed"], options["jitter"], options["config"]));
    }

    [Fact]
    public void A_file_with_sizes_of_a_network_shows_that_network()
    {
        string file = Write("image-size: 96\nstage-repeats: [2, 2, 4, 2]\nblocks: shuffle-v2+\n");
        Assert.Matches(@"features\.9 +any of 8 +640×3×3 ", PipelineFixture.Expect(0, "summary", "--config", file).Output);
        Assert.Matches($"in all +{BigInteger.Pow(8, 10)},", PipelineFixture.Expect(0, "sample", "--config", file, "--samples", "1").Output);
        string space = Path.Combine(_folder, "space.json");
        PipelineFixture.Expect(0, "search-space", "--config", file, "--file", space);
        Assert.Contains("LayerChoice10", File.ReadAllText(space), StringComparison.Ordinal);
        Assert.DoesNotContain("LayerChoice11", File.ReadAllText(space), StringComparison.Ordinal);
        string odd = Write("stage-channels: [64, 160, 320, 641]");
        Assert.Contains("--stage-channels", PipelineFixture.Expect(2, "summary", "--config", odd).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_verb_takes_a_file()
    {
        Assert.All(Program.Verbs, verb => Assert.Contains(DeclaredOption.Of(verb), option => option.Name == "--config"));
        Assert.Equal(2, Verb<PredictVerb>("predict", "cat.jpg", "--config", Write("predict:\n  top: 2\n")).Top);
        Assert.Equal(5, Verb<DatasetVerb>("dataset", "make", "--config", Write("dataset: {train: 5}")).Train);
    }

    [Fact]
    public void Paths_are_relative_to_the_files_folder()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "below"));
        string file = Path.Combine(_folder, "below", "options.yml");
        File.WriteAllText(file, "checkpoint: ../a\noutput-dir: b\ntb-dir: /c\n");
        var verb = Verb<SearchVerb>("search", "--config", file);
        Assert.Equal(
            (Path.Combine(_folder, "below/../a"), Path.Combine(_folder, "below/b"), "/c"),
            (verb.CheckpointPath, verb.OutputDir, verb.TbDir));
    }

    [Theory]
    [InlineData("image-sise: 96", "line 1: image-sise is no option and no command of spos. Did you mean image-size?")]
    [InlineData("seed: 1\nsupernett: {}", "line 2: supernett is no option and no command of spos. Did you mean supernet?")]
    [InlineData("supernet:\n  max-epochs: 3", "line 2: max-epochs is no option of spos supernet.")]
    [InlineData("supernet:\n  epoch: 3", "line 2: epoch is no option of spos supernet. Did you mean epochs?")]
    [InlineData("scratch:\n  epoch: 3", "line 2: epoch is no option of spos scratch. Did you mean epochs?")]
    [InlineData("epochs: 3\nepochs: 4", "line 2: epochs is there twice.")]
    [InlineData("seed: 1\nsupernet:\n\tepochs: 3\n", "line 3: it begins with a tab; fields are moved to the right by blanks alone.")]
    [InlineData("supernet:\n  epochs: 3\n\tseed: 1\n", "line 3: it begins with a tab")]
    [InlineData("- seed: 1\n- epochs: 3\n", "line 1: the file is a list; fields are needed, such as seed: 42")]
    [InlineData("# all\njust words\n", "line 2: this is a text without a name; fields are needed")]
    [InlineData("# nothing\n", "it has no fields, only comments or blanks.")]
    [InlineData("seed: 1\n---\nepochs: 2\n", "line 2: the file has a second document (---)")]
    [InlineData("seed: \"abc\nepochs: 3\n", "line 1: the quote that opens is not closed in this line.")]
    [InlineData("stage-repeats: [1, 2\nepochs: 3\n", "line 1: the [ that opens is not closed in this line.")]
    [InlineData("seed: {a: 1\n", "line 1: the { that opens is not closed in this line.")]
    [InlineData("seed: 1\n epochs: 3\n", "line 2: it does not fit the lines above.")]
    [InlineData("supernet:\n  epochs: 3\n seed: 1\n", "line 3: it does not fit the lines above.")]
    [InlineData("blocks: a: b\n", "line 1: a value with a colon and a blank in it is not read: put it in quotes.")]
    [InlineData("seed 1\nepochs: 3\n", "line 1: a field is its name, a colon, a blank and its value.")]
    [InlineData("imagenet-dir: @x\n", "line 1: a value that begins with @ is not read: put it in quotes.")]
    [InlineData("seed: 1 # note: x\n epochs: 3\n", "line 2: it does not fit the lines above.")]
    [InlineData("stage-repeats: [1, 2 # a ] b\nepochs: 3\n", "line 1: the [ that opens is not closed in this line.")]
    [InlineData("imagenet-dir: \"a # b\n", "line 1: the quote that opens is not closed in this line.")]
    [InlineData("imagenet-dir: \"C:\\dir\"\n", "line 1: in double quotes \\ begins a code: use single quotes.")]
    [InlineData("seed: 1\nimagenet-dir: \"a\\tb\\qc\"\n", "line 2: in double quotes \\ begins a code: use single quotes.")]
    [InlineData("seed: 1\nimagenet-dir: \"\\xzz\"\n", "line 2: While scanning a quoted scalar, did not find expected hexadecimal number.")]
    [InlineData("seed: 1\nimagenet-dir: 'a' b\n", "line 2: While parsing a block mapping, did not find expected key.")]
    [InlineData("supernet:\n  imagenet-dir: 'a' b\n", "line 2: While parsing a block mapping, did not find expected key.")]
    [InlineData("batch-size: 8\nbatch_size: 8", "line 2: batch-size is there twice")]
    [InlineData("epochs: many", ", line 1: --epochs many: this is not a number")]
    [InlineData("seed: 1\nsupernet:\n  # more\n  epochs: 0", ", line 4: --epochs 0: 1 to 100000 are possible.")]
    [InlineData("scratch:\n  lr-decay: sine", ", line 2: --lr-decay sine: ")]
    [InlineData("epochs:", "line 1: epochs has no value. Leave it out to have the default.")]
    [InlineData("epochs: ~", "line 1: epochs has no value")]
    [InlineData("epochs: [3]", "epochs is not a single value (line 1)")]
    [InlineData("epochs: {a: 3}", "epochs is not a single value (line 1)")]
    [InlineData("stage-repeats: [1, [2], 3, 4]", "an item of stage-repeats is not a single value (line 1)")]
    [InlineData("stage-repeats: [1, 2, 3]", "--stage-repeats 1,2,3: 4 numbers")]
    [InlineData("resume: perhaps", "line 1: resume is true or false, and not perhaps.")]
    [InlineData("supernet: 3", "line 1: supernet is a command, whose options stand below")]
    [InlineData("supernet: [epochs]", "line 1: supernet is a command, whose options stand below")]
    [InlineData("config: other.yml", "line 1: a file of options cannot name another one")]
    [InlineData("predict: {pictures: cat.jpg}", "line 1: pictures is no option of spos predict.")]
    [InlineData("trialConcurrency: 2", "this is NNI's configuration of a search, which spos search reads.")]
    [InlineData("seed: &a 3\nepochs: *a", "aliases (*name) are not read")]
    [InlineData("seed: !!python/object:os.system 3", "is not read")]
    [InlineData("imagenet-dir: \"a\\eb\"", "imagenet-dir has a control character (line 1)")]
    public void What_is_not_understood_is_named_with_its_line(string text, string named)
    {
        string file = Write(text), refusal = Refusal("supernet", "--config", file);
        Assert.StartsWith($"--config {file}", refusal, StringComparison.Ordinal);
        Assert.Contains(named, refusal, StringComparison.Ordinal);
    }

    // Only of commands that the file names: a value for all may suit some and not others.
    [Fact]
    public void A_value_for_all_is_checked_for_the_commands_that_are_named()
    {
        string file = Write("format: json");
        Assert.Equal(PredictionFormat.Json, Verb<PredictVerb>("predict", "x.jpg", "--config", file).Format);
        string refusal = Refusal("supernet", "--config", Write("format: json\nexport:\n"));
        Assert.Contains(", line 1: --format json: ", refusal, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static T Verb<T>(params string[] arguments) =>
        Assert.IsType<T>(Assert.IsType<Request.Run>(RequestReader.Read(arguments, Program.Verbs)).Verb);

    private static string Refusal(params string[] arguments) =>
        Assert.Throws<UsageException>(() => RequestReader.Read(arguments, Program.Verbs)).Message;

    private string Write(string text)
    {
        string path = Path.Combine(_folder, "options.yml");
        File.WriteAllText(path, text);
        return path;
    }
}
