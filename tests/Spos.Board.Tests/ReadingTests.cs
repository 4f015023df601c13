using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Spos.Board.Reading;
using Spos.Engine.Files;
using Spos.Runs.Folders;
using Spos.Runs.Reading;

namespace Spos.Board.Tests;

/// <summary>What the board makes of the files of runs, whatever they hold.</summary>
public sealed class ReadingTests
{
    // The page draws some hundreds of pixels.
    private const int MostPoints = 1200, MostDots = 3201;

    [Fact]
    public async Task Runs_of_all_folders_are_found_with_their_progress()
    {
        await using var board = new BoardFixture();
        board.Record("deep/er/net", "supernet", ("epochs", "20"));
        File.WriteAllText(board.At("deep/er/net", "metrics.jsonl"), BoardFixture.Lines(1, 53));
        board.Record("", "scratch");
        board.Record(".hidden", "scratch");
        File.WriteAllText(board.At("", "result.json"), "{\"left_out\": 3}");
        await board.Start();
        JsonElement[] runs = [.. (await board.Get("/api/runs")).GetProperty("runs").EnumerateArray()];
        Assert.Equal(["", "deep/er/net"], runs.Select(run => run.GetProperty("path").GetString()));
        Assert.Equal("Finished", runs[0].GetProperty("state").GetString());
        Assert.Contains("3 pictures", runs[0].GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal("Stopped", runs[1].GetProperty("state").GetString());
        Assert.Equal((53, 200, 6), (
            runs[1].GetProperty("done").GetInt32(), runs[1].GetProperty("total").GetInt32(), runs[1].GetProperty("epoch").GetInt32()));
        JsonElement run = await board.Run("deep/er/net");
        Assert.Equal(53, SeriesOf(run, "loss").GetProperty("steps").GetArrayLength());
        Assert.Equal($"spos supernet --seed=42 --output-dir={board.Root}/deep/er/net", run.GetProperty("resume").GetString());
    }

    [Fact]
    public async Task A_training_of_a_ranking_is_over_with_its_last_step_for_it_leaves_no_result()
    {
        await using var board = new BoardFixture();
        board.Record("rank", "rank");
        board.Record("rank/whole", "rank-architecture", ("total-iters", "20"));
        board.Record("rank/half", "rank-architecture", ("total-iters", "20"));
        File.WriteAllText(board.At("rank/whole", "metrics.jsonl"), BoardFixture.Lines(1, 20));
        File.WriteAllText(board.At("rank/half", "metrics.jsonl"), BoardFixture.Lines(1, 19));
        await board.Start();
        JsonElement[] runs = [.. (await board.Get("/api/runs")).GetProperty("runs").EnumerateArray()];
        Assert.Equal(
            [("rank", false, "Stopped"), ("rank/half", true, "Stopped"), ("rank/whole", true, "Finished")],
            runs.Select(run => (
                run.GetProperty("path").GetString(), run.GetProperty("isPart").GetBoolean(), run.GetProperty("state").GetString())));
    }

    [Theory]
    [InlineData("{}", 4)]
    [InlineData("{\"blocks\":\"shuffle-v2+\"}", 8)]
    [InlineData("{\"blocks\":\"of tomorrow\"}", 0)]
    [InlineData("{\"blocks\":5}", 4)]
    [InlineData("[]", 0)]
    [InlineData("null", 0)]
    public async Task Operations_have_the_names_of_the_network_s_blocks(string network, int operations)
    {
        await using var board = new BoardFixture();
        board.Record("one", "search");
        File.WriteAllText(
            board.At("one", "run.json"),
            $"{{\"command\":\"search\",\"options\":{{\"seed\":\"42\",\"cache\":null}},\"threads\":\"x\",\"network\":{network}}}");
        await board.Start();
        JsonElement run = await board.Run("one");
        Assert.Equal(operations, run.GetProperty("operations").GetArrayLength());
        Assert.Equal("{\"seed\":\"42\"}", run.GetProperty("options").GetRawText());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("header").GetProperty("threads").ValueKind);
    }

    [Theory]
    [InlineData("/api/run?path=..")]
    [InlineData("/api/run?path=one/../one")]
    [InlineData("/api/run?path=../secret")]
    [InlineData("/api/run?path=%2e%2e%2fsecret")]
    [InlineData("/api/run?path=/etc")]
    [InlineData("/api/run?path=linked")]
    [InlineData("/api/run?path=one%00")]
    [InlineData("/api/run")]
    [InlineData("/../secret/run.json")]
    [InlineData("/%2e%2e/secret/run.json")]
    [InlineData("/one/run.json")]
    public async Task Nothing_outside_of_the_folder_is_served(string path)
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        board.Record("../secret", "supernet");
        Directory.CreateSymbolicLink(Path.Combine(board.Root, "linked"), Path.Combine(board.Outside, "secret"));
        await board.Start();
        Assert.Equal(HttpStatusCode.NotFound, await board.StatusOf(board.Request(HttpMethod.Get, path)));
        Assert.Equal(1, (await board.Get("/api/runs")).GetProperty("runs").GetArrayLength());
    }

    [Fact]
    public async Task Links_and_pipes_are_not_read()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        string outside = Path.Combine(board.Outside, "secret.jsonl");
        File.WriteAllText(outside, BoardFixture.Lines(1, 5));
        File.CreateSymbolicLink(board.At("one", "metrics.jsonl"), outside);
        File.CreateSymbolicLink(board.At("one", "result.json"), "/etc/hostname");
        using (Process pipe = Process.Start("mkfifo", board.At("one", "search.json"))) pipe.WaitForExit();
        await board.Start();
        JsonElement run = await board.Run("one");
        Assert.Equal(0, run.GetProperty("series").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("result").ValueKind);
        Assert.Equal(JsonValueKind.Null, run.GetProperty("candidates").ValueKind);
    }

    [Fact]
    public async Task Broken_lines_are_counted_and_half_written_ones_wait()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        string[] broken =
        [
            "not json", "[1]", "{\"step\":-1}", "{\"step\":1e99}", "{\"step\":\"1\"}", "{\"step\":5,\"loss\":\"x\"}",
            "{\"step\":5,\"loss\":{}}", "",
            "{\"step\":7}{", "\0\u0001", new string('[', 5000), "{\"step\":9,\"" + new string('x', 200_000) + "\":1}",
        ];
        string file = board.At("one", "metrics.jsonl");
        File.WriteAllText(
            file, BoardFixture.Lines(1, 3) + string.Join('\n', broken) + "\n" + BoardFixture.Lines(4, 1) + "{\"step\":5,\"lo");
        await board.Start();
        JsonElement run = await board.Run("one");
        Assert.Equal([1, 2, 3, 4], SeriesOf(run, "loss").GetProperty("steps").EnumerateArray().Select(step => step.GetInt32()));
        string warning = run.GetProperty("header").GetProperty("warnings")[0].GetString()!;
        Assert.Contains($"{broken.Length} lines", warning, StringComparison.Ordinal);
        File.AppendAllText(file, "ss\":null}\n");
        // The board looks now and then.
        for (int i = 0; i < 600 && SeriesOf(run, "loss").GetProperty("steps").GetArrayLength() < 5; i++)
        {
            await Task.Delay(100);
            run = await board.Run("one");
        }
        Assert.Equal(5, SeriesOf(run, "loss").GetProperty("steps")[4].GetInt32());
        Assert.Equal(JsonValueKind.Null, SeriesOf(run, "loss").GetProperty("values")[4].ValueKind);
        Assert.Contains(
            run.GetProperty("header").GetProperty("warnings").EnumerateArray(),
            one => one.GetString()!.Contains("from step 5 on: training diverged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Workers_are_told()
    {
        await using var board = new BoardFixture();
        board.Record("one", "rank");
        var worker = new WorkerRecord("node2-ab12cd", "10.0.0.7:41000", "training", "2026-01-01", 12, 3.5, 1, "architecture 2/16, step 40");
        JsonFile.Write(board.At("one", WorkersFile.FileName), new WorkersFile([worker, null]));
        await board.Start();
        JsonElement told = (await board.Run("one")).GetProperty("workers");
        Assert.Equal(worker, told[0].Deserialize<WorkerRecord>());
    }

    [Fact]
    public async Task What_has_been_trained_is_told()
    {
        await using var board = new BoardFixture();
        board.Record("one", "front");
        FrontNetwork network = new(FrontSource.Random, 3, "0 1", 0.5, Top1: 0.25);
        var ranked = new RankedArchitecture("1 0", 2e8, [0.5], 0.75);
        JsonFile.Write(board.At("one", FrontState.FileName), new ArchitecturesContents<FrontNetwork>([network]));
        JsonFile.Write(board.At("one", RankState.FileName), new ArchitecturesContents<RankedArchitecture>([ranked]));
        await board.Start();
        JsonElement run = await board.Run("one");
        Assert.Equal(
            "[{\"source\":\"Random\",\"number\":3,\"architecture\":\"0 1\",\"score\":0.5,\"top1\":0.25,\"top5\":null,\"loss\":null}]",
            run.GetProperty("networks").GetRawText());
        Assert.Equal(
            "[{\"architecture\":\"1 0\",\"flops\":200000000,\"scores\":[0.5],\"standalone\":0.75}]",
            run.GetProperty("ranked").GetRawText());
    }

    [Theory]
    [InlineData("search.json", "{\"Scores\":[{\"Architecture\":\"0 1\"")]
    [InlineData("search.json",
        "{\"Scores\":[null,{\"Architecture\":null,\"Flops\":1},{\"Architecture\":\"x y\",\"Flops\":1e300,\"Top1\":-5}]}")]
    [InlineData("search.json", "{\"Scores\":[{\"Architecture\":\"0 1\",\"Generation\":-2147483648,\"Flops\":0,\"Top1\":0}]}")]
    [InlineData("search.json", "{}")]
    [InlineData("rank.json", "{\"Architectures\":[null,{}]}")]
    [InlineData("networks.json", "{\"Architectures\":[null,{\"Source\":\"Front\"}]}")]
    [InlineData("workers.json", "{\"workers\":[null,{\"name\":5}]}")]
    [InlineData("front.json", "[null]")]
    [InlineData("front.json", "{")]
    [InlineData("result.json", "[]")]
    [InlineData("result.json", "{\"left_out\":\"many\"}")]
    [InlineData("metrics.jsonl", "")]
    public async Task Damaged_files_are_survived(string name, string text)
    {
        await using var board = new BoardFixture();
        board.Record("one", "search", ("epochs", "-3"), ("max-epochs", "9223372036854775807"), ("num-population", "x"));
        File.WriteAllText(board.At("one", name), text);
        Directory.CreateDirectory(Path.Combine(board.Root, "two"));
        File.WriteAllText(board.At("two", "run.json"), "{\"command\":5}");
        await board.Start();
        JsonElement run = await board.Run("one");
        Assert.Equal("search", run.GetProperty("header").GetProperty("command").GetString());
        Assert.Equal(HttpStatusCode.NotFound, await board.StatusOf(board.Request(HttpMethod.Get, "/api/run?path=two")));
    }

    [Fact]
    public async Task Half_a_million_steps_come_as_few_points_and_no_peak_is_lost()
    {
        await using var board = new BoardFixture();
        board.Record("long", "supernet");
        File.WriteAllText(board.At("long", "metrics.jsonl"), BoardFixture.Lines(1, 500_000, step => step == 333_333 ? 99 : 1.5));
        await board.Start();
        JsonElement points = SeriesOf(await board.Run("long"), "loss");
        float[] values = [.. points.GetProperty("values").EnumerateArray().Select(value => value.GetSingle())];
        Assert.InRange(values.Length, 100, MostPoints);
        Assert.Equal(99, values.Max());
        long[] steps = [.. points.GetProperty("steps").EnumerateArray().Select(step => step.GetInt64())];
        Assert.Equal(steps.Order(), steps);
    }

    [Fact]
    public async Task Ten_thousand_candidates_come_as_few_dots_and_the_front_is_whole()
    {
        await using var board = new BoardFixture();
        board.Record("search", "search", ("max-epochs", "200"), ("num-population", "50"), ("max-trials", "99999"));
        var scores = new StringBuilder();
        var random = new Random(1);
        for (int i = 0; i < 10_000; i++)
        {
            string path = string.Join(' ', Enumerable.Range(0, 20).Select(block => i < 5000 ? random.Next(4) : block % 4));
            scores.Append(CultureInfo.InvariantCulture,
                $"{(i > 0 ? "," : "")}{{\"Architecture\":\"{path}\",\"Generation\":{i / 50},"
                + $"\"Flops\":{3e8 + i % 977 * 1e5},\"Top1\":{random.NextDouble() / 2}}}");
        }
        // Of these two the front is, for all others are below.
        scores.Append(
            ",{\"Architecture\":\"0 0\",\"Generation\":199,\"Flops\":1,\"Top1\":0.8},"
            + "{\"Architecture\":\"0 1\",\"Generation\":199,\"Flops\":2,\"Top1\":0.9}");
        File.WriteAllText(board.At("search", "search.json"), $"{{\"Options\":{{}},\"Scores\":[{scores}]}}");
        await board.Start();
        JsonElement run = await board.Run("search");
        JsonElement candidates = run.GetProperty("candidates");
        Assert.Equal(10_002, candidates.GetProperty("count").GetInt32());
        Assert.Equal(10_000, run.GetProperty("header").GetProperty("total").GetInt32());
        JsonElement[] dots = [.. candidates.GetProperty("dots").EnumerateArray()];
        Assert.InRange(dots.Length, 50, MostDots);
        Assert.Equal(10_002, dots.Sum(dot => dot.GetProperty("count").GetInt32()));
        Assert.Equal(
            ["0 0", "0 1"], candidates.GetProperty("front").EnumerateArray().Select(one => one.GetProperty("architecture").GetString()));
        JsonElement shares = candidates.GetProperty("operations").GetProperty("shares");
        // In the last generations all have operation 1 in block 5.
        Assert.Equal(1, shares[1][5].EnumerateArray().Last().GetDouble(), 1e-9);
        Assert.Equal(0, shares[0][5].EnumerateArray().Last().GetDouble(), 1e-9);
    }

    [Fact]
    public async Task Events_come_while_a_file_grows()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        File.WriteAllText(board.At("one", "metrics.jsonl"), BoardFixture.Lines(1, 3));
        await board.Start();
        using HttpResponseMessage response = await board.Send(board.Request(HttpMethod.Get, "/api/events?path=one"), headersOnly: true);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(("runs", 3), DoneOf(await Next()));
        Assert.Equal(("run", ""), await Next());
        File.AppendAllText(board.At("one", "metrics.jsonl"), BoardFixture.Lines(4, 2));
        Assert.Equal(("changed", 5), DoneOf(await Next()));
        (string name, string data) = await Next();
        Assert.Equal("points", name);
        JsonElement loss = JsonDocument.Parse(data).RootElement.EnumerateArray()
            .Single(one => one.GetProperty("name").GetString() == "loss");
        JsonElement points = loss.GetProperty("points");
        Assert.Equal(3, loss.GetProperty("from").GetInt32());
        Assert.Equal([4, 5], points.GetProperty("steps").EnumerateArray().Select(step => step.GetInt32()));
        Assert.Equal([0.25f, 0.2f], points.GetProperty("values").EnumerateArray().Select(value => value.GetSingle()));
        // A run that goes on writes the file anew, and shorter.
        File.WriteAllText(board.At("one", "new"), BoardFixture.Lines(1, 1));
        File.Move(board.At("one", "new"), board.At("one", "metrics.jsonl"), overwrite: true);
        Assert.Equal(("changed", 1), DoneOf(await Next()));
        Assert.Equal(("run", ""), await Next());

        static (string Name, int Done) DoneOf((string Name, string Data) told) =>
            (told.Name, JsonDocument.Parse(told.Data).RootElement[0].GetProperty("done").GetInt32());

        async Task<(string Name, string Data)> Next()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
            string told = "";
            while (await reader.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal)) told = line["event: ".Length..];
                if (line.StartsWith("data:", StringComparison.Ordinal)) return (told, line["data:".Length..].Trim());
            }
            throw new EndOfStreamException("The board has ended.");
        }
    }

    [Fact]
    public void A_file_s_end_is_enough_until_the_curves_are_wanted()
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
        File.WriteAllText(Path.Combine(folder, MetricsFile.FileName), BoardFixture.Lines(1, 50_000));
        var files = new OwnFiles(folder, "");
        var metrics = new MetricsFile();
        Assert.True(metrics.Refresh(files, whole: false));
        Assert.InRange(metrics.Of("loss")!.Count, 1000, 10_000);
        Assert.Equal((50_000, 10, 0), (metrics.Step, metrics.StepsPerEpoch, metrics.Unread));
        Assert.True(metrics.Refresh(files, whole: true));
        Assert.Equal((50_000, 0), (metrics.Of("loss")!.Count, metrics.Unread));
        Assert.False(metrics.Refresh(files, whole: true));
        Directory.Delete(folder, recursive: true);
    }

    // A space keeps a line from being read as one that is like the one before.
    [Fact]
    public void Lines_alike_are_read_as_any_others_are()
    {
        string[] numbers =
        [
            "0", "-0", "1", "01", "-", "1.", ".5", "1.5", "-1.50", "16777216", "16777217", "1.6777217", "123456789.125", "1e3", "1E-3",
            "1e+3", "1e", "1e-", "1e10", "1e11", "1e-10", "1e-11", "1e999", "-1e-999", "1e99999", "0.1", "6.543210", "2.302585092994046",
            "3.4028236e38", "null", "nul", "nulll", "true", "\"1\"", "{}", "", "1 ", "NaN", "1e5}", "1,", "1,\"loss\":2", "1,\"step\":9",
            "1,\"x\":1",
        ];
        var random = new Random(1);
        IEnumerable<string> drawn = Enumerable.Range(0, 20_000).Select(i => i % 2 == 0
            ? random.NextDouble().ToString("R", CultureInfo.InvariantCulture)
            : (random.Next(1 << 25) * Math.Pow(10, random.Next(-12, 12))).ToString("G8", CultureInfo.InvariantCulture));
        string[] lines =
        [
            .. numbers.Concat(drawn).Select((number, i) => $"{{\"step\":{i},\"epoch\":1,\"loss\":{number},\"top1\":1}}"),
            "{\"step\":8,\"a\\\"b\":1}", "{\"step\":9,\"a\\\"b\":2}",
            "{\"step\":007,\"loss\":1}", "{\"step\":1.0,\"loss\":1}", "{\"step\":-1,\"loss\":1}",
            "{\"step\":9999999999999999999,\"loss\":1}",
            "{\"epoch\":1,\"loss\":1}", "{\"step\":5,\"loss\":1", "{\"step\":5,\"loss\":}", "{\"step\":}", "{}", "}", "{", "{\"step\":3,}",
            "{\"loss\":1,\"step\":900719925474099}",
        ];
        string alike = Directory.CreateTempSubdirectory("spos-test-").FullName;
        string apart = Directory.CreateTempSubdirectory("spos-test-").FullName;
        File.WriteAllLines(Path.Combine(alike, MetricsFile.FileName), lines);
        File.WriteAllLines(Path.Combine(apart, MetricsFile.FileName), lines.Select(line => " " + line));
        MetricsFile read = new(), expected = new();
        read.Refresh(new OwnFiles(alike, ""), whole: true);
        expected.Refresh(new OwnFiles(apart, ""), whole: true);
        Assert.InRange(expected.Unread, 20, 40);
        Assert.Equal((expected.Unread, expected.Step, expected.Epoch), (read.Unread, read.Step, read.Epoch));
        Assert.Equal(expected.Series.Select(one => (one.Name, one.Count)), read.Series.Select(one => (one.Name, one.Count)));
        foreach ((Series one, Series other) in expected.Series.Zip(read.Series))
        {
            (Points points, Points same) = (one.Since(0), other.Since(0));
            Assert.Equal(points.Steps, same.Steps);
            Assert.Equal(points.Values, same.Values);
        }
        Directory.Delete(alike, recursive: true);
        Directory.Delete(apart, recursive: true);
    }

    [Fact]
    public void Decimation_keeps_gaps_and_ends()
    {
        var series = new Series("loss");
        for (int step = 0; step < 10_000; step++) series.Add(step, step is >= 4000 and < 6000 ? float.NaN : step % 7);
        Points points = series.Decimated(100);
        Assert.InRange(points.Steps.Length, 50, 100);
        Assert.Contains(null, points.Values);
        Assert.Equal((0, 6), (points.Values.Min(), points.Values.Max()));
        Assert.Equal(4000, series.FirstNotFinite);
    }

    private static JsonElement SeriesOf(JsonElement run, string name) =>
        run.GetProperty("series").EnumerateArray().Single(one => one.GetProperty("name").GetString() == name).GetProperty("points");
}
