using System.Diagnostics;
using Spos.Runs.Phases;
using Spos.Workers.Protocol;

namespace Spos.Cli.Tests.Workers;

/// <summary>A search with a worker that lies, and then with one that does not, ends with the bytes of a search by itself.</summary>
public sealed class LyingWorkerTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private const string Announcement = "Workers may join at ";

    // --seed where it is not given.
    private const ulong Seed = 42;

    private static readonly string[] Results = ["search.json", "result.json", "architecture_final.json", "front.json"];

    private string[] Search(string folder) =>
    [
        "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", folder, "--max-epochs", "4",
        "--num-population", "6", "--num-select", "3", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "1",
        "--train-batch-size", "8",
    ];

    [Fact]
    public async Task The_search_goes_back_to_before_the_lies()
    {
        string alone = fixture.At("alone"), shared = fixture.At("shared");
        PipelineFixture.Expect(0, Search(alone));
        using Process search = SposProcess.Start(
            [.. Search(shared), "--listen", "127.0.0.1:0", "--only-workers", "--audit-every", "5"]);
        Task<string> error = search.StandardError.ReadToEndAsync();
        string? address = null;
        while (address == null && await search.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Announcement, StringComparison.Ordinal)) address = line[Announcement.Length..].Split(": ")[0];
        }
        Assert.NotNull(address);
        Task<string> output = search.StandardOutput.ReadToEndAsync();
        using PoolWork work = FakeWorker.WorkOn(fixture);
        // It is right at first, and believed; then all of its scores are wrong.
        int scored = 0;
        using (var liar = new FakeWorker(address))
        {
            Assert.NotNull((await liar.Greet("liar", work.Facts)).Welcome);
            FromCoordinator? last = await liar.Work(
                path => work.Score([work.PathOf(path)], Seed)[0] is var score && scored++ < 4 ? score : score > 0.5 ? 0 : 1, room: 1);
            Assert.Contains("set aside", last?.Refusal?.Why, StringComparison.Ordinal);
        }
        Outcome honest = PipelineFixture.Expect(
            0, "worker", "--join", address, "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--train-iters", "1",
            "--train-batch-size", "8");
        Assert.Contains("The run is over", honest.Output, StringComparison.Ordinal);
        await search.WaitForExitAsync();
        Assert.True(search.ExitCode == 0, $"{await output}\n{await error}");
        Assert.Contains("worker liar at 127.0.0.1:", await error, StringComparison.Ordinal);
        foreach (string file in Results)
        {
            Assert.Equal(File.ReadAllText(Path.Combine(alone, file)), File.ReadAllText(Path.Combine(shared, file)));
        }
    }
}
