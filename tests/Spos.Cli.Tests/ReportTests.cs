namespace Spos.Cli.Tests;

/// <summary>Reports of runs that the program made.</summary>
public sealed class ReportTests(FinishedRuns runs) : IClassFixture<FinishedRuns>
{
    [Fact]
    public void A_front_brings_its_search_and_its_supernet_and_a_training_its_card()
    {
        string folder = runs.New(), html = Path.Combine(folder, "report.html"), card = Path.Combine(folder, "card.md");
        Outcome outcome = PipelineFixture.Expect(
            0, "report", runs.At("front"), runs.At("scratch"), runs.At("rank"), "--output", html, "--model-card", card);
        Assert.Contains("supernet, search, scratch, front, rank", outcome.Output, StringComparison.Ordinal);
        string text = File.ReadAllText(html);
        Assert.Contains("3 random architectures", text, StringComparison.Ordinal);
        Assert.Contains("Networks trained along the front", text, StringComparison.Ordinal);
        // Options that have their defaults are in the folded list alone, and the command runs the training again.
        Assert.Contains($"spos scratch --output-dir={runs.At("scratch")}", text, StringComparison.Ordinal);
        Assert.Contains("--epochs=1", text, StringComparison.Ordinal);
        Assert.DoesNotContain("--momentum=", text, StringComparison.Ordinal);
        string checksum = Convert.ToHexStringLower(File.ReadAllBytes(
            Directory.GetFiles(runs.At("scratch"), "checkpoint-*.spos").Max(StringComparer.Ordinal)!)[^32..]);
        Assert.Contains(checksum, File.ReadAllText(card), StringComparison.Ordinal);
        // Written anew it is the same.
        byte[] before = File.ReadAllBytes(html);
        PipelineFixture.Expect(0, "report", runs.At("front"), runs.At("scratch"), runs.At("rank"), "--output", html);
        Assert.Equal(before, File.ReadAllBytes(html));
        string markdown = Path.Combine(folder, "report.md");
        PipelineFixture.Expect(0, "report", runs.At("scratch"), "--output", markdown);
        Assert.StartsWith("<!-- spos report -->\n# Report: ", File.ReadAllText(markdown), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_is_said_before_anything_is_written()
    {
        string folder = runs.New(), mine = Path.Combine(folder, "mine.html"), output = Path.Combine(folder, "report.html");
        File.WriteAllText(mine, "<p>mine</p>");
        Assert.Contains(
            "is not a report", PipelineFixture.Expect(2, "report", runs.At("scratch"), "--output", mine).Error, StringComparison.Ordinal);
        Assert.Contains(
            "--model-card is the file of --output",
            PipelineFixture.Expect(2, "report", runs.At("scratch"), "--output", output, "--model-card", output).Error,
            StringComparison.Ordinal);
        Assert.Contains(
            "none of these runs is a finished training",
            PipelineFixture.Expect(2, "report", runs.At("supernet"), "--output", output, "--model-card", $"{folder}/c.md").Error,
            StringComparison.Ordinal);
        Assert.Contains("holds no run", PipelineFixture.Expect(2, "report", folder, "--output", output).Error, StringComparison.Ordinal);
        Assert.Equal([mine], Directory.GetFiles(folder));
    }
}
