using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>Searches in which a predictor chooses what is scored, as users ask for them.</summary>
public sealed class PredictorTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void A_search_tells_how_well_it_was_predicted_and_its_configuration_repeats_it()
    {
        string folder = fixture.At("predicted"), configured = fixture.At("predicted-configured");
        string[] search =
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--max-epochs", "3", "--num-population", "10",
            "--num-select", "4", "--num-crossover", "5", "--num-mutation", "5", "--train-iters", "2", "--train-batch-size", "8",
        ];
        string[] predicted = [.. search, "--predictor", "ridge", "--predictor-pool", "4"];
        string output = PipelineFixture.Expect(0, [.. predicted, "--output-dir", folder]).Output;
        // A constant score cannot be ordered.
        Assert.Matches(
            @"predictor +Kendall's τ of predictions and scores (-?\d\.\d\d|none), (-?\d\.\d\d|none), from generation 2\s+on", output);
        using (JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json"))))
        {
            JsonElement[] predictions = [.. result.RootElement.GetProperty("predictions").EnumerateArray()];
            Assert.Equal([1, 2], predictions.Select(one => one.GetProperty("generation").GetInt32()));
            Assert.Equal([10, 20], predictions.Select(one => one.GetProperty("learned_from").GetInt32()));
            Assert.Equal([10, 10], predictions.Select(one => one.GetProperty("candidates").GetInt32()));
        }

        // Another library for the arithmetic, which is not there, may be asked for.
        var environment = new Dictionary<string, string> { ["MathNetNumericsLAProvider"] = "MKL" };
        Outcome again = SposProcess.RunWith(
            environment, "search", "--config", Path.Combine(folder, "config_search.yml"), "--output-dir", configured);
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(Scores(folder), Scores(configured));
        string plain = fixture.At("not-predicted");
        Assert.DoesNotContain("Kendall", PipelineFixture.Expect(0, [.. search, "--output-dir", plain]).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("predictor", File.ReadAllText(Path.Combine(plain, "config_search.yml")), StringComparison.Ordinal);
        Assert.NotEqual(Scores(folder), Scores(plain));

        // It goes on with the same predictor, and the same pool.
        PipelineFixture.Expect(0, [.. predicted, "--output-dir", folder, "--resume"]);
        Assert.Contains(
            "--predictor-pool 4, not 10.",
            PipelineFixture.Expect(2, [.. search, "--predictor", "ridge", "--output-dir", folder]).Error, StringComparison.Ordinal);
        Assert.Contains(
            "--predictor ridge, not (unset).", PipelineFixture.Expect(2, [.. search, "--output-dir", folder]).Error,
            StringComparison.Ordinal);
    }

    private static string Scores(string folder)
    {
        using JsonDocument state = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "search.json")));
        return state.RootElement.GetProperty("Scores").GetRawText();
    }
}
