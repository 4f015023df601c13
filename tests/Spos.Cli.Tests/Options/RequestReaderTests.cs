using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Engine.Ops.Convolutions;
using Spos.Space;

namespace Spos.Cli.Tests.Options;

/// <summary>Command lines as people and scripts write them.</summary>
public sealed class RequestReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    [Fact]
    public void Values_follow_their_options_or_an_equals_sign()
    {
        var verb = Verb<SupernetVerb>(
            "supernet", "--epochs", "1e2", "--learning-rate=.25", "--total-iters", "150k", "--plan", "UNFUSED", "--flops-lb=290M",
            "--stage-channels", "32, 80,160,320", "--resume");
        Assert.Equal(100, verb.Epochs);
        Assert.Equal(0.25f, verb.LearningRate);
        Assert.Equal(150_000, verb.TotalIters);
        Assert.Equal(ConvolutionPlan.Unfused, verb.Plan);
        Assert.Equal(290e6, verb.FlopsLb);
        Assert.Equal([32, 80, 160, 320], verb.StageChannels);
        Assert.True(verb.Resume);
        Assert.Equal(768, verb.BatchSize);
    }

    [Fact]
    public void Options_may_be_shortened_as_long_as_they_are_told_apart()
    {
        var verb = Verb<SearchVerb>("search", "--spos-prep", "--image", "data", "--max-e=3", "--strat", "random");
        Assert.True(verb.SposPreprocessing);
        Assert.Equal("data", verb.ImagenetDir);
        Assert.Equal(3, verb.MaxEpochs);
        Assert.Equal(SearchStrategy.Random, verb.Strategy);
        // A whole name is that option, even if another begins with it.
        Assert.Equal(5, Verb<DatasetVerb>("dataset", "make", "--train", "5").Train);
        Assert.Contains("--max-epochs or --max-trials or --max-duration", Refusal("search", "--max", "3"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_switch_given_twice_says_what_it_says_given_once()
    {
        var verb = Verb<BenchVerb>("bench", "step", "--sync", "--alone", "--syn", "--sync");
        Assert.True(verb.Synchronous && verb.Alone);
        Assert.True(Verb<SupernetVerb>("supernet", "--resume", "--resume").Resume);
    }

    [Fact]
    public void Paths_may_begin_with_dashes_and_blanks()
    {
        Assert.Equal("-x", Verb<SupernetVerb>("supernet", "--imagenet-dir", "-x").ImagenetDir);
        Assert.Equal("--x=y", Verb<SupernetVerb>("supernet", "--imagenet-dir=--x=y").ImagenetDir);
        Assert.Equal(" a b", Verb<SupernetVerb>("supernet", "--imagenet-dir", " a b").ImagenetDir);
        Assert.Equal("kernels", Verb<BenchVerb>("bench", "--top", "3", "--", "kernels").What);
        Assert.Contains("--x is not an option", Refusal("bench", "kernels", "--", "--x"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("m_prob: 0,1", "--m-prob 0,1: this is not a number")]
    [InlineData("m_prob: .nan", "--m-prob .nan: this is not a number")]
    [InlineData("max_epochs: 0x10", "--max-epochs 0x10: this is not a number")]
    [InlineData("num_population: 1e400", "--num-population 1e400: 2 to 100000 are possible")]
    [InlineData("flops_limit: 330X", "--flops-limit 330X: this is not a number")]
    public void Fields_of_a_configuration_are_read_by_the_same_rules(string field, string refusal)
    {
        string config = Config($"tuner:\n  classArgs:\n    {field}");
        Assert.Contains($"--config {config}: {refusal}", Refusal("search", "--config", config), StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_line_wins_over_a_configuration()
    {
        string config = Config("trialConcurrency: 3\ntuner: {classArgs: {max_epochs: 7, flops_limit: 0.33G}}");
        var verb = Verb<SearchVerb>("search", "--max-ep", "2", "--conf", config);
        Assert.Equal(2, verb.MaxEpochs);
        Assert.Equal(3, verb.Concurrency);
        Assert.Equal(330e6, verb.FlopsLimit);
    }

    [Fact]
    public void Every_option_of_every_verb_says_what_it_takes()
    {
        foreach (Type verb in Program.Verbs)
        {
            Assert.All(DeclaredOption.Of(verb), option => Assert.Equal(option.Type == typeof(bool), option.IsFlag));
        }
    }

    [Fact]
    public void Defaults_are_within_what_options_take()
    {
        foreach (DeclaredOption option in Program.Verbs.SelectMany(DeclaredOption.Of)
            .Where(o => o is { Default: not null, IsFlag: false, Rule: not PathRule }))
        {
            option.Rule!.Read(option.Default!, option.Type);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static T Verb<T>(params string[] arguments) =>
        Assert.IsType<T>(Assert.IsType<Request.Run>(RequestReader.Read(arguments, Program.Verbs)).Verb);

    private static string Refusal(params string[] arguments) =>
        Assert.Throws<UsageException>(() => RequestReader.Read(arguments, Program.Verbs)).Message;

    private string Config(string text)
    {
        string path = Path.Combine(_folder, "config.yml");
        File.WriteAllText(path, text);
        return path;
    }
}
