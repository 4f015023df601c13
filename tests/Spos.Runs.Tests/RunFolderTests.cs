using System.Text.Json;
using Spos.Runs.Folders;
using Spos.Runs.Observers;

namespace Spos.Runs.Tests;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-run-folder-test-").FullName;

    [Fact]
    public void A_run_that_goes_on_keeps_the_metrics_before_its_checkpoint_and_no_line_that_is_none()
    {
        using var folder = new RunFolder(_folder, RunKind.Scratch, new ObserverList());
        string metrics = Path.Combine(_folder, "metrics.jsonl");
        folder.Log(new { step = 1, loss = 2.5 });
        // A whole object of more than 64 KiB, half a line, and text.
        File.AppendAllText(metrics, $"{{\"step\": 1, \"loss\": 1{new string(' ', 64 << 10)}}}\n{{\"step\": 1, \"lo\nstep 1\n");
        folder.Log(new { step = 2, loss = 2.25 });
        folder.Log(new { step = 3, loss = 2.125 });
        IReadOnlyList<JsonElement> kept = folder.KeepMetrics(2);
        Assert.Equal([2.5, 2.25], kept.Select(line => line.GetProperty("loss").GetDouble()));
        Assert.Equal(["{\"step\":1,\"loss\":2.5}", "{\"step\":2,\"loss\":2.25}"], File.ReadLines(metrics));
    }

    [Theory]
    [InlineData("metrics.jsonl", "is not a regular file. Remove it")]
    [InlineData("run.json", "cannot be read, so that nobody knows whose")]
    public void A_folder_in_place_of_a_file_of_the_run_is_told_of_before_the_run_begins(string name, string told)
    {
        File.WriteAllText(Path.Combine(_folder, "run.json"), """{"command": "scratch", "options": {}}""");
        File.Delete(Path.Combine(_folder, name));
        Directory.CreateDirectory(Path.Combine(_folder, name));
        var refusal = Assert.Throws<UsageException>(() => new RunFolder(_folder, RunKind.Scratch, new ObserverList()));
        Assert.Contains($"{name} {told}", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("front")]
    [InlineData("checkpoints")]
    public void A_file_in_place_of_a_folder_of_the_run_is_told_of_before_the_run_begins(string name)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, "mine");
        var refusal = Assert.Throws<UsageException>(() => new RunFolder(_folder, RunKind.Search, new ObserverList()));
        Assert.Equal(
            $"{file} is a file, and a search run has a folder there. Remove it, or choose another --output-dir.", refusal.Message);
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder));
        Assert.Equal("mine", File.ReadAllText(file));
        // Other runs have no such folder.
        new RunFolder(_folder, RunKind.Scratch, new ObserverList()).Dispose();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
