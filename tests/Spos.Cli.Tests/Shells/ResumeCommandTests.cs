using System.Globalization;
using System.Text.Json;
using Spos.Cli.OptionGroups;
using Spos.Cli.Shells;

namespace Spos.Cli.Tests.Shells;

/// <summary>What goes on with a run: for people, of what its record says; for the board, of what started it.</summary>
public sealed class ResumeCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

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
        IReadOnlyList<string>? words = ResumeArguments.Of(
            Program.Verbs, "/", started.Split(' ', StringSplitOptions.RemoveEmptyEntries), "/run");
        Assert.Equal(resumed, words == null ? null : string.Join(' ', words));
    }

    // The board's own folder has no such files.
    [Theory]
    [InlineData("run options.yml", "epochs: 3", "run options.yml")]
    [InlineData("run options.yml", "supernet:\n  restart: true", null)]
    [InlineData("run options.yml", "scratch:\n  restart: true", null)]
    [InlineData("run options.yml", "epochs: many", null)]
    [InlineData("run missing.yml", "", null)]
    [InlineData("quickstart --output-dir runs --seed 3", "", "quickstart --output-dir runs --seed 3")]
    [InlineData("quickstart --output-dir other", "", null)]
    [InlineData("quickstart --help", "", null)]
    [InlineData("supernet --config options.yml", "epochs: 3", "supernet --resume --config options.yml")]
    [InlineData("supernet --config options.yml", "restart: true", null)]
    [InlineData("supernet --config missing.yml", "", null)]
    public void What_runs_several_phases_goes_on_by_its_own_command_where_it_was_started(string started, string options, string? resumed)
    {
        File.WriteAllText(Path.Combine(_folder, "options.yml"), options);
        LeaveRun("runs/supernet", "supernet", "checkpoint-00000004.spos");
        Assert.Equal(resumed, Resumed(started, "runs/supernet"));
    }

    [Fact]
    public void What_runs_several_phases_goes_on_only_where_it_begins_nothing_anew()
    {
        const string Started = "run options.yml", Supernet = "runs/a", Search = "runs/b";
        string options = Path.Combine(_folder, "options.yml");
        const string Asked = "supernet:\n  output-dir: runs/a\nsearch:\n  checkpoint: runs/a\n  output-dir: runs/b\n";
        File.WriteAllText(options, Asked);
        LeaveRun(Supernet, "supernet", "checkpoint-00000004.spos");
        Assert.Equal(Started, Resumed(Started, Supernet));
        // By another name.
        File.CreateSymbolicLink(Path.Combine(_folder, "linked"), Path.Combine(_folder, "runs"));
        Assert.Equal(Started, Resumed(Started, "linked/a"));

        // The file has been edited.
        File.WriteAllText(options, Asked.Replace("output-dir: runs/a", "output-dir: runs/c", StringComparison.Ordinal));
        Assert.Null(Resumed(Started, Supernet));
        LeaveRun("runs/c", "supernet", "checkpoint-00000004.spos");
        Assert.Null(Resumed(Started, Supernet));
        File.WriteAllText(options, Asked);

        // The phase before has to be done, and this one to have begun.
        LeaveRun(Search, "search", "search.json");
        Assert.Null(Resumed(Started, Search));
        string result = Path.Combine(_folder, Supernet, "result.json");
        File.WriteAllText(result, "{}");
        Assert.Equal(Started, Resumed(Started, Search));
        File.SetLastWriteTimeUtc(result, DateTime.UtcNow.AddDays(-1));
        Assert.Null(Resumed(Started, Search));
        File.SetLastWriteTimeUtc(result, DateTime.UtcNow);
        File.Delete(Path.Combine(_folder, Search, "search.json"));
        Assert.Null(Resumed(Started, Search));
        File.WriteAllText(Path.Combine(_folder, Search, "search.previous.json"), "{}");
        Assert.Equal(Started, Resumed(Started, Search));
        // A run of another kind.
        LeaveRun(Search, "supernet", "checkpoint-00000004.spos");
        Assert.Null(Resumed(Started, Search));
        LeaveRun(Search, "search", "search.json");
        Directory.Delete(Path.Combine(_folder, Supernet), recursive: true);
        Assert.Null(Resumed(Started, Search));
        File.WriteAllText(Path.Combine(_folder, Supernet), "a file");
        Assert.Null(Resumed(Started, Search));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // A run's folder as far as anybody looks into it who goes on there.
    private void LeaveRun(string folder, string command, string state)
    {
        string path = Directory.CreateDirectory(Path.Combine(_folder, folder)).FullName;
        string started = DateTimeOffset.Now.AddMinutes(-1).ToString("o", CultureInfo.InvariantCulture);
        File.WriteAllText(Path.Combine(path, "run.json"), JsonSerializer.Serialize(new { command, options = new { }, started }));
        File.WriteAllText(Path.Combine(path, state), "");
    }

    private string? Resumed(string started, string run) =>
        ResumeArguments.Of(Program.Verbs, _folder, started.Split(' '), Path.Combine(_folder, run)) is { } words
            ? string.Join(' ', words)
            : null;
}
