using System.Diagnostics;

namespace Spos.Cli.Tests;

/// <summary>
/// Runs that are killed (SIGKILL) at random moments, half of them while a file is being written, and started again: they come to
/// the bits of a run that was left alone.
/// </summary>
public sealed class KillTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private const int Kills = 30;

    // Fewer would mean that the half which waits for a write misses it.
    private const int LeastWhileWriting = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Supernet_training_survives() =>
        await Survives(folder => [.. fixture.Supernet(folder, epochs: 4), "--save-frequency", "1", "--log-frequency", "1", "--random-paths", "2"], "*.spos", "metrics.jsonl");

    [Fact]
    public async Task Search_survives() => await Survives(
        folder =>
        [
            "search", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--output-dir", folder, "--max-epochs", "5", "--num-population", "10", "--num-select", "4",
            "--num-crossover", "4", "--num-mutation", "4", "--train-iters", "1", "--train-batch-size", "8",
        ],
        "search.json", "architecture_final.json", "result.json", "checkpoints/*.json");

    [Fact]
    public async Task Training_from_scratch_survives() => await Survives(
        folder =>
        [
            "scratch", .. fixture.Network, "--architecture", "0 1 2 3 0", "--epochs", "4", "--output-dir", folder, "--save-frequency", "1", "--log-frequency", "1",
            "--ema-decay", "0.9", "--mixup", "0.2", "--random-erasing", "0.25", "--warmup-steps", "3",
        ],
        "*.spos", "metrics.jsonl");

    private async Task Survives(Func<string, string[]> command, params string[] results)
    {
        string whole = fixture.At($"whole-{Guid.NewGuid():N}");
        var clock = Stopwatch.StartNew();
        PipelineFixture.Expect(0, command(whole));
        double milliseconds = clock.Elapsed.TotalMilliseconds;
        Dictionary<string, byte[]> wanted = Results(whole, results);
        Assert.True(wanted.Count >= results.Length, string.Join(' ', wanted.Keys));

        // Moments of killing need no seed to be reported: whatever they are, the result must be the same.
        int whileWriting = 0, killed = 0;
        for (int i = 0; i < Kills; i++)
        {
            string folder = fixture.At($"killed-{Guid.NewGuid():N}");
            killed += await Kill(command(folder), folder, TimeSpan.FromMilliseconds(System.Random.Shared.NextDouble() * milliseconds), i % 2 == 0) ? 1 : 0;
            if (Leftovers(folder)) whileWriting++;
            Outcome outcome = PipelineFixture.Expect(0, command(folder));
            Assert.DoesNotContain("damaged:", outcome.Error, StringComparison.Ordinal);
            Dictionary<string, byte[]> got = Results(folder, results);
            Assert.Equal(wanted.Keys, got.Keys);
            foreach ((string file, byte[] bytes) in wanted) Assert.True(bytes.AsSpan().SequenceEqual(got[file]), $"{file} differs after kill {i}, of which it is said:\n{outcome.Output}");
            Assert.False(Leftovers(folder));
            Directory.Delete(folder, recursive: true);
        }
        Assert.True(killed >= Kills / 2, $"only {killed} of {Kills} were killed before their end.");
        Assert.True(whileWriting >= LeastWhileWriting, $"only {whileWriting} of {Kills} were killed while writing.");
    }

    // Returns whether it was still running.
    private static async Task<bool> Kill(string[] command, string folder, TimeSpan after, bool whileWriting)
    {
        using Process process = SposProcess.Start(command);
        Task output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await Task.Delay(after);
        var clock = Stopwatch.StartNew();
        while (whileWriting && !process.HasExited && !Leftovers(folder)) Assert.True(clock.Elapsed < Patience);
        bool running = !process.HasExited;
        process.Kill();
        await process.WaitForExitAsync();
        await output;
        return running;
    }

    private static bool Leftovers(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, ".*.tmp", SearchOption.AllDirectories).Any();

    private static Dictionary<string, byte[]> Results(string folder, string[] patterns) =>
        patterns.SelectMany(pattern => Directory.GetFiles(Path.Combine(folder, Path.GetDirectoryName(pattern)!), Path.GetFileName(pattern)))
            .Order(StringComparer.Ordinal).ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllBytes);
}
