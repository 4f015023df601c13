using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>--precision: what takes it, what it is refused with, and where it is told.</summary>
public sealed class PrecisionTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly string[] Bf16 = ["--precision", "bf16"];

    [Theory]
    [InlineData("unfused")]
    [InlineData("cudnn")]
    [InlineData("auto")]
    public void Other_plans_are_refused_before_anything_is_opened(string plan)
    {
        string folder = fixture.At($"refused-{plan}");
        string[] wrong = [.. Bf16, "--plan", plan], missing = ["--checkpoint", fixture.At("missing")], output = ["--output-dir", folder];
        foreach (string[] command in new string[][]
        {
            ["eval", .. missing], ["search", .. missing, .. output], ["rank", .. missing, .. output], ["bench", "step"],
            ["bench", "launches"],
        })
        {
            Outcome outcome = PipelineFixture.Expect(2, [.. command, .. wrong]);
            Assert.Equal($"spos: --precision bf16 needs --plan fused: --plan {plan} computes in fp32 only.", outcome.Error.Trim());
        }
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Blocks_without_kernels_are_refused_before_anything_is_written()
    {
        string plus = fixture.At("plus"), folder = fixture.At("of-plus");
        PipelineFixture.Expect(0, [.. fixture.Supernet(plus, epochs: 1), "--blocks", "shuffle-v2+"]);
        string[] given = [.. Data, "--checkpoint", plus, .. Bf16], output = ["--output-dir", folder];
        foreach (string[] command in new string[][]
        {
            ["eval", .. given, "--architecture", "0 1 2 3 0"], ["search", .. given, .. output], ["rank", .. given, .. output],
            ["bench", "step", "--blocks", "shuffle-v2+", .. Bf16],
        })
        {
            Outcome outcome = PipelineFixture.Expect(1, command);
            Assert.Contains("--precision bf16: block 0 of this network is or can be shuff", outcome.Error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(folder));
        PipelineFixture.Expect(0, [.. Evaluation(plus), "--precision", "fp32"]);
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

    private string[] Data => ["--imagenet-dir", fixture.Data];

    private string[] Evaluation(string checkpoint) =>
    [
        "eval", .. Data, "--checkpoint", checkpoint, "--architecture", "0 1 2 3 0", "--train-iters", "1", "--train-batch-size", "8",
    ];
}
