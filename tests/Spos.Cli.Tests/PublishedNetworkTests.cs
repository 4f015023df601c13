namespace Spos.Cli.Tests;

/// <summary>ShuffleNetV2+ as it was published, whose last stage is another, goes through all phases and in from PyTorch.</summary>
public sealed class PublishedNetworkTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly string[] Blocks = ["--blocks", "shuffle-v2+-published"];

    [Fact]
    public void It_is_trained_searched_timed_retrained_and_exported()
    {
        string supernet = fixture.At("published"), search = fixture.At("published-search"), scratch = fixture.At("published-scratch");
        string[] training = [.. fixture.Supernet(supernet), .. Blocks];
        PipelineFixture.Expect(0, [.. training, "--threads", "2"]);
        // What was stopped goes on to the same bits.
        string[] checkpoints = [.. Directory.GetFiles(supernet, "*.spos").Order()];
        byte[] whole = File.ReadAllBytes(checkpoints[^1]);
        File.Delete(checkpoints[^1]);
        PipelineFixture.Expect(0, [.. training, "--threads", "1"]);
        Assert.Equal(whole, File.ReadAllBytes(checkpoints[^1]));

        string table = fixture.At("published.json");
        PipelineFixture.Expect(
            0, "latency", "measure", "--checkpoint", supernet, "--rounds", "10", "--runs", "1", "--validate", "2", "--output", table);
        Assert.Contains("\"xception_3x3_hs\":", File.ReadAllText(table), StringComparison.Ordinal);
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", supernet, "--latency-table", table, "--latency-limit", "10000ms",
            "--output-dir", search, "--max-epochs", "1", "--num-population", "4", "--num-select", "2", "--num-crossover", "1",
            "--num-mutation", "1", "--train-iters", "2", "--train-batch-size", "8");
        PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--architecture", search, "--load-checkpoint", supernet, "--epochs", "1",
            "--batch-size", "8", "--output-dir", scratch);
        Outcome measured = PipelineFixture.Expect(0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", scratch);

        foreach (string format in new[] { "onnx", "pytorch", "safetensors", "pth" })
        {
            PipelineFixture.Expect(0, "export", "--checkpoint", scratch, "--format", format);
        }
        foreach (string file in new[] { "network.safetensors", "network.pth" })
        {
            string imported = fixture.At($"published-{file}");
            PipelineFixture.Expect(0, "import", "--checkpoint", Path.Combine(scratch, file), "--output-dir", imported);
            Outcome again = PipelineFixture.Expect(0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", imported);
            Assert.Equal(Accuracy(measured), Accuracy(again));
        }
        string exported = fixture.At("published.pth");
        PipelineFixture.Expect(0, "export", "--checkpoint", supernet, "--output", exported);
        Assert.Contains(
            "blocks shuffle-v2+-published",
            PipelineFixture.Expect(0, "import", "--checkpoint", exported, "--output-dir", fixture.At("published-imported")).Output,
            StringComparison.Ordinal);

        static string[] Accuracy(Outcome outcome) =>
            [.. outcome.Output.Split('\n').Where(line => line.Contains("top-", StringComparison.Ordinal))];
    }

    [Fact]
    public void A_checkpoint_of_it_is_imported_with_what_each_stage_has()
    {
        string run = fixture.At("published-single");
        PipelineFixture.Expect(
            0, "import", "--checkpoint", ImportTests.Fixture("torch_single_published.pth.tar"), "--image-size", "32", "--output-dir", run);
        string summary = PipelineFixture.Expect(0, "summary", "--checkpoint", run).Output;
        foreach (string operation in new[]
        {
            "shufflenet_5x5 ", "shufflenet_7x7_hs ", "shufflenet_3x3_hs ", "xception_3x3_se ", "shufflenet_7x7_se ",
        })
        {
            Assert.Contains(operation, summary, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Bf16_is_refused() => Assert.Contains(
        "--precision bf16: block 4 of this network is or can be shufflenet_3x3_hs, which has no kernels of bf16.",
        PipelineFixture.Expect(1, ["summary", .. Blocks, "--precision", "bf16"]).Error, StringComparison.Ordinal);
}
