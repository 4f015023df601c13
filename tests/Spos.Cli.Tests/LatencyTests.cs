using System.Text.Json;
using Spos.Engine.Supernet;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Cli.Tests;

public sealed class LatencyTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly string[] Sizes =
    [
        "--image-size", "32", "--classes", "3", "--stem-channels", "8", "--stage-repeats", "1,1,2,1", "--stage-channels", "16,24,32,48",
        "--last-channels", "32",
    ];

    [Fact]
    public void A_table_is_measured_and_predicts_paths()
    {
        string file = fixture.At("latency.json"), supernet = fixture.At("supernet");
        Outcome outcome = PipelineFixture.Expect(
            0, ["latency", "measure", .. Sizes, "--threads", "1", "--rounds", "10", "--runs", "1", "--validate", "4", "--output", file]);
        // 4 alternatives a round, and 10 visits of each network of the validation.
        Assert.Contains(
            "10 rounds, in which 80 networks are timed, 40 of them for the validation: about 0:", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(@"mean relative error +[0-9.]+%", outcome.Output);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement root = document.RootElement;
        Assert.Equal((1, 1, "fp32", "fused"), (
            root.GetProperty("batch_size").GetInt32(), root.GetProperty("threads").GetInt32(), root.GetProperty("precision").GetString(),
            root.GetProperty("plan").GetString()));
        Assert.Equal(4, root.GetProperty("validation").GetProperty("networks").GetArrayLength());

        // The options say the sizes of the supernet.
        (NetworkSpec spec, _, _) = Spos.Runs.Phases.NamedNetwork.Of(supernet, null, _ => { });
        CostTable costs = LatencyTable.Read(file, spec).Costs;
        Assert.All(
            root.GetProperty("validation").GetProperty("networks").EnumerateArray(),
            one => Assert.Equal(
                one.GetProperty("predicted_ns").GetInt64(), costs.Of(Architecture.Parse(one.GetProperty("architecture").GetString()!))));
        string path = PipelineFixture.Expect(
            0, "summary", "--checkpoint", supernet, "--latency-table", file, "--architecture", "2 1 0 1 2").Output;
        string time = CostMeasure.Latency.NumberOf(costs.Of(new Architecture([2, 1, 0, 1, 2])));
        Assert.Contains($"{time}: batches of 1 in fp32 on host", path, StringComparison.Ordinal);
        string[] measure =
            ["summary", "--device", "host", "--checkpoint", supernet, "--latency-table", file, "--architecture", "2 1 0 1 2", "--measure"];
        Assert.Matches(@"of the table's time +\d+\.\d%", PipelineFixture.Expect(0, measure).Output);
        Assert.Matches(
            "of the table's time +none: the table is of another batch size, precision or program",
            PipelineFixture.Expect(0, [.. measure, "--batch-size", "2"]).Output);
        string all = PipelineFixture.Expect(0, "summary", "--checkpoint", supernet, "--latency-table", file).Output;
        Assert.Contains($"{CostMeasure.Latency.NumberOf(costs.Least, costs.Most)}: ", all, StringComparison.Ordinal);
        string other = PipelineFixture.Expect(1, "summary", "--latency-table", file).Error;
        Assert.Contains($"{file}: it was measured with image_size 32; the network has 224.", other, StringComparison.Ordinal);

        A_front_over_it_is_searched(file, costs);

        // A checkpoint says the same, and the file is written anew.
        PipelineFixture.Expect(
            0, "latency", "measure", "--checkpoint", supernet, "--rounds", "10", "--runs", "1", "--validate", "2", "--batch-size", "3",
            "--precision", "bf16", "--output", file);
        Assert.Contains("batches of 3 in bf16", LatencyTable.Read(file, spec).Table.Conditions, StringComparison.Ordinal);
    }

    private void A_front_over_it_is_searched(string table, CostTable costs)
    {
        string folder = fixture.At("latency-front"), configured = fixture.At("latency-front-configured");
        Outcome searched = PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--strategy", "nsga2", "--objectives",
            "flops,latency", "--latency-table", table, "--output-dir", folder, "--max-epochs", "2", "--num-population", "4", "--num-select",
            "2", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "2", "--train-batch-size", "8");
        string front = File.ReadAllText(Path.Combine(folder, "front.json"));
        using JsonDocument document = JsonDocument.Parse(front);
        foreach (JsonElement member in document.RootElement.EnumerateArray())
        {
            var path = Architecture.Parse(member.GetProperty("architecture").GetString()!);
            Assert.Equal(costs.Of(path), member.GetProperty("costs").GetProperty("latency").GetInt64());
            Assert.Contains(CostMeasure.Latency.NumberOf(costs.Of(path)), searched.Output, StringComparison.Ordinal);
        }
        foreach (string plot in new[] { "accuracy-over-flops", "accuracy-over-latency" })
        {
            Assert.True(File.Exists(Path.Combine(folder, $"{plot}.svg")), plot);
        }
        Assert.Contains("latency (ms)", File.ReadAllText(Path.Combine(folder, "accuracy-over-latency.svg")), StringComparison.Ordinal);
        A_front_along_it_is_trained(folder);
        // The configuration that it leaves repeats it, with the table as it was.
        string kept = File.ReadAllText(table);
        File.WriteAllText(table, kept.Replace("\"constant_ns\": ", "\"constant_ns\": 9", StringComparison.Ordinal));
        PipelineFixture.Expect(0, "search", "--config", Path.Combine(folder, "config_search.yml"), "--output-dir", configured);
        Assert.Equal(front, File.ReadAllText(Path.Combine(configured, "front.json")));
        File.Copy(table, Path.Combine(folder, "latency-table.json"), overwrite: true);
        Assert.Contains(
            "latency-table.json is not the table that the search of its folder was made with: it has changed since.",
            PipelineFixture.Expect(
                1, "search", "--config", Path.Combine(folder, "config_search.yml"), "--output-dir", fixture.At("latency-changed")).Error,
            StringComparison.Ordinal);
        File.WriteAllText(table, kept);
    }

    private void A_front_along_it_is_trained(string search)
    {
        string folder = fixture.At("latency-trained");
        Outcome outcome = PipelineFixture.Expect(
            0, "front", "--imagenet-dir", fixture.Data, "--search", search, "--along", "latency", "--num-networks", "2", "--random", "1",
            "--handmade", "1", "--epochs", "1", "--batch-size", "8", "--output-dir", folder);
        Assert.Matches("network +latency +FLOPs +parameters", outcome.Output);
        Assert.Contains("latency (ms)", File.ReadAllText(Path.Combine(folder, "front.svg")), StringComparison.Ordinal);
        Assert.Contains("FLOPs (millions", File.ReadAllText(Path.Combine(folder, "front-flops.svg")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_of_ONNX_Runtime_is_measured_and_says_so()
    {
        string file = fixture.At("onnx-latency.json"), supernet = fixture.At("supernet");
        Outcome outcome = WithOnnxRuntime(
            "--checkpoint", supernet, "--target", "onnxruntime", "--threads", "1", "--rounds", "10", "--runs", "2", "--validate", "2",
            "--output", file);
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Matches(@", by ONNX Runtime \d+\.\d+\.\d+ \(.*libonnxruntime\.so\)\.", outcome.Output);
        Assert.Contains("10 rounds, in which 60 networks are timed", outcome.Output, StringComparison.Ordinal);
        (NetworkSpec spec, _, _) = Spos.Runs.Phases.NamedNetwork.Of(supernet, null, _ => { });
        LatencyTable table = LatencyTable.Read(file, spec).Table;
        Assert.Equal(
            ("onnxruntime", null, null, "fp32", 1),
            (table.Target, table.Plan, table.InstructionSet, table.Precision, table.Threads));
        Assert.Matches(@"^batches of 1 in fp32 on host \(.*\), 1 thread, by onnxruntime \d+\.\d+\.\d+$", table.Conditions);
        // So few measurements on a busy machine say little of a time but that there is one.
        Assert.All(table.Validation!.Networks!, one => Assert.True(one.Measured > 0));

        // What it predicts is told with whose times they are, and a search says so too.
        string summary = PipelineFixture.Expect(0, "summary", "--checkpoint", supernet, "--latency-table", file).Output;
        Assert.Contains(table.Conditions, summary, StringComparison.Ordinal);
        Outcome searched = PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", supernet, "--latency-table", file, "--latency-limit", "1s",
            "--output-dir", fixture.At("onnx-search"), "--max-epochs", "1", "--num-population", "4", "--num-select", "2", "--num-crossover",
            "2", "--num-mutation", "2", "--train-iters", "1", "--train-batch-size", "8", "--precision", "bf16");
        string row = searched.Output.Split('\n').Single(line => line.Contains("latency measured with", StringComparison.Ordinal));
        Assert.Contains("batches of 1 in fp32 on host", row, StringComparison.Ordinal);
        // In whatever candidates are scored: exports are fp32.
        Assert.DoesNotContain("was measured in fp32", searched.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_ONNX_Runtime_cannot_do_is_a_usage_error()
    {
        string[] measure = ["--checkpoint", fixture.At("supernet"), "--output", fixture.At("refused.json"), "--target", "onnxruntime"];
        Says(2, "--target onnxruntime: spos export writes fp32, which --precision bf16 is not.", "--precision", "bf16");
        Says(2, "--target onnxruntime: --plan is of what computes in --target spos.", "--plan", "unfused");
        Says(2, "--target onnxruntime is ONNX Runtime on the CPU, which --device simt is not.", "--device", "simt");
        Says(2, "--target tvm: spos and onnxruntime are possible.", "--target=tvm");
        Outcome missing = SposProcess.RunWith(
            new Dictionary<string, string> { ["SPOS_ONNXRUNTIME"] = fixture.Data }, ["latency", "measure", .. measure]);
        Assert.Equal(1, missing.Code);
        Assert.Contains($"SPOS_ONNXRUNTIME: {fixture.Data} holds no libonnxruntime.so.1", missing.Error, StringComparison.Ordinal);
        string notes = fixture.At("libonnxruntime.so");
        File.WriteAllText(notes, "no library");
        Outcome text = SposProcess.RunWith(
            new Dictionary<string, string> { ["SPOS_ONNXRUNTIME"] = notes }, ["latency", "measure", .. measure]);
        Assert.Equal(1, text.Code);
        Assert.Contains($"{notes} cannot be loaded as ONNX Runtime", text.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(fixture.At("refused.json")));

        void Says(int code, string message, params string[] options)
        {
            bool isTarget = options[0].StartsWith("--target", StringComparison.Ordinal);
            Outcome outcome = WithOnnxRuntime([.. isTarget ? measure.SkipLast(2) : measure, .. options]);
            Assert.Equal(code, outcome.Code);
            Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        }
    }

    // With the library that the tests carry.
    private static Outcome WithOnnxRuntime(params string[] options) =>
        SposProcess.RunWith(SposProcess.OnnxRuntime, ["latency", "measure", .. options]);

    [Fact]
    public void What_cannot_be_measured_is_a_usage_error()
    {
        string[] measure = ["latency", "measure", .. Sizes];
        Says("--rounds 9: a network of 5 blocks needs at least 10.", [.. measure, "--rounds", "9"]);
        // A quarter of 4^5.
        Says("--validate 257: of this network's paths at most 256 are possible.", [.. measure, "--validate", "257"]);
        string[] trained = ["--checkpoint", fixture.At("supernet")];
        Says("--last-channels 64: the network of ", ["latency", "measure", .. trained, "--last-channels", "64"]);
        Says("--batch-size 65536: at --image-size 2048 at most", ["latency", "measure", "--image-size", "2048", "--batch-size", "65536"]);
        string file = fixture.At("notes.json");
        File.WriteAllText(file, "{\"mine\": 1}");
        Says($"--output {file} is there already, and is not a table of latencies.", [.. measure, "--output", file]);
        Assert.Equal("{\"mine\": 1}", File.ReadAllText(file));

        static void Says(string message, string[] command) =>
            Assert.Contains(message, PipelineFixture.Expect(2, command).Error, StringComparison.Ordinal);
    }
}
