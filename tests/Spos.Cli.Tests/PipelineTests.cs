using System.Diagnostics;

namespace Spos.Cli.Tests;

public sealed class PipelineTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void All_phases_run_and_leave_their_results()
    {
        string search = fixture.At("search"), scratch = fixture.At("scratch");
        string[] searching =
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", search, "--max-epochs", "2",
            "--num-population", "6", "--num-select", "3", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "2",
            "--train-batch-size", "8",
        ];
        Outcome found = PipelineFixture.Expect(0, searching);
        Assert.Contains("FLOPs", found.Output, StringComparison.Ordinal);
        string architecture = Path.Combine(search, "architecture_final.json");
        string first = File.ReadAllText(architecture), scores = File.ReadAllText(Path.Combine(search, "search.json"));
        PipelineFixture.Expect(0, [.. searching, "--resume"]);
        Assert.Equal(first, File.ReadAllText(architecture));
        Assert.Equal(scores, File.ReadAllText(Path.Combine(search, "search.json")));

        Outcome trained = PipelineFixture.Expect(
            0, ["scratch", .. fixture.Network, "--architecture", architecture, "--epochs", "3", "--output-dir", scratch]);
        Outcome evaluated = PipelineFixture.Expect(0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", scratch);
        string Top1(string output) => output.Split('\n').Single(l => l.Contains("top-1 on val", StringComparison.Ordinal));
        Assert.Equal(Top1(trained.Output), Top1(evaluated.Output));
        PipelineFixture.Expect(
            0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--architecture", "0 1 2 3 0",
            "--train-iters", "2", "--train-batch-size", "8");
        foreach (string file in new[]
        {
            $"{search}/accuracy-over-flops.png", $"{search}/best-over-generations.svg", $"{scratch}/loss.png", $"{scratch}/metrics.jsonl",
        })
        {
            Assert.True(new FileInfo(file).Length > 100, file);
        }
        Assert.Contains(
            "another network", PipelineFixture.Expect(1, "search", "--imagenet-dir", fixture.Data, "--checkpoint", scratch).Error,
            StringComparison.Ordinal);
        Assert.Contains(
            "another network",
            PipelineFixture.Expect(
                1, [.. fixture.Supernet(fixture.At("other")), "--load-checkpoint", Directory.GetFiles(scratch, "*.spos")[0]]).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_of_another_set_go_through_all_phases()
    {
        string supernet = fixture.At("plus"), search = fixture.At("plus-search"), scratch = fixture.At("plus-scratch");
        PipelineFixture.Expect(0, [.. fixture.Supernet(supernet), "--blocks", "shuffle-v2+"]);
        Assert.Contains(
            "--blocks shuffle-v2+, not shuffle-v2.", PipelineFixture.Expect(2, [.. fixture.Supernet(supernet), "--resume"]).Error,
            StringComparison.Ordinal);
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", supernet, "--output-dir", search, "--max-epochs", "1",
            "--num-population", "4", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "2",
            "--train-batch-size", "8");
        Assert.Contains(
            "blocks shuffle-v2+", PipelineFixture.Expect(0, "sample", "--checkpoint", supernet).Output, StringComparison.Ordinal);
        // The blocks follow the search, and another set is refused.
        string[] training = ["scratch", "--imagenet-dir", fixture.Data, "--architecture", search, "--epochs", "1", "--batch-size", "8"];
        Assert.Contains(
            "--blocks shuffle-v2:", PipelineFixture.Expect(2, [.. training, "--blocks", "shuffle-v2", "--output-dir", scratch]).Error,
            StringComparison.Ordinal);
        PipelineFixture.Expect(0, [.. training, "--output-dir", scratch]);
        PipelineFixture.Expect(0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", scratch);
        string exported = fixture.At("plus.pth"), imported = fixture.At("plus-imported");
        string forced = "4 5 6 7 4";
        PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--load-checkpoint", supernet, "--architecture", forced, "--epochs", "1",
            "--batch-size", "8", "--output-dir", fixture.At("plus-forced"));
        PipelineFixture.Expect(0, "export", "--checkpoint", fixture.At("plus-forced"), "--output", exported);
        PipelineFixture.Expect(0, "import", "--checkpoint", exported, "--output-dir", imported);
        Assert.Contains(forced, PipelineFixture.Expect(0, "summary", "--checkpoint", imported).Output, StringComparison.Ordinal);
        Assert.Contains(
            "Leave --flops-table out",
            PipelineFixture.Expect(1, "sample", "--blocks", "shuffle-v2+", "--flops-table", ImportTests.Fixture("op_flops_dict.pkl")).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_and_workers_do_not_change_a_bit()
    {
        PipelineFixture.Expect(0, [.. fixture.Supernet(fixture.At("one")), "--threads", "1", "--workers", "1"]);
        PipelineFixture.Expect(0, [.. fixture.Supernet(fixture.At("two")), "--threads", "2", "--workers", "3"]);
        Assert.Equal(Checkpoint("one"), Checkpoint("two"));
        Assert.Equal(Checkpoint("supernet"), Checkpoint("two"));
    }

    [Fact]
    public async Task Interrupted_training_saves_and_goes_on_to_the_same_bits()
    {
        string[] training = fixture.Supernet(fixture.At("stopped"), epochs: 80);
        using (Process process = SposProcess.Start([.. training, "--log-frequency", "1"]))
        {
            string metrics = Path.Combine(fixture.At("stopped"), "metrics.jsonl");
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            while (!File.Exists(metrics) && !process.HasExited) await Task.Delay(10);
            SposProcess.Interrupt(process);
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 130, await output);
            Assert.Contains("run the same command again", await output, StringComparison.Ordinal);
        }
        string[] whole = [.. training.Select(a => a == fixture.At("stopped") ? fixture.At("whole") : a)];
        Assert.Contains(
            "--learning-rate", PipelineFixture.Expect(2, [.. training.Select(a => a == "0.1" ? "0.2" : a), "--resume"]).Error,
            StringComparison.Ordinal);
        PipelineFixture.Expect(0, [.. training, "--resume"]);
        PipelineFixture.Expect(0, whole);
        Assert.Equal(Checkpoint("whole"), Checkpoint("stopped"));
    }

    [Fact]
    public void A_damaged_picture_in_training_is_reported_once_and_counted()
    {
        string data = fixture.At("damaged");
        Process.Start("cp", ["-r", fixture.Data, data]).WaitForExit();
        string picture = Directory.GetFiles(data, "00003.jpg", SearchOption.AllDirectories)
            .First(p => p.Contains("train", StringComparison.Ordinal));
        File.WriteAllBytes(picture, File.ReadAllBytes(picture)[..400]);
        Outcome outcome = PipelineFixture.Expect(
            0, [.. fixture.Supernet(fixture.At("damaged-run"), heldOut: 0).Select(a => a == fixture.Data ? data : a)]);
        Assert.Equal(1, outcome.Error.Split('\n').Count(l => l.Contains(picture, StringComparison.Ordinal)));
        Assert.Matches("damaged pictures +1", outcome.Output);
    }

    private byte[] Checkpoint(string run) =>
        File.ReadAllBytes(Directory.GetFiles(fixture.At(run), "*.spos").Order(StringComparer.Ordinal).Last());
}
