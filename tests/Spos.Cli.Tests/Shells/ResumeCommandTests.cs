using Spos.Cli.OptionGroups;
using Spos.Cli.Shells;

namespace Spos.Cli.Tests.Shells;

/// <summary>What goes on with a run: for people, of what its record says; for the board, of what started it.</summary>
public sealed class ResumeCommandTests
{
    [Fact]
    public void The_command_has_what_is_not_at_its_default_and_the_folder_of_now()
    {
        var options = new Dictionary<string, string?>
        {
            ["epochs"] = "7",
            ["batch-size"] = null,
            ["seed"] = "42",
            ["restart"] = "True",
            ["resume"] = "False",
            ["output-dir"] = "then",
            ["imagenet-dir"] = "my pictures'",
            ["sync"] = "True",
            ["no-graphs"] = "False",
        };
        Assert.Equal(
            @"spos supernet --output-dir=/now --resume --epochs=7 --imagenet-dir='my pictures'\''' --sync",
            ResumeCommand.Of(Program.Verbs, "supernet", options, "/now"));
        Assert.Equal(
            "spos supernet --output-dir='$(reboot)' --resume",
            ResumeCommand.Of(Program.Verbs, "supernet", new Dictionary<string, string?>(), "$(reboot)"));
    }

    [Theory]
    [InlineData("rank-architecture", "seed")]
    [InlineData("nonsense", "seed")]
    [InlineData("supernet", "no-such-option")]
    [InlineData("supernet", "seed; reboot")]
    [InlineData("info", "device")]
    public void There_is_none_for_what_this_version_does_not_run(string kind, string option) =>
        Assert.Null(ResumeCommand.Of(Program.Verbs, kind, new Dictionary<string, string?> { [option] = "1" }, "folder"));

    [Theory]
    [InlineData("supernet --epochs 3", "supernet --resume --epochs 3")]
    [InlineData("supernet --resume --epochs 3", "supernet --resume --epochs 3")]
    [InlineData("supernet --epochs 3 --restart --output-dir runs/a", "supernet --resume --epochs 3 --output-dir runs/a")]
    [InlineData("scratch --rest --architecture missing", "scratch --resume --architecture missing")]
    [InlineData("search --checkpoint missing --res", null)]
    [InlineData("supernet --restart --resume", "supernet --resume")]
    [InlineData("supernet --no-such-option", null)]
    [InlineData("eval --checkpoint missing", null)]
    [InlineData("board runs", null)]
    [InlineData("supernet --help", null)]
    [InlineData("--version", null)]
    [InlineData("", null)]
    public void A_run_goes_on_as_it_was_started_and_never_begins_anew(string started, string? resumed)
    {
        IReadOnlyList<string>? words = ResumeArguments.Of(Program.Verbs, "/", started.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(resumed, words == null ? null : string.Join(' ', words));
    }

    // The board's own folder has no such files.
    [Theory]
    [InlineData("run options.yml", "epochs: 3", "run options.yml")]
    [InlineData("run options.yml", "supernet:\n  restart: true", null)]
    [InlineData("run options.yml", "scratch:\n  restart: true", null)]
    [InlineData("run options.yml", "epochs: many", null)]
    [InlineData("run missing.yml", "", null)]
    [InlineData("quickstart --output-dir q --seed 3", "", "quickstart --output-dir q --seed 3")]
    [InlineData("quickstart --help", "", null)]
    [InlineData("supernet --config options.yml", "epochs: 3", "supernet --resume --config options.yml")]
    [InlineData("supernet --config options.yml", "restart: true", null)]
    [InlineData("supernet --config missing.yml", "", null)]
    public void What_runs_several_phases_goes_on_by_its_own_command_where_it_was_started(string started, string options, string? resumed)
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "options.yml"), options);
            IReadOnlyList<string>? words = ResumeArguments.Of(Program.Verbs, folder, started.Split(' '));
            Assert.Equal(resumed, words == null ? null : string.Join(' ', words));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
