using System.Diagnostics;

namespace Spos.Cli.Tests;

/// <summary>
/// Runs that are killed (SIGKILL) at random moments, half of them while a file is being written, and started again, until one is not
/// killed before its end: they come to the bits of a run that was left alone.
/// </summary>
public sealed class KillTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private const int Kills = 25;

    // Fewer would mean that the half which waits for a write misses it.
    private const int LeastWhileWriting = 5;

    // What a program that SIGKILL ended has for an exit code.
    private const int Killed = 128 + 9;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Supernet_training_survives() =>
        await Survives(
            folder => [.. fixture.Supernet(folder, epochs: 4), "--save-frequency", "1", "--log-frequency", "1", "--random-paths", "2"],
            "*.spos", "metrics.jsonl");

    [Fact]
    public async Task Search_survives() => await Survives(
        folder =>
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", folder, "--max-epochs", "4",
            "--num-population", "6", "--num-select", "3", "--num-crossover", "2", "--num-mutation", "2", "--train-iters", "1",
            "--train-batch-size", "8",
        ],
        "search.json", "architecture_final.json", "result.json", "checkpoints/*.json");

    [Fact]
    public async Task Training_from_scratch_survives() => await Survives(
        folder =>
        [
            "scratch", .. fixture.Network, "--architecture", "0 1 2 3 0", "--epochs", "4", "--output-dir", folder, "--save-frequency", "1",
            "--log-frequency", "1",
            "--ema-decay", "0.9", "--mixup", "0.2", "--random-erasing", "0.25", "--warmup-steps", "3",
        ],
        "*.spos", "metrics.jsonl");

    [Fact]
    public async Task Training_along_a_front_survives()
    {
        string search = fixture.At("search");
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", search, "--strategy",
            "nsga2", "--max-epochs", "2", "--num-population", "6", "--num-select", "3", "--num-crossover", "2", "--num-mutation", "2",
            "--train-iters", "1", "--train-batch-size", "8");
        await Survives(
            folder =>
            [
                "front", "--imagenet-dir", fixture.Data, "--search", search, "--num-networks", "2", "--random", "1", "--handmade", "1",
                "--epochs", "2", "--batch-size", "8", "--learning-rate", "0.1", "--output-dir", folder, "--save-frequency", "1",
                "--log-frequency", "1", "--ema-decay", "0.9",
            ],
            "networks.json", "result.json", "front.svg", "exports/*", "front_000/*.spos", "front_000/metrics.jsonl");
    }

    private async Task Survives(Func<string, string[]> command, params string[] results)
    {
        string whole = fixture.At($"whole-{Guid.NewGuid():N}");
        var clock = Stopwatch.StartNew();
        PipelineFixture.Expect(0, command(whole));
        double milliseconds = clock.Elapsed.TotalMilliseconds;
        Dictionary<string, byte[]> wanted = Results(whole, results);
        Assert.True(wanted.Count >= results.Length, string.Join(' ', wanted.Keys));

        // Moments of killing need no seed to be reported: whatever they are, the result must be the same.
        int killed = 0, whileWriting = 0;
        for (int run = 0; run < 2 * Kills && killed < Kills; run++)
        {
            string folder = fixture.At($"killed-{Guid.NewGuid():N}");
            int first = killed;
            Outcome? ended;
            do
            {
                string[] before = Leftovers(folder);
                TimeSpan? after = killed < Kills ? TimeSpan.FromMilliseconds(System.Random.Shared.NextDouble() * milliseconds) : null;
                clock.Restart();
                (ended, string error) = await Start(command(folder), folder, after, whileWriting: killed % 2 == 0);
                Assert.DoesNotContain("damaged:", error, StringComparison.Ordinal);
                if (ended != null) continue;
                killed++;
                if (Leftovers(folder).Except(before).Any()) whileWriting++;
            }
            while (ended == null);
            // The machine is faster than it was: moments come earlier.
            if (killed == first) milliseconds = clock.Elapsed.TotalMilliseconds;
            Assert.True(ended.Code == 0, $"after {killed - first} kills it ended with {ended.Code}:\n{ended.Output}\n{ended.Error}");
            Dictionary<string, byte[]> got = Results(folder, results);
            Assert.Equal(wanted.Keys, got.Keys);
            foreach ((string file, byte[] bytes) in wanted)
            {
                Assert.True(
                    bytes.AsSpan().SequenceEqual(got[file]),
                    $"{file} differs after {killed - first} kills, of which it is said:\n{ended.Output}");
            }
            Assert.Empty(Leftovers(folder));
            Directory.Delete(folder, recursive: true);
        }
        Assert.True(killed == Kills, $"only {killed} were killed before their end, not {Kills}.");
        Assert.True(whileWriting >= LeastWhileWriting, $"only {whileWriting} of {Kills} were killed while writing.");
    }

    // Runs the program until it ends by itself, or is killed after a while, perhaps with the next file that it writes; then there is no
    // outcome. And what it said on standard error.
    private static async Task<(Outcome? Ended, string Error)> Start(string[] command, string folder, TimeSpan? after, bool whileWriting)
    {
        string[] before = Leftovers(folder);
        using Process process = SposProcess.Start(command);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (after is { } moment)
        {
            await Task.WhenAny(Task.Delay(moment), process.WaitForExitAsync());
            var clock = Stopwatch.StartNew();
            while (whileWriting && !process.HasExited && !Leftovers(folder).Except(before).Any()) Assert.True(clock.Elapsed < Patience);
            process.Kill();
        }
        await process.WaitForExitAsync();
        bool wasKilled = process.ExitCode == Killed;
        return (wasKilled ? null : new Outcome(process.ExitCode, await output, await error), await error);
    }

    // Their names tell which process began them.
    private static string[] Leftovers(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, ".*.tmp", SearchOption.AllDirectories) : [];

    private static Dictionary<string, byte[]> Results(string folder, string[] patterns) =>
        patterns.SelectMany(pattern => Directory.GetFiles(Path.Combine(folder, Path.GetDirectoryName(pattern)!), Path.GetFileName(pattern)))
            .Order(StringComparer.Ordinal).ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllBytes);
}
