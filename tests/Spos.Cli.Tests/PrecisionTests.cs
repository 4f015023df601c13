using System.Text.Json;
using Spos.Engine.Tests.Native;

namespace Spos.Cli.Tests;

/// <summary>--precision: what takes it, what it is refused with, where it is told, and what does not depend on it.</summary>
public sealed class PrecisionTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly string[] Bf16 = ["--precision", "bf16"];

    [Fact]
    public void Another_plan_is_refused_before_anything_is_opened()
    {
        string folder = fixture.At("refused");
        string[] wrong = [.. Bf16, "--plan", "unfused"], missing = ["--checkpoint", fixture.At("missing")];
        string[] output = ["--output-dir", folder];
        string[] training = ["--imagenet-dir", fixture.At("missing"), .. output];
        foreach (string[] command in new string[][]
        {
            ["eval", .. missing], ["search", .. missing, .. output], ["rank", .. missing, .. output], ["bench", "step"],
            ["bench", "launches"], ["supernet", .. training], ["scratch", .. training, "--architecture", "0 1 2 3 0"],
            ["summary", .. missing], ["latency", "measure", .. missing], ["quickstart", .. output], ["front", .. training],
        })
        {
            Outcome outcome = PipelineFixture.Expect(2, [.. command, .. wrong]);
            Assert.Equal("spos: --precision bf16 needs --plan fused: --plan unfused computes in fp32 only.", outcome.Error.Trim());
        }
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Blocks_without_kernels_are_refused_before_anything_is_written()
    {
        string plus = fixture.At("plus"), folder = fixture.At("of-plus");
        string[] blocks = ["--blocks", "shuffle-v2+"], output = ["--output-dir", folder];
        PipelineFixture.Expect(0, [.. fixture.Supernet(plus, epochs: 1), .. blocks]);
        string[] given = [.. Data, "--checkpoint", plus, .. Bf16];
        foreach (string[] command in new string[][]
        {
            ["eval", .. given, "--architecture", "0 1 2 3 0"], ["search", .. given, .. output], ["rank", .. given, .. output],
            ["bench", "step", .. blocks, .. Bf16], ["summary", .. blocks, .. Bf16], ["latency", "measure", .. blocks, .. Bf16],
            [.. fixture.Supernet(folder), .. blocks, .. Bf16],
            ["scratch", .. fixture.Network, "--architecture", "4 1 2 3 0", .. output, .. blocks, .. Bf16],
        })
        {
            Outcome outcome = PipelineFixture.Expect(1, command);
            Assert.Contains("--precision bf16: block 0 of this network is or can be shuff", outcome.Error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(folder));
        PipelineFixture.Expect(0, [.. Evaluation(plus), "--precision", "fp32"]);
    }

    [NvidiaFact("libnvrtc.so.11.2")]
    public void A_gpu_without_tensor_cores_for_bf16_is_refused_before_anything_is_written()
    {
        var environment = new Dictionary<string, string> { ["SPOS_CHECKED_ARCHITECTURE"] = "75" };
        string folder = fixture.At("of-an-early-gpu");
        string[] output = ["--output-dir", folder], given = [.. Data, "--checkpoint", fixture.At("supernet")];
        foreach (string[] command in new string[][]
        {
            ["eval", .. given, "--architecture", "0 1 2 3 0"], ["search", .. given, .. output], ["rank", .. given, .. output],
            ["bench", "step"], ["bench", "launches"], ["summary", "--batch-size", "2"], ["latency", "measure"], fixture.Supernet(folder),
            ["scratch", .. fixture.Network, "--architecture", "0 1 2 3 0", .. output],
        })
        {
            Outcome outcome = SposProcess.RunOn(CheckedDevice.Name, environment, [.. command, .. Bf16]);
            Assert.True(outcome.Code == 1, outcome.Error);
            Assert.Matches(
                @"^spos: --precision bf16: cuda:0 \(.*, sm_75\) has no tensor cores that multiply bf16, which GPUs have from compute "
                    + @"capability 8\.0 \(sm_80\) on\. Use --precision fp32\.$",
                outcome.Error.Trim().Split('\n')[^1]);
        }
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void An_evaluation_says_what_it_computed_in()
    {
        Assert.Matches(@"\bprecision +fp32\n", PipelineFixture.Expect(0, Evaluation(fixture.At("supernet"))).Output);
        string[] inCapitals = [.. Evaluation(fixture.At("supernet")), "--precision", "BF16"];
        Assert.Matches(@"\bprecision +bf16\n", PipelineFixture.Expect(0, inCapitals).Output);
    }

    [Fact]
    public void A_search_keeps_it()
    {
        string folder = fixture.At("search");
        string[] search =
        [
            "search", .. Data, "--checkpoint", fixture.At("supernet"), "--output-dir", folder, "--max-epochs", "1", "--num-population", "3",
            "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1", "--train-batch-size", "8",
        ];
        PipelineFixture.Expect(0, [.. search, .. Bf16]);
        Assert.Equal("bf16", Kept("run.json", "options"));
        Assert.Equal("bf16", Kept("search.json", "Options"));
        Assert.Contains("--precision bf16, not fp32.", PipelineFixture.Expect(2, search).Error, StringComparison.Ordinal);
        Assert.Contains("3 are known already", PipelineFixture.Expect(0, [.. search, .. Bf16]).Output, StringComparison.Ordinal);

        string? Kept(string file, string options)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file)));
            return document.RootElement.GetProperty(options).GetProperty("precision").GetString();
        }
    }

    // Nor with or without a CPU's instructions for it.
    [Fact]
    public void Training_in_bf16_gives_the_same_bits_with_any_number_of_threads_and_others_than_fp32()
    {
        string one = fixture.At("one-thread"), two = fixture.At("two-threads");
        var environment = new Dictionary<string, string> { ["SPOS_NO_BF16"] = "1" };
        PipelineFixture.Expect(0, [.. fixture.Supernet(one), .. Bf16, "--threads", "1"]);
        Outcome outcome = SposProcess.RunWith(environment, [.. fixture.Supernet(two), .. Bf16, "--threads", "2"]);
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal(Newest(one), Newest(two));
        Assert.Equal(Losses(one), Losses(two));
        Assert.NotEqual(Losses(fixture.At("supernet")), Losses(two));

        static byte[] Newest(string run) => File.ReadAllBytes(Directory.GetFiles(run, "*.spos").Max(StringComparer.Ordinal)!);
        static IEnumerable<double> Losses(string run) =>
        [
            .. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
                .Where(line => line.TryGetProperty("loss", out _)).Select(line => line.GetProperty("loss").GetDouble()),
        ];
    }

    private string[] Data => ["--imagenet-dir", fixture.Data];

    private string[] Evaluation(string checkpoint) =>
    [
        "eval", .. Data, "--checkpoint", checkpoint, "--architecture", "0 1 2 3 0", "--train-iters", "1", "--train-batch-size", "8",
    ];
}
