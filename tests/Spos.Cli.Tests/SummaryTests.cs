using System.Globalization;
using System.Text.RegularExpressions;

namespace Spos.Cli.Tests;

public sealed class SummaryTests
{
    [Fact]
    public void A_network_is_summed_up_part_by_part()
    {
        string path = PipelineFixture.Expect(0, "summary", "--architecture", "2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3").Output;
        // The official code's network has as many by sum(p.numel() for p in network.parameters()), and its paper about 323M FLOPs.
        Assert.Matches("parameters +3,558,464", path);
        Assert.Matches("FLOPs +322.919M", path);
        Assert.Matches(@"features\.0 +shufflenet_7x7 +64×56×56 ", path);
        string supernet = PipelineFixture.Expect(0, "summary").Output;
        Assert.Matches("FLOPs +270.359M to 398.609M", supernet);
        Assert.Matches(@"features\.19 +any of 4 +640×7×7 ", supernet);
        Assert.Contains(
            "--architecture 2 1: it has 2 blocks; the network has 20.", PipelineFixture.Expect(2, "summary", "--architecture", "2 1").Error,
            StringComparison.Ordinal);
        Assert.Contains(
            "chooses 4 in block 0",
            PipelineFixture.Expect(2, "summary", "--architecture", $"4{string.Concat(Enumerable.Repeat(" 1", 19))}").Error,
            StringComparison.Ordinal);
        // As of eval and bench: scratch alone takes the folder of a search.
        Assert.Contains(
            "a file is needed", PipelineFixture.Expect(2, "summary", "--architecture", AppContext.BaseDirectory).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_memory_of_a_batch_is_told_before_there_is_one()
    {
        long supernet = TrainingMegabytes("--batch-size", "16"), larger = TrainingMegabytes("--batch-size", "32");
        Assert.InRange(larger, 1.9 * supernet, 2.1 * supernet);
        // A path needs less than room for any path, and the fused plan less than ops one by one.
        string[] path = ["--batch-size", "16", "--architecture", "2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3"];
        long single = TrainingMegabytes(path);
        Assert.InRange(single, 1, supernet - 1);
        Assert.InRange(TrainingMegabytes([.. path, "--plan", "unfused"]), single + 1, 10 * single);
        // Activations and their gradients, which take most, are half as large.
        Assert.InRange(TrainingMegabytes([.. path, "--precision", "bf16"]), single / 2, 0.75 * single);
    }

    [Fact]
    public void A_path_can_be_timed()
    {
        string[] path = ["summary", "--device", "host", "--measure", "--architecture", "2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3"];
        string output = PipelineFixture.Expect(0, path).Output;
        Assert.Matches(@"Latency of batches of 1 on host", output);
        Match match = Regex.Match(output, @"measured +([\d.]+) ms, the median of \d+ inferences");
        Assert.True(double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) > 0);
        Assert.DoesNotContain("of the table's time", output, StringComparison.Ordinal);
        Assert.Contains("give --architecture", PipelineFixture.Expect(2, "summary", "--measure").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("summary")]
    [InlineData("sample")]
    [InlineData("search-space")]
    public void With_a_checkpoint_another_input_is_shown_and_other_sizes_are_refused(string verb)
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
        try
        {
            string run = Path.Combine(folder, "run"), options = Path.Combine(folder, "options.yml");
            PipelineFixture.Expect(
                0, "import", "--checkpoint", ImportTests.Fixture("torch_supernet_legacy.pth.tar"), "--image-size", "32", "--output-dir",
                run);
            string[] command = [verb, "--checkpoint", run];
            string own = PipelineFixture.Expect(0, command).Output;
            Assert.Equal(own, PipelineFixture.Expect(0, [.. command, "--image-size", "32"]).Output);
            string larger = PipelineFixture.Expect(0, [.. command, "--image-size", "64"]).Output;
            Assert.NotEqual(own, larger);
            File.WriteAllText(options, "image-size: 64\n");
            Assert.Equal(larger, PipelineFixture.Expect(0, [.. command, "--config", options]).Output);
            File.WriteAllText(options, "last-channels: 6\n");
            string[] refused = ["--last-channels 6: the network of", "Leave the option out."];
            Assert.All(refused, text => Assert.Contains(
                text, PipelineFixture.Expect(2, [.. command, "--config", options]).Error, StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static long TrainingMegabytes(params string[] options)
    {
        string output = PipelineFixture.Expect(0, ["summary", "--device", "host", .. options]).Output;
        Assert.Matches(@"largest to train with +about \d+", output);
        Match match = Regex.Match(output, @"a training step +([\d,]+) MB");
        return long.Parse(match.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }
}
