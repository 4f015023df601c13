using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Spos.Report.Writing;

namespace Spos.Report.Tests;

/// <summary>What reports make of folders of runs.</summary>
public sealed partial class ReportTests : IDisposable
{
    private readonly RunsFixture _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void The_search_and_the_supernet_of_a_training_are_found()
    {
        RunReport report = RunsFixture.Read(_runs.Chain());
        Assert.Equal(["supernet", "search", "scratch"], report.Folders.Select(Path.GetFileName));
        Assert.True(report.IsFinished);
        string html = report.Html;
        Assert.Contains("75.0% top-1 on 300 pictures of val", html, StringComparison.Ordinal);
        Assert.Contains("scored 3 candidates", html, StringComparison.Ordinal);
        // One hour of the supernet and half an hour of the search; the training left no events.
        Assert.Contains("took 1.5 h on a CPU", html, StringComparison.Ordinal);
        Assert.Contains("traindigest", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_that_were_moved_together_are_found_where_they_are_now()
    {
        _runs.Chain("before");
        Directory.Move(_runs.At("before"), _runs.At("after"));
        Assert.Equal(3, RunsFixture.Read(_runs.At("after", "scratch")).Folders.Count);
    }

    [Fact]
    public void What_is_gone_is_named()
    {
        string scratch = _runs.Chain();
        Directory.Delete(_runs.At("supernet"), recursive: true);
        RunReport report = RunsFixture.Read(scratch);
        Assert.Equal(["search", "scratch"], report.Folders.Select(Path.GetFileName));
        Assert.Contains($"what --checkpoint {_runs.At("supernet")} names was not found", report.Html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_runs_stands_for_those_in_it()
    {
        _runs.Chain();
        Directory.CreateDirectory(_runs.At("notes"));
        Assert.Equal(3, RunsFixture.Read(_runs.Root).Folders.Count);
    }

    [Fact]
    public void A_folder_without_runs_is_refused()
    {
        string empty = Directory.CreateDirectory(_runs.At("empty")).FullName;
        Assert.Contains("holds no run", Assert.Throws<UsageException>(() => RunsFixture.Read(empty)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "does not exist", Assert.Throws<UsageException>(() => RunsFixture.Read(_runs.At("no"))).Message, StringComparison.Ordinal);
        RunsFixture.Write(empty, "run.json", "{\"command\":\"bake\",\"options\":{}}");
        Assert.Contains("cannot be read", Assert.Throws<UsageException>(() => RunsFixture.Read(empty)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Trainings_that_differ_in_their_seed_are_put_together()
    {
        _runs.Chain();
        string architecture = _runs.At("search", "architecture_final.json");
        _runs.Scratch("scratch-43", "43", 0.77, architecture);
        _runs.Scratch("scratch-44", "44", 0.79, architecture);
        string text = RunsFixture.Read(_runs.Root).Markdown;
        // 0.77 plus and minus t(2, 97.5%) = 4.303 times 0.02 / √3.
        Assert.Contains("3 trainings from scratch come to 77.0% top-1", text, StringComparison.Ordinal);
        Assert.Contains("95% interval of the mean is 72.0% to 82.0%", text, StringComparison.Ordinal);
        Assert.Matches(@"trained several times[^\n]* \| yes \|", text);
        string other = _runs.Record("scratch-44", "scratch", null, null, ("architecture", architecture), ("seed", "44"), ("epochs", "8"));
        Assert.True(Directory.Exists(other));
        Assert.Contains("2 trainings from scratch come to 76.0% top-1", RunsFixture.Read(_runs.Root).Markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unfinished_run_is_told_of_and_said_to_be_unfinished()
    {
        string scratch = _runs.Chain();
        File.Delete(Path.Combine(scratch, "result.json"));
        File.Delete(_runs.At("search", "result.json"));
        RunReport report = RunsFixture.Read(scratch);
        Assert.False(report.IsFinished);
        string html = report.Html;
        Assert.Contains("is at step 40", html, StringComparison.Ordinal);
        Assert.Contains("has scored 3 candidates so far and is not finished", html, StringComparison.Ordinal);
        // The best candidate so far.
        Assert.Contains("0 1 2 3 1", html, StringComparison.Ordinal);
        Assert.Null(report.ModelCardText);
        // A result of before it went on is no end either.
        RunsFixture.Write(scratch, "result.json", "{\"top1\":0.5,\"pictures\":10}");
        File.SetLastWriteTimeUtc(Path.Combine(scratch, "result.json"), new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.False(RunsFixture.Read(scratch).IsFinished);
    }

    [Fact]
    public void The_same_folders_give_the_same_bytes()
    {
        _runs.Chain();
        (string html, string markdown) = (RunsFixture.Read(_runs.Root).Html, RunsFixture.Read(_runs.Root).Markdown);
        Assert.Equal(html, RunsFixture.Read(_runs.At("supernet"), _runs.At("scratch"), _runs.At("search")).Html);
        Assert.Equal(markdown, RunsFixture.Read(_runs.At("scratch")).Markdown);
    }

    [Fact]
    public void The_page_needs_nothing_else()
    {
        string html = RunsFixture.Read(_runs.Chain()).Html;
        Assert.StartsWith(RunReport.Marks[0], html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", html, StringComparison.Ordinal);
        // Every anchor is there once, and every chart is well formed.
        string[] ids = [.. Id().Matches(html).Select(match => match.Groups[1].Value)];
        Assert.Equal(ids.Distinct(), ids);
        Assert.All(Anchor().Matches(html), match => Assert.Contains(match.Groups[1].Value, ids));
        XElement[] drawings = [.. Svg().Matches(html).Select(match => XElement.Parse(match.Value))];
        Assert.True(drawings.Length >= 5, $"There are {drawings.Length} drawings.");
        Assert.Equal(5, drawings.Single(one => one.Attribute("class")?.Value == "network").Elements("g").Count());
        Assert.All(drawings, one => Assert.DoesNotContain("NaN", one.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void The_checklist_answers_from_files_alone()
    {
        string markdown = RunsFixture.Read(_runs.Chain()).Markdown;
        Assert.Matches(@"apart from those that accuracies are told of\? \| yes \|", markdown);
        Assert.Matches(@"compared with random networks[^\n]*\| no \|", markdown);
        Assert.Matches(@"\(ablations\)\? \| not known \|", markdown);
        // The training has no event file.
        Assert.Matches(@"whole cost on record\? \| no \|", markdown);
        _runs.Record("search", "search", null, null, ("select-on", "val"));
        Assert.Matches(
            @"apart from those that accuracies are told of\? \| no \|", RunsFixture.Read(_runs.At("search")).Markdown);
    }

    [Fact]
    public void Texts_of_files_are_never_markup()
    {
        const string Evil = "<script>alert(1)</script>\"'`|[x](javascript:y)\n# no\u202e";
        string[] classes = [Evil, "&amp;", "www.evil.example", "http://evil.example"];
        string scratch = _runs.Record("<b>bold", "scratch", null, classes, ("epochs", Evil));
        RunsFixture.Write(scratch, "metrics.jsonl", RunsFixture.Lines(5));
        string text = System.Text.Json.JsonSerializer.Serialize(Evil);
        string rank = _runs.Record("rank", "rank");
        RunsFixture.Write(rank, "result.json", $"{{\"verdict\":{text},\"kendall_tau\":[0.1,0,0.2]}}");
        string search = _runs.Record("search", "search");
        RunsFixture.Write(search, "search.json",
            $"{{\"Data\":{{\"Train\":{{\"Digest\":{text},\"Classes\":[{{\"Name\":{text},\"Pictures\":3,\"Digest\":\"\"}},null]}}}},"
            + $"\"Scores\":[{{\"Architecture\":{text},\"Generation\":0,\"Flops\":1,\"Top1\":0.5}}]}}");
        RunReport report = RunsFixture.Read(scratch, rank, search);
        Assert.DoesNotContain("<script", report.Html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>", report.Html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', report.Html);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;", report.Html, StringComparison.Ordinal);
        string markdown = report.Markdown;
        Assert.DoesNotContain("<script", markdown, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\n# no", markdown, StringComparison.Ordinal);
        Assert.Contains(@"\`\|\[x\](javascript:y)", markdown, StringComparison.Ordinal);
        Assert.All(Svg().Matches(report.Html), match => XElement.Parse(match.Value));
    }

    [Theory]
    [InlineData("run.json", "{\"command\":\"search\",\"options\":null}")]
    [InlineData(
        "run.json",
        "{\"command\":\"search\",\"options\":{\"output-dir\":\"a\\u0000b\",\"checkpoint\":\"\\u0000\"},\"network\":{\"image_size\":-1}}")]
    [InlineData("run.json", "{\"command\":\"search\",\"options\":{\"checkpoint\":\"/dev/zero\"},\"network\":[],\"class_names\":3}")]
    [InlineData(
        "run.json",
        "{\"command\":\"search\",\"options\":{\"checkpoint\":\"../../../../../..\"},\"network\":{\"stage_repeats\":null},"
        + "\"class_names\":[null]}")]
    [InlineData("result.json", "[1]")]
    [InlineData("result.json", "{\"architecture\":[1e9,-1,0.5],\"top1\":7,\"verdict\":\"\\ud800\",\"regret\":[1]}")]
    [InlineData("result.json", "{\"architecture\":[0,1,2,3,1],\"channel_scales\":[9,9,9,9,9]}")]
    [InlineData("search.json", "{\"Scores\":[null,{\"Architecture\":null},{\"Architecture\":\"0 1\",\"Top1\":1e999,\"Flops\":-1e308}]}")]
    [InlineData(
        "search.json",
        "{\"Scores\":[{\"Architecture\":\"x\",\"Top1\":1e308,\"Flops\":1e308},"
        + "{\"Architecture\":\"y\",\"Top1\":-1e308,\"Flops\":-1e308}]}")]
    [InlineData("search.json", "{\"Options\":{\"flops-limit\":null},\"Data\":{\"Train\":{\"Classes\":null,\"Digest\":null},\"Val\":null}}")]
    [InlineData("front.json", "[null,{\"architecture\":\"0\",\"top1\":2}]")]
    [InlineData("metrics.jsonl", "{\"step\":1,\"loss\":1e-45}\nnot json\n{\"step\":2,\"loss\":3e38}\n{\"step\":3,\"lo")]
    [InlineData("checkpoint-00000001.spos", "SPOSCKPT and no more")]
    [InlineData("events.out.tfevents.1.a.1.1", "no events are these, and more than twenty-one bytes")]
    public void Damaged_files_are_survived(string name, string content)
    {
        _runs.Chain();
        string search = _runs.At("search");
        RunsFixture.Write(search, name, content);
        RunReport report = RunsFixture.Read(search);
        Assert.Contains("search", report.Folders.Select(Path.GetFileName));
        Assert.All(Svg().Matches(report.Html), match => XElement.Parse(match.Value));
        Assert.NotEmpty(report.Markdown);
    }

    [Fact]
    public void Nothing_but_files_of_runs_is_read()
    {
        string scratch = _runs.Chain();
        string secret = Directory.CreateDirectory(_runs.At("secret")).FullName;
        RunsFixture.Write(secret, "search.json", "{\"secret\":\"xyzzy\"}");
        // A folder that is no run, a link, a pipe.
        _runs.Record("search", "search", null, null, ("checkpoint", secret), ("search-space", "/etc/passwd"));
        File.Delete(_runs.At("search", "search.json"));
        File.CreateSymbolicLink(_runs.At("search", "search.json"), Path.Combine(secret, "search.json"));
        File.Delete(_runs.At("search", "result.json"));
        using (Process pipe = Process.Start("mkfifo", _runs.At("search", "result.json"))) pipe.WaitForExit();
        RunReport report = RunsFixture.Read(scratch);
        Assert.Equal(["search", "scratch"], report.Folders.Select(Path.GetFileName));
        Assert.DoesNotContain("xyzzy", report.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", report.Html, StringComparison.Ordinal);
        Assert.Contains("No candidate is on record", report.Html, StringComparison.Ordinal);
    }

    [Fact]
    public void Much_is_bounded()
    {
        string search = _runs.Record("search", "search");
        IEnumerable<string> scores = Enumerable.Range(0, 20_000).Select(i =>
            $"{{\"Architecture\":\"0 1 2 3 {i % 4}\",\"Generation\":{i / 50},\"Flops\":{900_000 + i * 37 % 100_000},"
            + $"\"Top1\":0.{i * 7919 % 9000 + 1000}}}");
        RunsFixture.Write(search, "search.json", $"{{\"Scores\":[{string.Join(',', scores)}]}}");
        string many = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"option-{i}\":\"{new string('x', 100)}\""));
        RunsFixture.Write(search, "run.json", $"{{\"command\":\"search\",\"options\":{{{many}}}}}");
        Assert.InRange(RunsFixture.Read(search).Html.Length, 10_000, 2_000_000);
    }

    [GeneratedRegex(" id=\"([^\"]*)\"")]
    private static partial Regex Id();

    [GeneratedRegex("href=\"#([^\"]*)\"")]
    private static partial Regex Anchor();

    [GeneratedRegex("<svg .*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();
}
