using System.Diagnostics;
using System.Text.Json;

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

    // Scales are let in until the middle, so both kinds of steps are gone on with.
    [Fact]
    public void The_sandwich_rule_goes_on_to_the_same_bits_and_keeps_to_its_options()
    {
        string supernet = fixture.At("sandwich");
        string[] training =
        [
            .. fixture.Network.Prepend("supernet"), "--epochs", "4", "--blocks", "shuffle-v2-channels", "--scale-warmup-epochs", "2",
            "--random-paths", "2", "--output-dir", supernet, "--sandwich-paths",
        ];
        PipelineFixture.Expect(0, [.. training, "1", "--threads", "2"]);
        string[] checkpoints = [.. Directory.GetFiles(supernet, "*.spos").Order()];
        byte[] whole = File.ReadAllBytes(checkpoints[^1]);
        File.Delete(checkpoints[^1]);
        // Distillation by the Kullback-Leibler divergence is what the sandwich rule does unless it is told otherwise.
        PipelineFixture.Expect(0, [.. training, "1", "--threads", "1", "--distillation", "kl"]);
        Assert.Equal(whole, File.ReadAllBytes(checkpoints[^1]));
        void Refused(string says, params string[] options) =>
            Assert.Contains(says, PipelineFixture.Expect(2, [.. training, .. options]).Error, StringComparison.Ordinal);
        Refused("--distillation kl, not alpha.", "1", "--distillation", "alpha");
        Refused("--distillation kl, not none.", "1", "--distillation", "none");
        Refused("--sandwich-paths 1, not 2.", "2");
        Refused("was made with --", "0");
    }

    [Fact]
    public void Channel_scales_go_through_all_phases()
    {
        string supernet = fixture.At("scaled"), search = fixture.At("scaled-search"), scratch = fixture.At("scaled-scratch");
        string[] training =
            [.. fixture.Supernet(supernet, epochs: 4), "--blocks", "shuffle-v2-channels", "--scale-warmup-epochs", "2", "--threads", "2"];
        PipelineFixture.Expect(0, training);
        string[] checkpoints = [.. Directory.GetFiles(supernet, "*.spos").Order()];
        byte[] whole = File.ReadAllBytes(checkpoints[^1]);
        // From the checkpoint before it goes on to the same bits, on one thread too.
        File.Delete(checkpoints[^1]);
        PipelineFixture.Expect(0, [.. training[..^1], "1"]);
        Assert.Equal(whole, File.ReadAllBytes(checkpoints[^1]));
        Assert.Contains(
            "--scale-warmup-epochs 2, not 1.", PipelineFixture.Expect(2, [.. training.Select((a, i) => training[Math.Max(i - 1, 0)]
                == "--scale-warmup-epochs" ? "1" : a)]).Error, StringComparison.Ordinal);
        Assert.Contains(
            "have no channel scales",
            PipelineFixture.Expect(2, [.. fixture.Supernet(fixture.At("plain")), "--scale-warmup-epochs", "1"]).Error,
            StringComparison.Ordinal);

        string space = fixture.At("scaled.json");
        PipelineFixture.Expect(0, "search-space", "--checkpoint", supernet, "--file", space);
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", supernet, "--search-space", space, "--output-dir", search,
            "--max-epochs", "2", "--num-population", "4", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "2",
            "--train-iters", "2", "--train-batch-size", "8");
        using (JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(search, "result.json"))))
        {
            Assert.Equal(5, result.RootElement.GetProperty("architecture").GetArrayLength());
            Assert.Equal(5, result.RootElement.GetProperty("channel_scales").GetArrayLength());
        }
        PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--architecture", search, "--epochs", "1", "--batch-size", "8", "--output-dir",
            scratch);
        string forced = "0 1 2 3 0 / 7 0 3 5 6", exported = fixture.At("scaled.pth"), imported = fixture.At("scaled-imported");
        string inherited = fixture.At("scaled-inherited");
        PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--load-checkpoint", supernet, "--architecture", forced, "--epochs", "1",
            "--batch-size", "8", "--output-dir", inherited);
        PipelineFixture.Expect(0, "export", "--checkpoint", inherited, "--output", exported);
        PipelineFixture.Expect(0, "import", "--checkpoint", exported, "--output-dir", imported);
        Assert.Contains(forced, PipelineFixture.Expect(0, "summary", "--checkpoint", imported).Output, StringComparison.Ordinal);
        Assert.Contains(
            "With --blocks shuffle-v2-channels it is one.", PipelineFixture.Expect(2, "summary", "--architecture",
                "0 0 3 1 1 1 0 0 2 0 2 1 1 0 2 0 2 1 3 2 / 6 5 3 5 2 6 3 4 2 5 7 5 4 6 7 4 4 5 4 3").Error, StringComparison.Ordinal);
        Assert.Contains(
            "supernet with channel scales", PipelineFixture.Expect(1, "export", "--checkpoint", supernet).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_front_is_searched_and_trained_from()
    {
        string folder = fixture.At("front"), again = fixture.At("front-again");
        string[] Search(string output) =>
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--strategy", "nsga2", "--objectives",
            "flops,params", "--output-dir", output, "--max-epochs", "3", "--num-population", "6", "--num-select", "2", "--num-crossover",
            "3", "--num-mutation", "2", "--train-iters", "2", "--train-batch-size", "8",
        ];
        Outcome searched = PipelineFixture.Expect(0, Search(folder));
        using JsonDocument front = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "front.json")));
        JsonElement[] members = [.. front.RootElement.EnumerateArray()];
        Assert.NotEmpty(members);
        using (JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json"))))
        {
            Assert.Equal(members.Length, result.RootElement.GetProperty("front").GetInt32());
            Assert.Equal(
                result.RootElement.GetProperty("top1").GetDouble(), members.Max(member => member.GetProperty("top1").GetDouble()));
        }
        double Top1(JsonElement member) => member.GetProperty("top1").GetDouble();
        long Cost(JsonElement member, string name) => member.GetProperty("costs").GetProperty(name).GetInt64();
        foreach (JsonElement member in members)
        {
            Assert.Contains(member.GetProperty("architecture").GetString()!, searched.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(members, other =>
                Top1(other) > Top1(member) && Cost(other, "flops") <= Cost(member, "flops")
                && Cost(other, "parameters") <= Cost(member, "parameters"));
        }
        Assert.Equal(members.Length, Directory.GetFiles(Path.Combine(folder, "front")).Length);
        // The same seed finds the same, and a folder of a longer front keeps no file of it.
        File.WriteAllText(Path.Combine(folder, "front", "099.json"), "{}");
        PipelineFixture.Expect(0, Search(again));
        PipelineFixture.Expect(0, Search(folder));
        Assert.Equal(File.ReadAllText(Path.Combine(again, "front.json")), File.ReadAllText(Path.Combine(folder, "front.json")));
        Assert.Equal(members.Length, Directory.GetFiles(Path.Combine(folder, "front")).Length);
        // So does the configuration that it leaves.
        string configured = fixture.At("front-configured");
        PipelineFixture.Expect(0, "search", "--config", Path.Combine(folder, "config_search.yml"), "--output-dir", configured);
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "front.json")), File.ReadAllText(Path.Combine(configured, "front.json")));
        string first = Path.Combine(folder, members[0].GetProperty("file").GetString()!);
        Outcome trained = PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--architecture", first, "--epochs", "1", "--batch-size", "8", "--output-dir",
            fixture.At("front-scratch"));
        Assert.Contains(members[0].GetProperty("architecture").GetString()!, trained.Output, StringComparison.Ordinal);
        string[] asked = Search(fixture.At("front-none"));
        asked[Array.IndexOf(asked, "nsga2")] = "random";
        Assert.Contains("--strategy nsga2", PipelineFixture.Expect(2, asked).Error, StringComparison.Ordinal);
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
