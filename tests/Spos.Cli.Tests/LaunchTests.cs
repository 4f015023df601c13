using System.Globalization;
using System.Text;
using System.Text.Json;
using Spos.Engine.Tests;
using Spos.Engine.Tests.Native;

namespace Spos.Cli.Tests;

/// <summary>bench launches, and the table of blocks that it makes of a dry run.</summary>
public sealed class LaunchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-launches-test-").FullName;

    [Fact]
    public void Launches_are_counted_by_kernel()
    {
        JsonElement[] works = Works(null, "--image-size", "32", "--batch-size", "4");
        Assert.Equal(["training step", "inference"], works.Select(w => w.GetProperty("work").GetString()));
        foreach (JsonElement work in works)
        {
            JsonElement all = work.GetProperty("all");
            JsonElement[] kernels = [.. work.GetProperty("kernels").EnumerateArray()];
            foreach (string figure in new[] { "launches", "bytes", "flops", "wide_launches", "wide_bytes" })
            {
                Assert.Equal(Number(all, figure), kernels.Sum(k => Number(k, figure)), 1e-3);
            }
            Assert.All(kernels, k => Assert.InRange(Number(k, "least_blocks"), 1, Number(k, "most_blocks")));
            Assert.InRange(Number(all, "wide_launches"), 0, Number(all, "launches"));
        }
        // One launch each a step, whatever the path, of all logits: read and written, eight operations each.
        JsonElement loss = Assert.Single(
            works[0].GetProperty("kernels").EnumerateArray(), k => k.GetProperty("kernel").GetString() == "softmax_cross_entropy");
        Assert.Equal((1, 4 * 1000 * 2 * 4, 4 * 1000 * 8), (Number(loss, "launches"), Number(loss, "bytes"), Number(loss, "flops")));
    }

    // What a kernel's name ends with is the type of what it reads or writes.
    [Theory]
    [InlineData("fp32", "f32", "bf16")]
    [InlineData("bf16", "bf16", "f32")]
    public void All_products_of_blocks_are_in_the_precision(string precision, string type, string other)
    {
        JsonElement[] works = Works(null, "--image-size", "32", "--batch-size", "2", "--precision", precision);
        foreach ((JsonElement work, string product) in works.Zip(["stage_pointwise_forward", "pointwise_normalised"]))
        {
            string[] kernels = [.. work.GetProperty("kernels").EnumerateArray().Select(k => k.GetProperty("kernel").GetString()!)];
            Assert.Contains($"{product}_{type}", kernels);
            Assert.DoesNotContain($"{product}_{other}", kernels);
        }
    }

    [NvidiaFact("libnvrtc.so.11.2")]
    public void A_step_on_as_many_multiprocessors_as_an_H100_launches_what_the_table_says()
    {
        JsonElement[] works = Works(CheckedDevice.DryName, "--batch-size", "256");
        var text = new StringBuilder();
        text.Append(
            "A training step and an inference of the fused plan at batch 256 and 224×224 on 132 multiprocessors, an H100's: "
            + "the mean of the\n")
            .Append(
                "four paths that take one operation in every block. "
                + "A launch of fewer blocks than multiprocessors leaves some idle. Bytes are\n")
            .Append("those that a launch has to move: each input read once, each output written once. As\n")
            .Append(
                "`spos bench launches --batch-size 256` on the checking driver's dry run counts them; "
                + "on a GPU the same command counts its own.\n\n")
            .Append(
                "| work | launches | of ≥ 132 blocks | GB | GFLOP | of the bytes in launches of ≥ 132 blocks |\n"
                + "|---|---|---|---|---|---|\n");
        foreach (JsonElement work in works)
        {
            JsonElement all = work.GetProperty("all");
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {work.GetProperty("work").GetString()} | {Number(all, "launches"):0.##} | {Number(all, "wide_launches"):0.##} "
                + $"| {Number(all, "bytes") / 1e9:0.0} | {Number(all, "flops") / 1e9:0} | {Share(all)} |\n");
        }
        foreach (JsonElement work in works)
        {
            text.Append($"\n### {Capitalised(work.GetProperty("work").GetString()!)}\n\n")
                .Append(
                    "| kernel | launches | blocks, least to most | MB | GFLOP | of the bytes in launches of ≥ 132 blocks |\n"
                    + "|---|---|---|---|---|---|\n");
            foreach (JsonElement k in work.GetProperty("kernels").EnumerateArray())
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {k.GetProperty("kernel").GetString()} | {Number(k, "launches"):0.##} | {Number(k, "least_blocks")} to "
                    + $"{Number(k, "most_blocks")} | {Number(k, "bytes") / 1e6:0.0} | {Number(k, "flops") / 1e9:0.0} | {Share(k)} |\n");
            }
        }
        var section = new DocumentSection("docs/kernel-resources.md", "Blocks of a launch");
        if (DocumentSection.IsToBeWritten) section.Write(text.ToString());
        section.Compare(text.ToString());
    }

    [NvidiaFact("libnvrtc.so.11.2")]
    public void A_dry_device_is_taken_for_nothing_else()
    {
        Outcome outcome = SposProcess.RunOn(
            CheckedDevice.DryName, "bench", "step", "--image-size", "32", "--batch-size", "4", "--runs", "1");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("SPOS_CHECKING_DRY=1 has the checking driver compute nothing", outcome.Error, StringComparison.Ordinal);
        // What it measured would be remembered, and mean nothing.
        outcome = SposProcess.RunOn(
            CheckedDevice.DryName, "bench", "launches", "--image-size", "32", "--batch-size", "4", "--plan", "auto");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("--plan auto measures what is fastest, and this device computes nothing", outcome.Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private JsonElement[] Works(string? device, params string[] options)
    {
        string file = Path.Combine(_folder, "launches.json");
        Outcome outcome = SposProcess.RunOn(device, ["bench", "launches", .. options, "--output", file]);
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.DoesNotContain(CheckedDevice.Finding, outcome.Error, StringComparison.Ordinal);
        return [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("works").EnumerateArray()];
    }

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();

    private static string Share(JsonElement count) =>
        Number(count, "bytes") > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * Number(count, "wide_bytes") / Number(count, "bytes"):0.0} %")
            : "";

    private static string Capitalised(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
