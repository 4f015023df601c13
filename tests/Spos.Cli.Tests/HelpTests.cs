using System.Reflection;
using CommandLine;
using Spos.Cli.Nni;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Space;

namespace Spos.Cli.Tests;

/// <summary>Help shows every option with its default, and an example that the parser understands.</summary>
public sealed class HelpTests
{
    public static TheoryData<string> VerbNames => [.. Program.Verbs.Select(v => v.GetCustomAttribute<VerbAttribute>()!.Name)];

    [Theory]
    [MemberData(nameof(VerbNames))]
    public void Every_option_has_a_default_and_every_verb_an_example(string verb)
    {
        string help = PipelineFixture.Expect(0, verb, "--help").Output;
        string flat = string.Join(' ', help.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Type type = Program.Verbs.Single(v => v.GetCustomAttribute<VerbAttribute>()!.Name == verb);
        (string Name, OptionAttribute Option)[] options =
        [
            .. type.GetInterfaces().Prepend(type).SelectMany(t => t.GetProperties())
                .Select(p => p.GetCustomAttribute<OptionAttribute>()).OfType<OptionAttribute>().Select(o => (o.LongName, o)),
        ];
        // These print the same for all.
        Assert.True(options.Length > 0 || verb is "completion" or "man", $"{verb} has no options.");
        foreach ((string name, OptionAttribute option) in options)
        {
            Assert.Contains($" --{name} ", flat, StringComparison.Ordinal);
            Assert.True(
                option.Default != null || option.HelpText.Contains("(default: ", StringComparison.Ordinal), $"--{name} shows no default.");
        }
        Assert.Single(help.Split('\n'), line => line.StartsWith($"  spos {verb}", StringComparison.Ordinal));
        // Words are written as help and messages write them.
        string example = help.Split('\n').Single(line => line.StartsWith($"  spos {verb}", StringComparison.Ordinal));
        Assert.Equal(example.ToLowerInvariant(), example);
        Assert.IsType<Request.Run>(RequestReader.Read([.. ShellWords.Split(example).Skip(1)], Program.Verbs));
    }

    [Fact]
    public void The_pool_s_default_is_the_search_s() =>
        Assert.Contains(
            $"has scored (default: {new EvolutionOptions().PredictorPool}).",
            typeof(SearchVerb).GetProperty(nameof(SearchVerb.PredictorPool))!.GetCustomAttribute<OptionAttribute>()!.HelpText,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("help", "export")]
    [InlineData("--help", "export")]
    [InlineData("export", "--help")]
    [InlineData("export", "--checkpoint", "x", "-h")]
    [InlineData("export", "--format", "tflite", "--nonsense", "--help")]
    public void Help_is_shown_wherever_it_is_asked_for(params string[] arguments) =>
        Assert.Contains("--keep-batch-norm", PipelineFixture.Expect(0, arguments).Output, StringComparison.Ordinal);

    [Fact]
    public void The_version_is_shown_after_a_verb_too() =>
        Assert.Equal(
            PipelineFixture.Expect(0, "--version").Output, PipelineFixture.Expect(0, "supernet", "--epochs", "3", "--version").Output);
}
