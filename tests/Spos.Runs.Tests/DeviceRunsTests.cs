using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>Phases that several devices share in one process; the devices are one here.</summary>
[Collection("searches")]
public sealed class DeviceRunsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-devices-").FullName;

    public static TheoryData<int> Numbers => [2, 3];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_supernet_is_trained_to_the_bytes_of_one_device(int devices)
    {
        SupernetResult one = On(1, SupernetTraining.Run, Supernet("one"))!;
        SupernetResult several = On(devices, SupernetTraining.Run, Supernet("several"))!;
        Assert.Equal(Bytes("one"), Bytes("several"));
        Assert.Equal(one.RandomTop1, several.RandomTop1);
        Assert.Equal(one.Curve, several.Curve);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_network_is_trained_and_evaluated_to_the_bytes_of_one_device(int devices)
    {
        ScratchResult one = On(1, ScratchTraining.Run, Scratch("one"))!, several = On(devices, ScratchTraining.Run, Scratch("several"))!;
        Assert.Equal(Bytes("one"), Bytes("several"));
        Assert.Equal((one.Accuracy, one.LastTop1, one.Pictures), (several.Accuracy, several.LastTop1, several.Pictures));

        var evaluation = new EvaluationSpec
        {
            Data = Data,
            Checkpoint = At("one"),
            TestBatchSize = 4,
            Recalibrate = true,
            TrainIters = 2,
            TrainBatchSize = 6,
        };
        EvaluationResult measured = On(1, Evaluation.Run, evaluation), shared = On(devices, Evaluation.Run, evaluation);
        Assert.Equal((measured.Accuracy, measured.Pictures), (shared.Accuracy, shared.Pictures));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_with_another_number_of_devices()
    {
        On(1, SupernetTraining.Run, Supernet("whole"));
        using var asked = new CancellationTokenSource();
        Assert.Null(On(3, SupernetTraining.Run, Supernet("stopped"), (_, step) =>
        {
            if (step == 2) asked.Cancel();
        }, asked.Token));
        IEnumerable<string?> saved = CheckpointFolder.Files(At("stopped")).Select(Path.GetFileName);
        Assert.Equal([CheckpointFolder.NameOf(2), CheckpointFolder.NameOf(3)], saved);
        On(2, SupernetTraining.Run, Supernet("stopped"));
        Assert.Equal(Bytes("whole")[^1], Bytes("stopped")[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_failure_of_one_device_ends_all_and_loses_no_checkpoint(int failing)
    {
        On(1, ScratchTraining.Run, Scratch("whole"));
        var told = Assert.Throws<IOException>(() => On(3, ScratchTraining.Run, Scratch("failed"), (device, step) =>
        {
            if (device == failing && step == 4) throw new IOException("the failure");
        }));
        Assert.Equal("the failure", told.Message);
        // The end of the first epoch; the folder is free again.
        Assert.Equal([CheckpointFolder.NameOf(3)], CheckpointFolder.Files(At("failed")).Select(Path.GetFileName));
        On(2, ScratchTraining.Run, Scratch("failed"));
        Assert.Equal(Bytes("whole"), Bytes("failed"));
    }

    [Fact]
    public void More_devices_than_shards_are_refused()
    {
        string refusal = Assert.Throws<UsageException>(() => On(4, SupernetTraining.Run, Supernet("refused"))).Message;
        Assert.StartsWith("4 devices need --shards 4 or more, and there are 3", refusal, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("refused")));
    }

    // What the first device comes to. Stepped is told of each device's steps.
    private static T On<TSpec, T>(
        int devices, Func<TSpec, RunContext, T> phase, TSpec spec, Action<int, long>? stepped = null, CancellationToken asked = default) =>
        DeviceRanks.Run(
            [.. Enumerable.Range(0, devices).Select(i => $"device {i}")],
            ranks => phase(
                spec,
                new RunContext(() => Device.Host, new Steps(step => stepped?.Invoke(ranks.Rank, step)), ranks.Stopped) { Ranks = ranks }),
            asked: asked)[0];

    private byte[][] Bytes(string folder) => [.. CheckpointFolder.Files(At(folder)).Select(File.ReadAllBytes)];

    private string At(string name) => Path.Combine(_folder, name);

    private TrainingSetup Training(string folder) => new(
        new RunSetup { Data = Data, Folder = At(folder), Options = [] },
        new TrainingOptions { Epochs = 2, BatchSize = 6, Shards = 3, LearningRate = 0.05f });

    private SupernetSpec Supernet(string folder) => new()
    {
        Setup = Training(folder),
        Sizes = Tiny,
        PathsPerStep = 2,
        HeldOut = 0.2f,
        RandomPaths = 4,
    };

    private ScratchSpec Scratch(string folder) =>
        new() { Setup = Training(folder), Sizes = Tiny, Architecture = "0 1 2 3", EmaDecay = 0.9f, TestBatchSize = 4 };

    private sealed class Steps(Action<long> stepped) : IRunObserver
    {
        public void Stepped(StepReport report, bool isLogged) => stepped(report.Step);
    }
}
