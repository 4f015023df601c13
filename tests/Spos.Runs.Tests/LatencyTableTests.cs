using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Tests;

/// <summary>A table of latencies comes back from its file, and no file that is none of this network's is taken.</summary>
public sealed class LatencyTableTests : IDisposable
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 64,
        Classes = 10,
        StageRepeats = [1, 1, 2, 1],
    };

    private static readonly CostTable Costs = new(Spec.Space, 12_345, [
        [0, 10, 20, 30], [5, 0, 7, 1_000_000], [1, 2, 3, 0], [0, 0, 0, 0], [9, 8, 0, 7]]);

    private static readonly StudiedCosts Studied = new(
        Costs, [new(new Architecture([0, 1, 2, 3, 0]), 12_400.6, 12_357), new(new Architecture([3, 3, 3, 3, 3]), 1_012_000, 1_012_382)]);

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-latency-test-").FullName;

    private string File => Path.Combine(_folder, "latency.json");

    [Fact]
    public void What_was_written_is_read()
    {
        Table().Write(File);
        (LatencyTable table, CostTable costs) = LatencyTable.Read(File, Spec);
        Assert.Equal(Costs.Fixed, costs.Fixed);
        for (int block = 0; block < Spec.Blocks; block++) Assert.Equal(Costs.Of(block).ToArray(), costs.Of(block).ToArray());
        Assert.Equal("batches of 2 in bf16 on host (a CPU), avx512, 1 thread", table.Conditions);
        Assert.Equal([12_401, 1_012_000], table.Validation!.Networks!.Select(one => one.Measured));
        Assert.Equal([12_357, 1_012_382], table.Validation.Networks!.Select(one => one.Predicted));
        Assert.Equal(1, table.Validation.Spearman);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(System.IO.File.ReadAllBytes(File))), table.Checksum);
        Assert.Equal(Studied.MeanRelativeError, table.Validation.MeanRelativeError);
        Assert.Equal(Costs.Most, LatencyTable.Read(File, Spec).Costs.Most);
        // What does not change the time does not matter.
        Assert.Equal(Costs.Least, LatencyTable.Read(File, Spec with { Affine = true, Dropout = 0.5f }).Costs.Least);
    }

    [Theory]
    [InlineData(null, null, "")]
    [InlineData("spos", "0.1.0", "")]
    [InlineData("onnxruntime", "1.31.1", ", by onnxruntime 1.31.1")]
    [InlineData("ncnn", null, ", by ncnn")]
    public void A_table_says_whose_times_it_has(string? target, string? version, string told)
    {
        (Table() with { Target = target, TargetVersion = version }).Write(File);
        Assert.EndsWith($", 1 thread{told}", LatencyTable.Read(File, Spec).Table.Conditions, StringComparison.Ordinal);
    }

    [Fact]
    public void Alternatives_are_known_by_their_names()
    {
        Edit(root =>
        {
            JsonObject block = root["blocks_ns"]![0]!.AsObject();
            JsonNode first = block["shufflenet_3x3"]!.DeepClone();
            block.Remove("shufflenet_3x3");
            block["shufflenet_3x3"] = first;
        });
        Assert.Equal([0, 10, 20, 30], LatencyTable.Read(File, Spec).Costs.Of(0).ToArray());
    }

    [Theory]
    [InlineData(1, 0.05, null)]
    [InlineData(1, 0.051, "predictions are off by 5.1% in the mean, which is more than 5%")]
    [InlineData(0, 0.01, "by it the fastest path takes no time")]
    public void A_table_that_predicts_badly_is_doubted(long constant, double error, string? doubt)
    {
        (Table() with { Constant = constant, Validation = LatencyValidation.Of(Studied) with { MeanRelativeError = error } }).Write(File);
        Assert.Equal(doubt, LatencyTable.Read(File, Spec).Table.Doubt);
    }

    [Fact]
    public void Predictions_that_are_all_alike_have_no_rank()
    {
        (Table() with { Validation = LatencyValidation.Of(Studied with { Validation = [Studied.Validation[0], Studied.Validation[0]] }) })
            .Write(File);
        Assert.Null(LatencyTable.Read(File, Spec).Table.Validation!.Spearman);
    }

    public static TheoryData<string, string, string> Faults => new()
    {
        { "\"constant_ns\": 12345", "\"constant_ns\": -1", "constant_ns is -1, which is no time." },
        { "\"constant_ns\": 12345", "\"constant_ns\": 9223372036854775807", "constant_ns is 9223372036854775807, which is no time." },
        { "\"constant_ns\": 12345", "\"constant_ns\": 1e400", "is no table of latencies: constant_ns is missing or of another type" },
        { "\"constant_ns\": 12345", "\"constant_ns\": NaN", "is no table of latencies: it is not JSON" },
        { "\"constant_ns\": 12345", "\"constant_ms\": 1", "is no table of latencies: a field is missing or of another type" },
        { "1000000", "-1000000", "blocks_ns[1] has -1000000 for xception_3x3, which is no time." },
        { "1000000", "1000000000000001", "blocks_ns[1] has 1000000000000001 for xception_3x3, which is no time." },
        { "1000000", "1.5", "is no table of latencies: blocks_ns[1].xception_3x3 is missing or of another type" },
        { "\"shufflenet_3x3\": 5", "\"shufflenet_9x9\": 5", "blocks_ns[1] has no shufflenet_3x3." },
        { "\"shufflenet_3x3\": 5,", "", "blocks_ns[1] has 3 alternatives; the network has 4 there." },
        { "\"batch_size\": 2", "\"batch_size\": 0", "batch_size is 0; a batch has at least 1 picture." },
        { "\"image_size\": 64", "\"image_size\": 96", "it was measured with image_size 96; the network has 64." },
        { "\"classes\": 10", "\"classes\": 11", "it was measured with classes 11; the network has 10." },
        { "\"last_channels\": 1024", "\"last_channels\": 512", "it was measured with last_channels 512; the network has 1024." },
        { "\"stem_channels\": 16", "\"stem_channels\": 8", "it was measured with stem_channels 8; the network has 16." },
        { "\"blocks\": \"shuffle-v2\"", "\"blocks\": null", "it was measured with blocks ; the network has shuffle-v2." },
        { "\"network\": {", "\"network\": null, \"other\": {", "a field is null that has a value in every table." },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_file_with_a_fault_is_refused_by_its_name_and_the_field(string written, string edited, string told)
    {
        Table().Write(File);
        string text = System.IO.File.ReadAllText(File);
        Assert.Contains(written, text, StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, text.Replace(written, edited, StringComparison.Ordinal));
        Refused(told);
    }

    [Fact]
    public void A_file_of_other_stages_or_blocks_is_refused()
    {
        Edit(root => root["network"]!["stage_repeats"] = new JsonArray(1, 1, 1, 1));
        Refused("it was measured with stage_repeats 1,1,1,1; the network has 1,1,2,1.");
        Edit(root => root["network"]!["stage_channels"] = null);
        Refused("it was measured with stage_channels ; the network has 64,160,320,640.");
        Edit(root => root["blocks_ns"]!.AsArray().RemoveAt(4));
        Refused("blocks_ns has 4 blocks; the network has 5.");
        Edit(root => root["blocks_ns"]![2] = null);
        Refused("blocks_ns[2] is null.");
        Table().Write(File);
        string message = Assert.Throws<LatencyTableException>(
            () => LatencyTable.Read(File, Spec with { BlockSet = BlockSet.ShuffleV2Plus })).Message;
        Assert.Contains("measured with blocks shuffle-v2; the network has shuffle-v2+.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_table_at_all_is_refused()
    {
        foreach (string text in new[] { "", "null", "[]", "{}", "1", "a text", "{\"options\": {}}", new string('[', 100_000) })
        {
            System.IO.File.WriteAllText(File, text);
            Refused("is no table of latencies: ");
        }
        using (FileStream large = System.IO.File.Create(File)) large.SetLength((16 << 20) + 1);
        foreach (string unreadable in new[] { File, Path.Combine(_folder, "missing"), _folder })
        {
            string message = Assert.Throws<UnreadableFileException>(() => LatencyTable.Read(unreadable, Spec)).Message;
            Assert.StartsWith(unreadable, message, StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static LatencyTable Table() => new()
    {
        Date = "2026-01-02",
        Device = "host (a CPU)",
        InstructionSet = "avx512",
        Threads = 1,
        Precision = "bf16",
        Plan = "fused",
        BatchSize = 2,
        Network = LatencyNetwork.Of(Spec),
        Rounds = 20,
        Constant = Costs.Fixed,
        Blocks = LatencyTable.BlocksOf(Costs),
        Validation = LatencyValidation.Of(Studied),
    };

    private void Edit(Action<JsonObject> edit)
    {
        JsonObject root = JsonSerializer.SerializeToNode(Table())!.AsObject();
        edit(root);
        System.IO.File.WriteAllText(File, root.ToJsonString());
    }

    private void Refused(string told)
    {
        string message = Assert.Throws<LatencyTableException>(() => LatencyTable.Read(File, Spec)).Message;
        Assert.StartsWith(File, message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.EndsWith(" spos latency measure writes one of this network.", message, StringComparison.Ordinal);
    }
}
