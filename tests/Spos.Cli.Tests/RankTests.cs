using System.Text.Json;
using Spos.Space;

namespace Spos.Cli.Tests;

public sealed class RankTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void The_report_compares_scores_with_training_and_is_repeated_from_its_file()
    {
        string folder = fixture.At("rank");
        string[] rank =
        [
            "rank", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--num-architectures", "4",
            "--recalibrations", "3", "--train-iters", "2", "--train-batch-size", "8", "--epochs", "1", "--batch-size", "8",
            "--learning-rate", "0.1", "--init", "aligned", "--output-dir", folder,
        ];
        Outcome outcome = PipelineFixture.Expect(0, rank);
        Assert.Matches(@"Kendall's tau +(-?\d\.\d\d|NaN) \(95% interval", outcome.Output);
        using JsonDocument figures = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "rank.json")));
        JsonElement[] architectures = [.. figures.RootElement.GetProperty("Architectures").EnumerateArray()];
        Assert.Equal(4, architectures.Select(a => a.GetProperty("Architecture").GetString()).Distinct().Count());
        Assert.All(architectures, a => Assert.Equal(3, a.GetProperty("Scores").GetArrayLength()));
        Assert.True(File.Exists(Path.Combine(folder, "ranking.png")));

        // An architecture's training is that of spos scratch.
        string first = architectures[0].GetProperty("Architecture").GetString()!;
        PipelineFixture.Expect(
            0, ["scratch", .. fixture.Network, "--architecture", first, "--epochs", "1", "--output-dir", fixture.At("alone")]);
        using JsonDocument alone = JsonDocument.Parse(File.ReadAllText(fixture.At("alone/result.json")));
        Assert.Equal(alone.RootElement.GetProperty("top1").GetDouble(), architectures[0].GetProperty("Standalone").GetDouble());

        Outcome again = PipelineFixture.Expect(0, rank);
        Assert.Equal(
            outcome.Output[outcome.Output.IndexOf("Ranking", StringComparison.Ordinal)..],
            again.Output[again.Output.IndexOf("Ranking", StringComparison.Ordinal)..]);
        Assert.Contains(
            "--recalibrations 3, not 2", PipelineFixture.Expect(2, [.. rank.Select(a => a == "3" ? "2" : a)]).Error,
            StringComparison.Ordinal);
        foreach (string told in new[]
        {
            "sparse tau, to 0.1%", "tau of FLOPs alone", "tau at equal FLOPs", "regret of the top 1", "regret of the top 3",
            "tau of trainings        unknown: --repeats 2", "is unknown: fewer than 10 architectures",
        })
        {
            Assert.Contains(told, outcome.Output, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("regret of the top 5", outcome.Output, StringComparison.Ordinal);

        // A ranking that is done goes on with a training more of each, which is that of another seed.
        Outcome repeated = PipelineFixture.Expect(0, [.. rank, "--repeats", "2", "--resume"]);
        foreach (string told in new[] { "deviation of trainings", "between two of 2 seeds", "noise of a training", "rho's ceiling" })
        {
            Assert.Contains(told, repeated.Output, StringComparison.Ordinal);
        }
        string run = File.ReadAllText(Path.Combine(folder, "architecture-000-seed-43", "run.json"));
        Assert.Contains("\"seed\": \"43\"", run, StringComparison.Ordinal);
        string[] seed = ["--seed", "43", "--output-dir", fixture.At("other")];
        PipelineFixture.Expect(0, ["scratch", .. fixture.Network, "--architecture", first, "--epochs", "1", .. seed]);
        Assert.Equal(LastLoss(fixture.At("other")), LastLoss(Path.Combine(folder, "architecture-000-seed-43")));
        Assert.NotEqual(LastLoss(fixture.At("other")), LastLoss(Path.Combine(folder, "architecture-000")));
        using JsonDocument other = JsonDocument.Parse(File.ReadAllText(fixture.At("other/result.json")));
        using JsonDocument after = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "rank.json")));
        JsonElement again0 = after.RootElement.GetProperty("Architectures")[0];
        Assert.Equal(other.RootElement.GetProperty("top1").GetDouble(), again0.GetProperty("Repeats")[0].GetDouble());
        Assert.Equal(architectures[0].GetProperty("Standalone").GetDouble(), again0.GetProperty("Standalone").GetDouble());
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json")));
        foreach (string name in new[] { "sparse_kendall_tau", "flops_tau", "partial_tau", "regret", "agreement", "verdict" })
        {
            Assert.NotEqual(JsonValueKind.Null, result.RootElement.GetProperty(name).ValueKind);
        }
        Assert.Equal("unknown", result.RootElement.GetProperty("trusted").GetString());
    }

    [Theory]
    [InlineData("--repeats", "0", "1 to 100")]
    [InlineData("--repeats", "101", "1 to 100")]
    [InlineData("--flops-bins", "0", "1 to 32")]
    [InlineData("--flops-bins", "17", "--num-architectures 16 are fewer than one of each part")]
    public void What_cannot_be_repeated_or_divided_is_refused(string option, string value, string says)
    {
        string folder = fixture.At("refused");
        Outcome outcome = PipelineFixture.Expect(
            2, "rank", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), option, value, "--output-dir", folder);
        Assert.Contains($"{option} {value}", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Architectures_of_each_part_of_the_range_of_FLOPs_are_compared()
    {
        string folder = fixture.At("binned");
        Outcome outcome = PipelineFixture.Expect(
            0, "rank", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--num-architectures", "4",
            "--flops-bins", "2", "--flops-limit", "1e12", "--recalibrations", "1", "--train-iters", "1", "--train-batch-size", "8",
            "--epochs", "1", "--batch-size", "8", "--learning-rate", "0.1", "--output-dir", folder);
        Assert.Contains("4 from 2 equal parts of the range of FLOPs", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("tau within the parts", outcome.Output, StringComparison.Ordinal);
        using JsonDocument figures = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "rank.json")));
        double[] flops =
            [.. figures.RootElement.GetProperty("Architectures").EnumerateArray().Select(a => a.GetProperty("Flops").GetDouble())];
        // From each in turn, the cheaper part first.
        Assert.True(Math.Max(flops[0], flops[2]) < Math.Min(flops[1], flops[3]));
    }

    private static double LastLoss(string folder)
    {
        string line = File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Last(l => l.Contains("\"loss\"", StringComparison.Ordinal));
        using JsonDocument metrics = JsonDocument.Parse(line);
        return metrics.RootElement.GetProperty("loss").GetDouble();
    }
}
