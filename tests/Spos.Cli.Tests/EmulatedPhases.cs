using System.Text.Json;
using Spos.Space;

namespace Spos.Cli.Tests;

/// <summary>
/// What the phases on a device came to: losses of supernet and scratch training, the search's candidates and winner, what eval printed
/// of the winner, the winner's checkpoint and its export.
/// </summary>
internal sealed record Phases(double[] Losses, string Scores, string ArchitectureFile, string Evaluation, string Checkpoint, string Onnx)
{
    public string Architecture => File.ReadAllText(ArchitectureFile);
}

/// <summary>Runs all phases on a tiny data set and network, once for each device that is asked for.</summary>
public sealed class EmulatedPhases : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-simt-").FullName;
    private readonly Dictionary<string, Phases> _done = [];

    public EmulatedPhases() =>
        Expect(
            null, "dataset", "make", "--output-dir", At("data"), "--classes", "3", "--train", "6", "--val", "2", "--size", "32",
            "--difficulty", "0.1");

    private string[] Data => ["--imagenet-dir", At("data"), "--workers", "2"];

    private string[] Network =>
    [
        .. Data, "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,1,1,1", "--stage-channels", "12,16,20,24",
        "--last-channels", "16", "--batch-size", "6", "--learning-rate", "0.05", "--epochs", "1", "--log-frequency", "1",
    ];

    public string At(string name) => Path.Combine(_folder, name);

    internal Phases Of(string device) => _done.TryGetValue(device, out Phases? phases) ? phases : _done[device] = Run(device);

    /// <summary>The command that trains an architecture from scratch.</summary>
    internal string[] Scratch(string architecture, string output) =>
        ["scratch", .. Network, "--architecture", architecture, "--output-dir", output];

    /// <summary>What a run that must end with success printed.</summary>
    internal static string Expect(string? device, params string[] arguments)
    {
        Outcome outcome = SposProcess.RunOn(device, arguments);
        Assert.True(
            outcome.Code == 0,
            $"spos {string.Join(' ', arguments)} on {device} ended with {outcome.Code}.\n{outcome.Output}\n{outcome.Error}");
        return outcome.Output;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Phases Run(string device)
    {
        string supernet = At($"{device}-supernet"), search = At($"{device}-search"),
            scratch = At($"{device}-scratch"), onnx = At($"{device}.onnx");
        string architecture = Path.Combine(search, "architecture_final.json");
        Expect(
            device,
            ["supernet", .. Network, "--paths-per-step", "2", "--held-out", "0.3", "--random-paths", "1", "--output-dir", supernet]);
        Expect(
            device,
            [
                "search", .. Data, "--checkpoint", supernet, "--max-epochs", "2", "--num-population", "3", "--num-select", "2",
                "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1", "--train-batch-size", "6", "--select-on", "val",
                "--concurrency", "2", "--output-dir", search,
            ]);
        Expect(device, Scratch(architecture, scratch));
        string[] evaluation = Expect(device, ["eval", .. Data, "--checkpoint", scratch]).Split('\n');
        Expect(device, "export", "--checkpoint", scratch, "--format", "onnx", "--output", onnx);
        double[] losses =
        [
            .. new[] { supernet, scratch }.SelectMany(run => File.ReadLines(Path.Combine(run, "metrics.jsonl")))
                .Select(Loss).OfType<double>(),
        ];
        using JsonDocument scores = JsonDocument.Parse(File.ReadAllText(Path.Combine(search, "search.json")));
        return new Phases(
            losses, scores.RootElement.GetProperty("Scores").GetRawText(), architecture,
            string.Join(
                '\n', evaluation.Where(l => l.Contains("top-", StringComparison.Ordinal) || l.Contains("loss", StringComparison.Ordinal))),
            Assert.Single(Directory.GetFiles(scratch, "*.spos")), onnx);
    }

    private static double? Loss(string line)
    {
        using JsonDocument metrics = JsonDocument.Parse(line);
        return metrics.RootElement.TryGetProperty("loss", out JsonElement loss) ? loss.GetDouble() : null;
    }
}
