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
    }
}
