using System.Text.Json;

namespace Spos.Cli.Tests;

public sealed class FrontTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void A_front_is_trained_told_drawn_and_exported()
    {
        string folder = fixture.At("front");
        string[] front = [.. Front(Search("search", []), folder), "--random", "1", "--handmade", "1"];
        Outcome outcome = PipelineFixture.Expect(0, front);
        JsonElement[] networks = NetworksOf(folder);
        Assert.Contains("Front, trained from scratch", outcome.Output, StringComparison.Ordinal);
        foreach (string told in new[] { "networks of the front", "random networks", "hand-made networks", "top-1 in the supernet" })
        {
            Assert.Contains(told, outcome.Output, StringComparison.Ordinal);
        }
        foreach (JsonElement network in networks)
        {
            string name = network.GetProperty("name").GetString()!;
            string[] row = outcome.Output.Split('\n').Select(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Single(words => words.FirstOrDefault() == name);
            Assert.Contains($"{network.GetProperty("top1").GetDouble():0.00%}", row);
            Assert.Contains(network.GetProperty("best").GetBoolean() ? "yes" : "no", row);
            bool isScored = network.GetProperty("score").ValueKind == JsonValueKind.Number;
            Assert.Equal(name.StartsWith("front_", StringComparison.Ordinal), isScored);
            // Each format is read again, as the architecture is.
            string architecture = string.Join(' ', network.GetProperty("architecture").EnumerateArray());
            string file = Path.Combine(folder, "exports", name);
            foreach (string ending in new[] { "pth", "safetensors" })
            {
                string imported = fixture.At($"{name}-{ending}");
                PipelineFixture.Expect(0, "import", "--checkpoint", $"{file}.{ending}", "--output-dir", imported);
                Outcome measured = PipelineFixture.Expect(0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", imported);
                Assert.Matches($"top-1 on val +{network.GetProperty("top1").GetDouble():0.00%}", measured.Output);
                Assert.Contains(architecture, measured.Output, StringComparison.Ordinal);
            }
            Outcome summary = PipelineFixture.Expect(
                0, "summary", "--checkpoint", fixture.At("supernet"), "--architecture", $"{file}.json");
            Assert.Contains(architecture, summary.Output, StringComparison.Ordinal);
            Assert.True(new FileInfo($"{file}.onnx").Length > 1000);
            Assert.Contains($"{name}.pth", File.ReadAllText($"{file}.py"), StringComparison.Ordinal);
        }
        string svg = File.ReadAllText(Path.Combine(folder, "front.svg"));
        foreach (string legend in new[] { "front of the search", "random", "hand-made: all blocks alike" })
        {
            Assert.Contains(legend, svg, StringComparison.Ordinal);
        }

        // A network's training is that of spos scratch.
        JsonElement first = networks.Single(network => network.GetProperty("name").GetString() == "front_000");
        PipelineFixture.Expect(
            0, "scratch", "--imagenet-dir", fixture.Data, "--architecture", Path.Combine(folder, "exports", "front_000.json"),
            "--epochs", "1", "--batch-size", "8", "--learning-rate", "0.1", "--image-size", "32", "--stem-channels", "8",
            "--stage-repeats", "1,1,2,1", "--stage-channels", "16,24,32,48", "--last-channels", "32", "--output-dir", fixture.At("alone"));
        using JsonDocument alone = JsonDocument.Parse(File.ReadAllText(fixture.At("alone/result.json")));
        Assert.Equal(alone.RootElement.GetProperty("top1").GetDouble(), first.GetProperty("top1").GetDouble());

        // It is told again without training anew.
        Outcome again = PipelineFixture.Expect(0, [.. front, "--resume"]);
        Assert.DoesNotContain("img/s", again.Output, StringComparison.Ordinal);
        string results = outcome.Output[outcome.Output.IndexOf("Front,", StringComparison.Ordinal)..];
        Assert.EndsWith(results, again.Output, StringComparison.Ordinal);
        string[] more = [.. front.Select((word, i) => i > 0 && front[i - 1] == "--random" ? "3" : word)];
        Assert.Contains("--random 1, not 3", PipelineFixture.Expect(2, more).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_front_of_channel_scales_is_fine_tuned_from_its_supernet()
    {
        string supernet = fixture.At("scaled"), folder = fixture.At("scaled-front");
        PipelineFixture.Expect(0, [.. fixture.Supernet(supernet), "--blocks", "shuffle-v2-channels"]);
        string search = Search("scaled-search", ["--objectives", "params,flops"], supernet);
        string[] front = [.. Front(search, folder), "--inherit", "--random", "2", "--handmade", "3", "--precision", "bf16"];
        Outcome outcome = PipelineFixture.Expect(0, front);
        Assert.Contains("Front, fine-tuned", outcome.Output, StringComparison.Ordinal);
        // The first objective is the cost that networks are chosen along.
        JsonElement[] networks = NetworksOf(folder);
        double[] parameters = [.. networks.Select(network => network.GetProperty("costs").GetProperty("parameters").GetDouble())];
        Assert.Equal(parameters.Order(), parameters);
        Assert.All(networks, network => Assert.Equal(5, network.GetProperty("channel_scales").GetArrayLength()));
        Assert.Contains("parameters (millions)", File.ReadAllText(Path.Combine(folder, "front.svg")), StringComparison.Ordinal);
        Assert.Contains(
            "with --inherit", PipelineFixture.Expect(2, [.. front.Where(a => a != "--inherit")]).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--num-networks", "1", "2 to 10000")]
    [InlineData("--random", "-1", "0 to 10000")]
    [InlineData("--along", "energy", "flops, params and latency are possible")]
    [InlineData("--checkpoint", "supernet", "--checkpoint needs --inherit")]
    public void What_cannot_be_trained_is_refused(string option, string value, string says)
    {
        string folder = fixture.At("refused");
        Outcome outcome = PipelineFixture.Expect(2, "front", "--imagenet-dir", fixture.Data, $"{option}={value}", "--output-dir", folder);
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        Assert.Contains(option, outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void A_search_elsewhere_and_another_data_set_are_refused()
    {
        string folder = fixture.At("refused"), data = fixture.At("two-classes"), search = Search("small", []);
        PipelineFixture.Expect(
            0, "dataset", "make", "--output-dir", data, "--classes", "2", "--train", "8", "--val", "2", "--size", "32");
        Assert.Contains(
            "other classes than the search of", PipelineFixture.Expect(
                1, [.. Front(search, folder).Select(a => a == fixture.Data ? data : a)]).Error, StringComparison.Ordinal);
        Outcome elsewhere = PipelineFixture.Expect(2, Front(fixture.At("supernet"), folder));
        Assert.Contains("holds a supernet run", elsewhere.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    private static JsonElement[] NetworksOf(string folder)
    {
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json")));
        return [.. result.RootElement.GetProperty("networks").EnumerateArray().Select(network => network.Clone())];
    }

    private string[] Front(string search, string folder) =>
    [
        "front", "--imagenet-dir", fixture.Data, "--search", search, "--num-networks", "2", "--epochs", "1", "--batch-size", "8",
        "--learning-rate", "0.1", "--output-dir", folder,
    ];

    private string Search(string name, string[] options, string? supernet = null)
    {
        PipelineFixture.Expect(
            0, ["search", "--imagenet-dir", fixture.Data, "--checkpoint", supernet ?? fixture.At("supernet"), "--output-dir",
            fixture.At(name), "--strategy", "nsga2", "--max-epochs", "2", "--num-population", "8", "--num-select", "4", "--num-crossover",
            "3", "--num-mutation", "3", "--train-iters", "1", "--train-batch-size", "8", .. options]);
        return fixture.At(name);
    }
}
