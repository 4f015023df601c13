using System.Globalization;
using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>
/// All phases on the emulated GPU, by the managed code that a real one would run: streams, events, loaders and all. What
/// they compute is held against the host.
/// </summary>
public sealed class EmulatedDeviceTests : IDisposable
{
    // Sums are divided otherwise on the two devices: fp32 rounding over the few steps taken here, with room.
    private const double RelativeTolerance = 1e-5;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-simt-").FullName;

    [Fact]
    public void Training_search_and_evaluation_agree_with_the_host()
    {
        Expect(null, "dataset", "make", "--output-dir", At("data"), "--classes", "3", "--train", "6", "--val", "2", "--size", "32", "--difficulty", "0.1");
        Phases host = Run("host"), simt = Run("simt");
        Assert.Equal(host.Losses.Length, simt.Losses.Length);
        Assert.Equal(5, host.Losses.Length);
        for (int i = 0; i < host.Losses.Length; i++) Assert.InRange(simt.Losses[i] / host.Losses[i], 1 - RelativeTolerance, 1 + RelativeTolerance);
        Assert.Equal(host.Scores, simt.Scores);
        Assert.Equal(host.Architecture, simt.Architecture);
        Assert.Equal(host.Evaluation, simt.Evaluation);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Losses of supernet and scratch training, the search's candidates and winner, what eval printed of the winner.
    private sealed record Phases(double[] Losses, string Scores, string Architecture, string Evaluation);

    private Phases Run(string device)
    {
        string[] data = ["--imagenet-dir", At("data"), "--workers", "2"];
        string[] network =
        [
            .. data, "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,1,1,1", "--stage-channels", "12,16,20,24",
            "--last-channels", "16", "--batch-size", "6", "--learning-rate", "0.05", "--epochs", "1", "--log-frequency", "1",
        ];
        string supernet = At($"{device}-supernet"), search = At($"{device}-search"), scratch = At($"{device}-scratch");
        string architecture = Path.Combine(search, "architecture_final.json");
        Expect(device, ["supernet", .. network, "--paths-per-step", "2", "--held-out", "0.3", "--random-paths", "1", "--output-dir", supernet]);
        Expect(device, ["search", .. data, "--checkpoint", supernet, "--max-epochs", "2", "--num-population", "3", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1", "--train-batch-size", "6", "--select-on", "val", "--output-dir", search]);
        Expect(device, ["scratch", .. network, "--architecture", architecture, "--output-dir", scratch]);
        string[] evaluation = Expect(device, ["eval", .. data, "--checkpoint", scratch]).Split('\n');
        double[] losses = [.. new[] { supernet, scratch }.SelectMany(run => File.ReadLines(Path.Combine(run, "metrics.jsonl"))).Select(Loss).OfType<double>()];
        using JsonDocument scores = JsonDocument.Parse(File.ReadAllText(Path.Combine(search, "search.json")));
        return new Phases(
            losses, scores.RootElement.GetProperty("Scores").GetRawText(), File.ReadAllText(architecture),
            string.Join('\n', evaluation.Where(l => l.Contains("top-", StringComparison.Ordinal) || l.Contains("loss", StringComparison.Ordinal))));
    }

    private static double? Loss(string line)
    {
        using JsonDocument metrics = JsonDocument.Parse(line);
        return metrics.RootElement.TryGetProperty("loss", out JsonElement loss) ? loss.GetDouble() : null;
    }

    private static string Expect(string? device, params string[] arguments)
    {
        Outcome outcome = SposProcess.RunOn(device, arguments);
        Assert.True(outcome.Code == 0, string.Create(CultureInfo.InvariantCulture, $"spos {string.Join(' ', arguments)} on {device} ended with {outcome.Code}.\n{outcome.Output}\n{outcome.Error}"));
        return outcome.Output;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
