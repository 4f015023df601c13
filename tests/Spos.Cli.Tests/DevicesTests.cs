using System.Diagnostics;

namespace Spos.Cli.Tests;

/// <summary>Work that several devices share in one process (--devices): the CPU is shown as three.</summary>
public sealed class DevicesTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    private static readonly Dictionary<string, string> Three = new() { ["SPOS_HOST_DEVICES"] = "3" };

    [Fact]
    public async Task A_run_that_Ctrl_C_stops_goes_on_with_other_devices_to_the_same_bytes()
    {
        const int steps = 60;
        string[] Train(string name) =>
        [
            .. fixture.Supernet(fixture.At(name), epochs: 1000), "--shards", "4", "--total-iters", $"{steps}", "--random-paths", "3",
            "--log-frequency", "1",
        ];
        Outcome whole = PipelineFixture.Expect(0, Train("whole"));

        using Process first = SposProcess.Start(null, [.. Train("changed"), "--devices", "host:0,host:1,host:2"], Three);
        Task<string> output = first.StandardOutput.ReadToEndAsync(), error = first.StandardError.ReadToEndAsync();
        string metrics = fixture.At("changed/metrics.jsonl");
        while (!first.HasExited && !(File.Exists(metrics) && new FileInfo(metrics).Length > 0)) await Task.Delay(5);
        SposProcess.Interrupt(first);
        await first.WaitForExitAsync();
        Assert.True(first.ExitCode == ExitCode.Stopped, $"{first.ExitCode}: {await output}{await error}");
        Assert.Contains($"of {steps}, saved to", await output, StringComparison.Ordinal);
        Assert.Equal(1, Occurrences(await error, "stopping:"));

        Outcome second = SposProcess.RunWith(Three, [.. Train("changed"), "--devices", "host:2,host:0"]);
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("Going on from", second.Output, StringComparison.Ordinal);
        Assert.Contains(" on host:2 ", second.Output, StringComparison.Ordinal);
        string[] names = [.. Directory.GetFiles(fixture.At("whole"), "*.spos").Select(path => Path.GetFileName(path))];
        Assert.NotEmpty(names);
        foreach (string name in names)
        {
            if (!name.Contains($"{steps}", StringComparison.Ordinal)) continue;
            Assert.Equal(File.ReadAllBytes(fixture.At($"whole/{name}")), File.ReadAllBytes(fixture.At($"changed/{name}")));
        }
        Assert.Equal(Figures(whole), Figures(second));
    }

    [Fact]
    public void A_run_that_diverges_ends_as_it_does_on_one_device()
    {
        int rate = Array.IndexOf(fixture.Network, "--learning-rate") + 1;
        Outcome Train(string name, params string[] devices) => SposProcess.RunWith(
            Three,
            [
                "scratch", .. fixture.Network[..rate], "99", .. fixture.Network[(rate + 1)..], "--architecture", "0 1 2 3 0", "--shards",
                "4", "--epochs", "30", "--weight-decay", "0.9", "--ema-decay", "0.9", "--val-frequency", "0", "--save-frequency", "1",
                "--output-dir", fixture.At(name), .. devices,
            ]);
        string[] CheckpointsOf(string name) =>
            [.. Directory.GetFiles(fixture.At(name), "*.spos").Select(path => Path.GetFileName(path)).Order()];
        Outcome one = Train("diverges");
        Assert.True(one.Code == 1, $"{one.Code}: {one.Output}{one.Error}");
        Assert.Contains(": training diverges. Lower --learning-rate", one.Error, StringComparison.Ordinal);
        string[] files = CheckpointsOf("diverges");
        Assert.Contains($"The last checkpoint, {fixture.At($"diverges/{files[^1]}")}, is whole", one.Error, StringComparison.Ordinal);
        foreach ((string name, string devices) in new[] { ("of-two", "host:0,host:1"), ("of-three", "host:2,host:1,host:0") })
        {
            Outcome several = Train(name, "--devices", devices);
            Assert.Equal(1, several.Code);
            Assert.Equal(one.Error.Replace(fixture.At("diverges"), fixture.At(name), StringComparison.Ordinal), several.Error);
            Assert.Equal(files, CheckpointsOf(name));
            foreach (string file in files)
            {
                Assert.Equal(File.ReadAllBytes(fixture.At($"diverges/{file}")), File.ReadAllBytes(fixture.At($"{name}/{file}")));
            }
            PipelineFixture.Expect(
                0, "eval", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At(name), "--test-batch-size", "8");
        }
    }

    [Theory]
    [InlineData("host:1")]
    [InlineData("host:1,host:0")]
    [InlineData("host:0,host:1,host:2")]
    public void Evaluation_tells_the_figures_of_one_device(string devices)
    {
        string[] eval =
        [
            "eval", "--imagenet-dir", fixture.Data, "--checkpoint", fixture.At("supernet"), "--architecture", "0 1 2 3 0", "--train-iters",
            "2", "--train-batch-size", "8", "--test-batch-size", "5",
        ];
        Outcome one = PipelineFixture.Expect(0, eval), several = SposProcess.RunWith(Three, [.. eval, "--devices", devices]);
        Assert.True(several.Code == 0, several.Error);
        Assert.Contains("top-1 on val", one.Output, StringComparison.Ordinal);
        Assert.Equal(Figures(one), Figures(several));
    }

    [Theory]
    [InlineData("0,0", "--devices 0,0: 0 is there twice")]
    [InlineData("host:1,cpu:1", "--devices host:1,cpu:1: cpu:1 is there twice")]
    [InlineData("a", "--devices a: a is no device")]
    [InlineData("", "--devices '': '' is no device")]
    [InlineData("0,", "--devices 0,: '' is no device")]
    [InlineData("0,host:1", "all have to be of one kind")]
    [InlineData("host:0,host:7", "--devices host:7: there are 3 devices of kind host, host:0 to host:2.")]
    [InlineData("host:0,host:1 --device host", "--devices and --device host exclude each other")]
    [InlineData("host:0,host:1", "2 devices need --shards 2 or more, and there are 1")]
    public void What_cannot_be_is_refused_in_a_line(string devices, string why)
    {
        string[] words = devices.Split(' ');
        string[] shards = why.Contains("--shards", StringComparison.Ordinal) ? [] : ["--shards", "4"];
        Outcome refused = SposProcess.RunWith(
            Three, [.. fixture.Supernet(fixture.At("refused")), .. shards, "--devices", .. words]);
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Single(refused.Error.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(fixture.At("refused")));
    }

    [Fact]
    public void Processes_of_mpirun_have_a_device_each()
    {
        var launched = new Dictionary<string, string>(Three) { ["OMPI_COMM_WORLD_SIZE"] = "2", ["OMPI_COMM_WORLD_RANK"] = "0" };
        Outcome refused = SposProcess.RunWith(
            launched, [.. fixture.Supernet(fixture.At("refused")), "--shards", "4", "--devices", "host:0,host:1"]);
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains("mpirun or srun started 2", refused.Error, StringComparison.Ordinal);
    }

    // What is told of the results, without where they lie.
    private static string[] Figures(Outcome outcome) =>
    [
        .. outcome.Output.Split('\n').Where(line => line.Contains(" on val", StringComparison.Ordinal)
            || line.Contains("  loss ", StringComparison.Ordinal) || line.Contains("  pictures ", StringComparison.Ordinal))
            .Where(line => !line.Contains("epoch", StringComparison.Ordinal)),
    ];

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;
}
