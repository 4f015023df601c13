using System.Diagnostics;

namespace Spos.Cli.Tests;

/// <summary>Runs that keep decoded pictures on disk (--cache).</summary>
public sealed class CacheTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void A_cache_at_full_size_changes_no_bit_and_a_run_goes_on_with_or_without_it()
    {
        string run = fixture.At("cached"), cache = fixture.At("cache");
        Outcome made = PipelineFixture.Expect(0, [.. fixture.Supernet(run), "--cache", cache]);
        Assert.Contains($"The cache of train and val in {cache} takes 202.8 kB more, of ", made.Output, StringComparison.Ordinal);
        Assert.Equal(NewestOf(fixture.At("supernet")), NewestOf(run));
        Outcome again = PipelineFixture.Expect(0, fixture.Supernet(run));
        Assert.Contains("Going on from", again.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["train.index", "train.pixels", "val.index", "val.pixels"],
            Directory.GetFileSystemEntries(cache).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Another_size_of_pictures_is_refused_where_a_run_goes_on()
    {
        string run = fixture.At("shrunk"), cache = fixture.At("small");
        string[] command = fixture.Supernet(run), shrunk = [.. command, "--cache", cache, "--cache-size", "24"];
        PipelineFixture.Expect(0, shrunk);
        Assert.NotEqual(NewestOf(fixture.At("supernet")), NewestOf(run));
        Assert.Contains("--cache-size 24, not (unset)", PipelineFixture.Expect(2, command).Error, StringComparison.Ordinal);
        // The same pictures from another folder are the same.
        string[] elsewhere = [.. command, "--cache", fixture.At("elsewhere"), "--cache-size", "24"];
        Assert.Contains("Going on from", PipelineFixture.Expect(0, elsewhere).Output, StringComparison.Ordinal);
        string[] full = [.. fixture.Supernet(fixture.At("supernet")), "--cache", cache, "--cache-size", "24"];
        Assert.Contains("--cache-size (unset), not 24", PipelineFixture.Expect(2, full).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Making_a_cache_is_stopped_in_good_order_and_goes_on()
    {
        string data = fixture.At("large"), cache = fixture.At("stopped"), index = Path.Combine(cache, "train.index");
        PipelineFixture.Expect(
            0, "dataset", "make", "--output-dir", data, "--classes", "2", "--train", "300", "--val", "2", "--size", "512",
            "--difficulty", "0");
        string[] command =
        [
            .. fixture.Supernet(fixture.At("run")).Select(word => word == fixture.Data ? data : word), "--total-iters", "1",
            "--workers", "1", "--cache", cache,
        ];
        command = [.. command.Where((word, i) => word != "--epochs" && (i == 0 || command[i - 1] != "--epochs"))];
        using Process first = SposProcess.Start(command);
        Task<string> output = first.StandardOutput.ReadToEndAsync(), error = first.StandardError.ReadToEndAsync();
        while (!File.Exists(index) && !first.HasExited) await Task.Delay(1);
        SposProcess.Interrupt(first);
        await first.WaitForExitAsync();
        Assert.True(first.ExitCode == 130, await output + await error);
        Assert.Matches(
            @"Stopped when \d+ of 600 pictures of train were in the cache\. To go on, run the same command again\.", await output);
        Outcome second = PipelineFixture.Expect(0, command);
        Assert.Contains("The cache of train and val in", second.Output, StringComparison.Ordinal);
        Assert.Contains("cache of train  600/600", second.Output, StringComparison.Ordinal);
    }

    [SmallDiskFact]
    public void A_cache_that_does_not_fit_is_refused_before_anything_is_written()
    {
        string disk = Directory.CreateDirectory(fixture.At("disk")).FullName;
        string[] command = [.. fixture.Supernet(Path.Combine(disk, "run")), "--cache", Path.Combine(disk, "cache")];
        Outcome roomy = SmallDisk.Run(disk, 150, fixture.At("from-disk"), command);
        Assert.True(roomy.Code == 0, roomy.Output + roomy.Error);
        string first = File.ReadAllText(fixture.At("from-disk/first"));
        Assert.StartsWith("1\n", first, StringComparison.Ordinal);
        Assert.Contains("the cache takes 202.8 kB more, and ", first, StringComparison.Ordinal);
        Assert.Contains("are free there. Choose another folder, or make room.", first, StringComparison.Ordinal);
    }

    [SmallDiskFact]
    public void A_folder_that_may_only_be_read_and_has_no_whole_cache_is_refused_at_the_start()
    {
        string disk = Directory.CreateDirectory(fixture.At("read-only")).FullName, run = fixture.At("unwritten");
        Outcome outcome = SmallDisk.RunReadOnly(disk, [.. fixture.Supernet(run), "--cache", disk]);
        Assert.True(outcome.Code == 2, outcome.Output + outcome.Error);
        Assert.Contains(
            $"--cache {disk}: there is no whole cache of train, and you may not write to {disk}.", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run));
    }

    private static byte[] NewestOf(string run) => File.ReadAllBytes(Directory.GetFiles(run, "*.spos").Order(StringComparer.Ordinal).Last());
}
