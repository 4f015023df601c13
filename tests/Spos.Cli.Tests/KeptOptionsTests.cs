using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Runs.Records;

namespace Spos.Cli.Tests;

/// <summary>What a run keeps of its options, and goes on with.</summary>
public sealed class KeptOptionsTests
{
    public static TheoryData<string> Phases => [.. Verbs.Select(DeclaredOption.NameOf)];

    private static IEnumerable<Type> Verbs => Program.Verbs.Where(typeof(PhaseOptions).IsAssignableFrom);

    [Theory]
    [MemberData(nameof(Phases))]
    public void Every_option_says_whether_results_depend_on_it(string verb)
    {
        IEnumerable<string> silent = DeclaredOption.Of(TypeOf(verb)).Where(o => o.Influence == null).Select(o => o.Name);
        Assert.Empty(silent);
    }

    // These names are in the checkpoints of users: one that is missing would let a run go on with other options.
    [Theory]
    [InlineData(
        "supernet",
        "batch-size blocks cache-size crop-min-area decode-scale decoder distillation dropout epochs flip flops-bins flops-lb "
        + "flops-ub held-out image-size init jitter label-smoothing last-channels learning-rate load-checkpoint momentum "
        + "paths-per-step plan precision sandwich-paths scale-warmup-epochs search-space seed shards spos-preprocessing stage-channels "
        + "stage-repeats stem-channels total-iters warmup-steps weight-decay")]
    [InlineData(
        "search",
        "cache-size checkpoint decode-scale decoder flops-lb flops-limit flops-table held-out latency-lb latency-limit "
        + "params-lb params-limit plan precision predictor predictor-pool search-space seed select-on spos-preprocessing train-batch-size "
        + "train-iters")]
    [InlineData(
        "shrink",
        "by cache-size checkpoint decode-scale decoder flops-lb flops-limit flops-table held-out initial latency-lb latency-limit "
        + "params-lb params-limit plan precision search-space seed select-on spos-preprocessing train-batch-size train-iters")]
    [InlineData(
        "scratch",
        "architecture batch-size blocks cache-size crop-min-area decode-scale decoder dropout ema-decay epochs flip image-size init jitter "
        + "label-smoothing last-channels learning-rate load-checkpoint lr-decay mixup momentum plan precision random-erasing seed "
        + "shards spos-preprocessing stage-channels stage-repeats stem-channels total-iters warmup-steps weight-decay")]
    [InlineData(
        "front",
        "along batch-size cache-size checkpoint crop-min-area decode-scale decoder dropout ema-decay epochs flip handmade inherit init "
        + "jitter label-smoothing learning-rate lr-decay mixup momentum num-networks plan precision random random-erasing search seed "
        + "spos-preprocessing total-iters warmup-steps weight-decay")]
    [InlineData(
        "rank",
        "batch-size cache-size checkpoint crop-min-area decode-scale decoder epochs flip flops-bins flops-lb flops-limit "
        + "flops-table held-out init jitter label-smoothing latency-lb latency-limit learning-rate lr-decay momentum "
        + "num-architectures params-lb params-limit plan precision recalibrations search-space seed select-on spos-preprocessing "
        + "total-iters train-batch-size train-iters warmup-steps weight-decay")]
    public void The_options_that_a_run_goes_on_with_are_these(string verb, string names) =>
        Assert.Equal(names.Split(' '), Of(verb).Values.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void An_architecture_that_is_ranked_keeps_the_options_of_its_training_alone()
    {
        var kept = new KeptOptions(DeclaredOption.Record(new RankVerb(), typeof(RecipeOptions), typeof(ISinglePathOptions)), []);
        Assert.Equal(
            ("batch-size cache-size crop-min-area decode-scale decoder epochs flip init jitter label-smoothing learning-rate lr-decay "
                + "momentum plan precision seed spos-preprocessing total-iters warmup-steps weight-decay").Split(' '),
            kept.Values.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void An_option_that_a_checkpoint_does_not_know_has_its_default(string verb)
    {
        KeptOptions now = Of(verb);
        foreach (string name in now.Values.Keys)
        {
            // As of before there was the option, and of before it was written where it was the default. Files can hold null.
            Dictionary<string, string> before = new(now.Values), empty = new(now.Values) { [name] = "" };
            Dictionary<string, string> nothing = new(now.Values) { [name] = null! };
            before.Remove(name);
            now.Require("file", before, anyPictures: false);
            now.Require("file", empty, anyPictures: false);
            now.Require("file", nothing, anyPictures: false);
        }
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void Another_value_is_refused_by_name(string verb)
    {
        KeptOptions now = Of(verb);
        foreach (string name in now.Values.Keys)
        {
            var before = new Dictionary<string, string>(now.Values) { [name] = "another" };
            UsageException refused = Assert.Throws<UsageException>(() => now.Require("file", before, anyPictures: false));
            Assert.StartsWith($"file was made with --{name} another, not ", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_value_that_has_no_default_and_is_null_is_refused_as_unset()
    {
        var now = new KeptOptions([], [new("image-size", "64")]);
        var before = new Dictionary<string, string> { ["image-size"] = null! };
        UsageException refused = Assert.Throws<UsageException>(() => now.Require("file", before, anyPictures: false));
        Assert.StartsWith("file was made with --image-size (unset), not 64.", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("True", "False", "file was made with --flip. ")]
    [InlineData("False", "True", "file was made without --flip. ")]
    public void A_flag_is_refused_as_it_is_typed(string before, string now, string message)
    {
        var kept = new KeptOptions([], [new("flip", now)]);
        UsageException refused = Assert.Throws<UsageException>(
            () => kept.Require("file", new Dictionary<string, string> { ["flip"] = before }, anyPictures: false));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_option_came_to_counts_in_its_place()
    {
        var kept = new KeptOptions(
            DeclaredOption.Record(new SupernetVerb { Momentum = 0.5f, StageRepeats = [1, 2, 3, 4] }),
            [new("image-size", "64"), new("training pictures", "9")]);
        Assert.Equal("0.5", kept.Values["momentum"]);
        Assert.Equal("1,2,3,4", kept.Values["stage-repeats"]);
        Assert.Equal("64", kept.Values["image-size"]);
        Assert.Equal("9", kept.Values["training pictures"]);
        Assert.Equal("4E-05", kept.Values["weight-decay"]);
        Assert.Equal("fused", kept.Values["plan"]);
        Assert.Equal("False", kept.Values["spos-preprocessing"]);
    }

    private static Type TypeOf(string verb) => Verbs.Single(type => DeclaredOption.NameOf(type) == verb);

    // With all options as they are if nothing is given.
    private static KeptOptions Of(string verb) => new(DeclaredOption.Record(Activator.CreateInstance(TypeOf(verb))!), []);
}
