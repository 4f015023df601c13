using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Ops;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>What a graph does for a path that stays the same: all that launches one by one do.</summary>
[Collection(nameof(WholeMachine))]
public sealed class RepeatedWorkTests
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [16, 24, 32, 40],
        LastChannels = 16,
    };

    private static readonly Architecture Path = Architecture.Parse("0 3 1 2");

    [Theory]
    [OnGpus]
    public void Training_a_path_from_scratch_gives_the_same_bits(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var files = new TemporaryDataSet(3, 6);
        ImageFolder data = ImageFolder.Open(files.Root);
        TrainingOptions options = new() { Epochs = 2, BatchSize = 4, LearningRate = 0.05f, WarmupSteps = 2, Seed = 3, Workers = 1 };
        (float[] one, long none) = Train(graphs: false, 0);
        (float[] whole, long launches) = Train(graphs: true, 0);
        Assert.Equal(0, none);
        // Of four steps an epoch the first is not.
        Assert.Equal(6, launches);
        Assert.Equal(one, whole);
        Assert.Equal(0, Train(graphs: true, 0.2f).Launches);

        (float[] Weights, long Launches) Train(bool graphs, float mixup)
        {
            using Setting setting = new(test.Device, graphs);
            using var session = new Session(test.Device);
            using var network = new ShuffleNetV2OneShot(session, Spec, Path);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
            var trainer = new Trainer(
                session, network, data, options with { Mixup = mixup }, _ => [Path], new DamageReport(m => Assert.Fail(m)));
            while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
            return ([.. Values(session, network)], setting.Launches);
        }
    }

    [Theory]
    [OnGpus]
    public void Measuring_gives_the_same_bits_and_takes_a_smaller_batch_at_the_end(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var files = new TemporaryDataSet(3, 5);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        var loader = new LoaderOptions { ImageSize = 32, BatchSize = 4, Workers = 1 };
        // Batches of 4, 4, 4 and 3.
        using var source = new BatchSource(
            test.Device, ImageFolder.Open(files.Root), loader, new DamageReport(m => Assert.Fail(m)), int.MaxValue, 1 << 30);
        Evaluator.Recalibrate(session, network, Path, source);
        Accuracy one = Measure(graphs: false, launches: 0);
        Assert.Equal(one, Measure(graphs: true, launches: 2));
        // The graph of a measurement works on the weights as they are then.
        network.Classifier.Value.Fill(session.Stream, 0);
        Assert.NotEqual(one.Loss, Measure(graphs: true, launches: 2).Loss);

        Accuracy Measure(bool graphs, int launches)
        {
            using Setting setting = new(test.Device, graphs);
            int inUse = session.Pool.InUse;
            Accuracy accuracy = Evaluator.Measure(session, network, Path, source);
            Assert.Equal(launches, setting.Launches);
            Assert.Equal(inUse, session.Pool.InUse);
            Assert.Equal(15, accuracy.Images);
            return accuracy;
        }
    }

    [Theory]
    [OnHostAndSimt]
    public void A_batch_of_another_size_and_a_graph_that_has_ended_are_worked_on_launch_by_launch(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using Setting setting = new(test.Device, graphs: true);
        using var session = new Session(test.Device);
        using var work = new RepeatedWork<Tensor>(session, (images, _) => Relu.Forward(Pass.Inference(session), images));
        foreach ((int count, bool replayed) in new[] { (2, false), (2, true), (3, false), (2, true) })
        {
            Check(count, replayed && name != "host");
        }
        session.Pool.Trim();
        Check(2, false);
        Check(2, false);

        void Check(int count, bool replayed)
        {
            using Tensor images = session.Rent(new Shape(count, 4, 4, 3));
            using var labels = new DeviceArray<int>(session.Pool, count);
            labels.Upload(session.Stream, new int[count]);
            images.Fill(session.Stream, count);
            Assert.All(work.Run(images, labels).Download(session.Stream), v => Assert.Equal(count, v));
            Assert.Equal(replayed, work.WasReplayed);
        }
    }

    [Theory]
    [OnGpus]
    public void The_first_batch_may_have_fewer_pictures_than_the_others(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using Setting setting = new(test.Device, graphs: true);
        using var session = new Session(test.Device);
        using var work = new RepeatedWork<Tensor>(session, (images, _) => Relu.Forward(Pass.Inference(session), images));
        // As where a picture of the first batch of a measurement is damaged, and at the end.
        foreach ((int count, bool replayed) in new[] { (3, false), (4, false), (4, true), (4, true), (3, false), (4, true), (2, false) })
        {
            using Tensor images = session.Rent(new Shape(count, 4, 4, 3));
            using var labels = new DeviceArray<int>(session.Pool, count);
            labels.Upload(session.Stream, new int[count]);
            images.Fill(session.Stream, count);
            Assert.All(work.Run(images, labels).Download(session.Stream), v => Assert.Equal(count, v));
            Assert.Equal(replayed, work.WasReplayed);
        }
    }

    [Theory]
    [OnGpus]
    public void There_may_be_more_labels_than_pictures(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using Setting setting = new(test.Device, graphs: true);
        using var session = new Session(test.Device);
        using var work = new RepeatedWork<Tensor>(session, (images, _) => Relu.Forward(Pass.Inference(session), images));
        using Tensor images = session.Rent(new Shape(2, 4, 4, 3));
        images.Fill(session.Stream, 5);
        // The estimate of a batch that fits works on the first pictures of a batch, and leaves the labels as they are.
        using var labels = new DeviceArray<int>(session.Pool, 3);
        labels.Upload(session.Stream, [0, 1, 2]);
        foreach (bool replayed in new[] { false, true, true })
        {
            Assert.All(work.Run(images, labels).Download(session.Stream), v => Assert.Equal(5, v));
            Assert.Equal(replayed, work.WasReplayed);
        }
    }

    [Fact]
    public void A_device_too_full_for_a_graph_does_without()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        using var session = new Session(test.Device);
        using Tensor images = session.Rent(new Shape(1, 16, 16, 3));
        images.Fill(session.Stream, 2);
        using var labels = new DeviceArray<int>(session.Pool, 1);
        labels.Upload(session.Stream, [0]);
        // Of ten tensors, one by one, two are there at once. A graph keeps all.
        using var work = new RepeatedWork<Tensor>(session, (x, _) =>
        {
            Tensor last = Relu.Forward(Pass.Inference(session), x);
            for (int i = 0; i < 9; i++)
            {
                using Tensor before = last;
                last = Relu.Forward(Pass.Inference(session), before);
            }
            return last;
        });
        int inUse = session.Pool.InUse;
        test.Device.LimitMemory(1L << 30);
        (long free, long total) = test.Device.ReadMemory();
        test.Device.LimitMemory(total - free + 6 * images.Shape.Count * sizeof(float));
        try
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.All(work.Run(images, labels).Download(session.Stream), v => Assert.Equal(2, v));
                Assert.False(work.WasReplayed);
                Assert.Equal(inUse + 1, session.Pool.InUse);
            }
        }
        finally
        {
            test.Device.LimitMemory(null);
        }
    }

    [Fact]
    public void A_device_too_full_for_a_graphs_launches_does_without()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        using var session = new Session(test.Device);
        using Tensor images = session.Rent(new Shape(1, 16, 16, 3));
        images.Fill(session.Stream, 2);
        using var labels = new DeviceArray<int>(session.Pool, 1);
        labels.Upload(session.Stream, [0]);
        using var work = new RepeatedWork<Tensor>(session, (x, _) => Relu.Forward(Pass.Inference(session), x));
        int inUse = session.Pool.InUse;
        test.Device.LimitMemory(1L << 30);
        (long free, long total) = test.Device.ReadMemory();
        // The graph's own batch and its result fit, with some bytes to spare; what the emulated GPU takes for a launch does not.
        long buffers = 2 * images.Shape.Count * sizeof(float) + sizeof(int);
        try
        {
            test.Device.LimitMemory(total - free + buffers + 100);
            for (int i = 0; i < 3; i++)
            {
                Assert.All(work.Run(images, labels).Download(session.Stream), v => Assert.Equal(2, v));
                Assert.False(work.WasReplayed);
                Assert.Equal(inUse + 1, session.Pool.InUse);
            }
        }
        finally
        {
            test.Device.LimitMemory(null);
        }
    }

    [Fact]
    public void Launches_that_are_looked_at_one_by_one_are_no_graph()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        Assert.True(test.Device.UsesGraphs);
        test.Device.IsSynchronous = true;
        Assert.False(test.Device.UsesGraphs);
        test.Device.IsSynchronous = false;
        test.Device.Kernels.Recorder = new LaunchRecorder();
        Assert.False(test.Device.UsesGraphs);
        test.Device.Kernels.Recorder = null;
        Assert.True(test.Device.UsesGraphs);
        Assert.False(Device.Host.UsesGraphs);
    }

    private static IEnumerable<float> Values(Session session, ShuffleNetV2OneShot network) =>
    [
        .. network.Parameters.SelectMany(p => p.Value.Download(session.Stream).Concat(p.Momentum.Download(session.Stream))),
        .. network.BatchNorms.SelectMany(
            b => b.RunningMean.Download(session.Stream).Concat(b.RunningVariance.Download(session.Stream)).Append(b.BatchesTracked)),
    ];

    // Whether graphs are wanted, and how many were launched since. Who checks a device lets all cases run with launches one by one too,
    // by which there are none.
    private sealed class Setting : IDisposable
    {
        private readonly Device _device;
        private readonly long _before;
        private readonly bool _wereWanted, _wasSynchronous;

        public Setting(Device device, bool graphs)
        {
            (_device, _before) = (device, device.GraphLaunches);
            (_wereWanted, _wasSynchronous) = (device.WantsGraphs, device.IsSynchronous);
            (device.WantsGraphs, device.IsSynchronous) = (graphs, false);
        }

        public long Launches => _device.GraphLaunches - _before;

        public void Dispose() => (_device.WantsGraphs, _device.IsSynchronous) = (_wereWanted, _wasSynchronous);
    }
}
