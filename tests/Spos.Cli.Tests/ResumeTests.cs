using System.Diagnostics;
using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>Runs that find something in their folder: they go on with it, or say why not.</summary>
public sealed class ResumeTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void A_torn_checkpoint_is_set_aside_and_the_one_before_it_used()
    {
        string folder = Copy("torn"), newest = Checkpoints(folder)[^1];
        byte[] whole = File.ReadAllBytes(newest);
        File.WriteAllBytes(newest, whole[..(whole.Length / 2)]);
        Outcome outcome = PipelineFixture.Expect(0, fixture.Supernet(folder));
        Assert.Contains($"{newest} is damaged", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("Going on from", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(whole, File.ReadAllBytes(newest));
        Assert.True(File.Exists(newest + ".damaged"));

        foreach (string checkpoint in Checkpoints(folder)) File.WriteAllBytes(checkpoint, [1, 2, 3]);
        // Nor is the run begun anew, and what is there removed, when the command is given again.
        for (int start = 0; start < 2; start++)
        {
            outcome = PipelineFixture.Expect(1, fixture.Supernet(folder));
            Assert.Contains("every checkpoint is damaged", outcome.Error, StringComparison.Ordinal);
        }
        Assert.True(File.Exists(newest + ".damaged"));
        PipelineFixture.Expect(0, [.. fixture.Supernet(folder), "--restart"]);
        Assert.Equal(whole, File.ReadAllBytes(newest));
    }

    [Theory]
    [InlineData("--epochs", "3", "--epochs 2, not 3")]
    [InlineData("--image-size", "64", "--image-size 32, not 64")]
    [InlineData("--init", "kaiming", "--init aligned, not kaiming")]
    [InlineData("--held-out", "0.3", "--held-out 0.2, not 0.3")]
    [InlineData("--total-iters", "5", "--total-iters (unset), not 5")]
    [InlineData("--precision", "bf16", "--precision fp32, not bf16")]
    public void Other_options_are_refused_by_name(string option, string value, string named)
    {
        Outcome outcome = PipelineFixture.Expect(2, With(fixture.Supernet(fixture.At("supernet")), option, value));
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--restart", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_goes_on_with_the_scores_it_has()
    {
        string folder = fixture.At("searched");
        string[] search =
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", folder, "--max-epochs", "1",
            "--num-population", "6", "--num-select", "2", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "2",
            "--train-batch-size", "8",
        ];
        PipelineFixture.Expect(0, search);
        string state = File.ReadAllText(Path.Combine(folder, "search.json"));
        Assert.Contains(
            "--train-iters 2, not 3", PipelineFixture.Expect(2, With(search, "--train-iters", "3")).Error, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "search.json"), state[..^20]);
        Outcome outcome = PipelineFixture.Expect(0, search);
        Assert.Contains("search.json is damaged", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("5 are known already", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(state, File.ReadAllText(Path.Combine(folder, "search.json")));
        // A longer search keeps what is known.
        outcome = PipelineFixture.Expect(0, With(search, "--max-epochs", "2"));
        Assert.Contains("6 are known already", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_runs_cannot_share_a_folder()
    {
        string folder = fixture.At("shared");
        using Process first = SposProcess.Start(fixture.Supernet(folder, epochs: 500));
        Task<string> output = first.StandardOutput.ReadToEndAsync();
        while (!File.Exists(Path.Combine(folder, "run.json")) && !first.HasExited) await Task.Delay(10);
        Assert.Contains(
            "in use by another run", PipelineFixture.Expect(1, fixture.Supernet(folder, epochs: 500)).Error, StringComparison.Ordinal);
        SposProcess.Interrupt(first);
        await first.WaitForExitAsync();
        Assert.Contains("run the same command again", await output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_run_folder_tells_options_version_and_seed()
    {
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(fixture.At("supernet"), "run.json")));
        JsonElement root = record.RootElement, options = root.GetProperty("options");
        Assert.Equal("supernet", root.GetProperty("command").GetString());
        Assert.Equal("42", options.GetProperty("seed").GetString());
        Assert.Equal("1,1,2,1", options.GetProperty("stage-repeats").GetString());
        Assert.Equal("0.9", options.GetProperty("momentum").GetString());
        Assert.Matches(@"^\d+\.\d+", root.GetProperty("version").GetString());
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(fixture.At("supernet"), "result.json")));
        Assert.InRange(result.RootElement.GetProperty("top1_mean").GetDouble(), 0, 1);
    }

    [SmallDiskFact]
    public void A_full_disk_leaves_the_checkpoint_before_and_says_so()
    {
        string disk = Directory.CreateDirectory(fixture.At("disk")).FullName, whole = fixture.At("roomy");
        string run = Path.Combine(disk, "run");
        string[] command = [.. fixture.Supernet(run, epochs: 4), "--save-frequency", "1", "--log-frequency", "1"];
        PipelineFixture.Expect(0, [.. command.Select(a => a == run ? whole : a)]);
        long kilobytes = new FileInfo(Checkpoints(whole)[^1]).Length / 1024;
        // Room for the first two checkpoints, and not for a third beside them.
        Outcome full = SmallDisk.Run(disk, kilobytes * 27 / 10, fixture.At("from-disk"), command);
        Assert.True(full.Code == 0, full.Output + full.Error);
        string first = File.ReadAllText(fixture.At("from-disk/first"));
        Assert.StartsWith("1\n", first, StringComparison.Ordinal);
        Assert.Contains("could not be written: No space left on device", first, StringComparison.Ordinal);
        Assert.Contains("is whole: make room and run the same command again", first, StringComparison.Ordinal);
        Assert.DoesNotContain(".tmp", first, StringComparison.Ordinal);
        Assert.Contains("Going on from", full.Output, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Checkpoints(whole)[^1]), File.ReadAllBytes(Checkpoints(fixture.At("from-disk/run"))[^1]));
    }

    // The command with another value of an option.
    private static string[] With(string[] command, string option, string value)
    {
        int at = Array.IndexOf(command, option);
        return at < 0 ? [.. command, option, value] : [.. command[..at], option, value, .. command[(at + 2)..]];
    }

    private string Copy(string name)
    {
        string folder = fixture.At(name);
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(fixture.At("supernet"))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }

    private static string[] Checkpoints(string folder) => [.. Directory.GetFiles(folder, "*.spos").Order(StringComparer.Ordinal)];
}
