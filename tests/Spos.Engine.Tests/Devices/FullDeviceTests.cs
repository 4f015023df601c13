using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Training;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Devices;

/// <summary>Devices with a limit of their memory, which a GPU has not, and which is everybody's: so these tests run alone.</summary>
[Collection(nameof(WholeMachine))]
public sealed class FullDeviceTests
{
    private const long MiB = 1 << 20;

    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [16, 32, 48, 64],
        LastChannels = 32,
    };

    private static readonly Architecture Path = Architecture.Parse("0 1 2 3 0");

    [Theory]
    [InlineData("1", 1)]
    [InlineData("800M", 800 * MiB)]
    [InlineData("2g", 2048 * MiB)]
    [InlineData("3T", 3 << 20, MiB)]
    public void A_limit_is_a_number_of_bytes(string text, long bytes, long times = 1) =>
        Assert.Equal(bytes * times, MemoryLimit.Parse(text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("M")]
    [InlineData("1.5G")]
    [InlineData("2 G")]
    [InlineData("2GB")]
    [InlineData("9999999999T")]
    public void What_is_no_number_of_bytes_is_refused(string text)
    {
        FormatException error = Assert.Throws<FormatException>(() => MemoryLimit.Parse(text));
        Assert.Contains($"SPOS_MEMORY_LIMIT is '{text}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("simt 1")]
    public void The_error_tells_the_figures_and_nothing_is_lost(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using Limit limit = Limit.OfFree(test.Device, 8 * MiB);
        DeviceBuffer first = session.Pool.Rent(5 * MiB);
        (int inUse, long peak, long reserved) = (session.Pool.InUse, session.Pool.PeakBytesInUse, session.Pool.ReservedBytes);
        DeviceMemoryException error = Assert.Throws<DeviceMemoryException>(() => session.Pool.Rent(4 * MiB));
        Assert.Equal((4 * MiB, 5 * MiB, 0), (error.Asked, error.InUse, error.Kept));
        string whose = name == "host" ? "The CPU's" : "The emulated GPU's";
        Assert.StartsWith($"{whose} memory is full: 4.2 MB was asked for", error.Message, StringComparison.Ordinal);
        Assert.Contains("5.2 MB of it by the same work", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("CUDA", error.Message, StringComparison.Ordinal);
        Assert.Equal((inUse, peak, reserved), (session.Pool.InUse, session.Pool.PeakBytesInUse, session.Pool.ReservedBytes));
        first.Release();
        session.Pool.Rent(7 * MiB).Release();
        Assert.Equal(0, session.Pool.InUse);
    }

    [Fact]
    public void What_another_session_keeps_is_given_back_first()
    {
        using var keeper = new Session(Device.Host);
        using var session = new Session(Device.Host);
        using Limit limit = Limit.OfFree(Device.Host, 8 * MiB);
        keeper.Pool.Rent(6 * MiB).Release();
        Assert.Equal(6 * MiB, keeper.Pool.ReservedBytes);
        DeviceBuffer buffer = session.Pool.Rent(7 * MiB);
        Assert.Equal(0, keeper.Pool.ReservedBytes);
        buffer.Release();
        session.Pool.Trim();
        keeper.Pool.Rent(6 * MiB).Release();
        DeviceMemoryException error = Assert.Throws<DeviceMemoryException>(() => session.Pool.Rent(9 * MiB));
        Assert.Equal(6 * MiB, error.Kept);
        Assert.Contains("6.3 MB that was kept for reuse was given back", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused)]
    [InlineData("host", ConvolutionPlan.Unfused)]
    [InlineData("host", ConvolutionPlan.Cudnn)]
    [InlineData("simt 1", ConvolutionPlan.Fused)]
    [InlineData("simt 1", ConvolutionPlan.Unfused)]
    public void Wherever_a_step_fails_nothing_of_it_is_left_and_the_next_gives_the_same_bits(string name, ConvolutionPlan plan)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        ConvolutionPlanner.Of(session).Plan = plan;
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using Batch batch = Pictures(session, 4);
        long before = session.Pool.PeakBytesInUse;
        var tape = new Tape();
        float[] Step()
        {
            using Tensor logits = network.Forward(Pass.Training(session, tape), batch.Images, Path);
            (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, batch.Labels, 0.1f, 1f / batch.Count);
            using (loss)
            {
                tape.Backward(session, logits, gradient!.Value);
                return loss.Download(session.Stream);
            }
        }
        float[] wanted = Step();
        int inUse = session.Pool.InUse;
        long need = session.Pool.PeakBytesInUse - before;
        session.Pool.Trim();
        int tries = name == "host" ? 40 : 6, failures = 0;
        for (int i = 0; i < tries; i++)
        {
            session.Pool.Trim();
            using (Limit.OfFree(test.Device, Math.Max(1, need * i / tries)))
            {
                long moment = session.Pool.Rentings;
                Assert.Throws<DeviceMemoryException>(Step);
                tape.Clear();
                session.Pool.GiveBackSince(moment);
                failures++;
            }
            Assert.Null(test.Device.Report);
            Assert.Equal(inUse, session.Pool.InUse);
            Assert.Equal(wanted, Step());
        }
        Assert.Equal(tries, failures);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("simt 1")]
    public void Training_tells_a_batch_that_fits_and_it_does(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var files = new TemporaryDataSet(3, 24);
        ImageFolder data = ImageFolder.Open(files.Root);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        TrainingOptions options = new() { Epochs = 1, BatchSize = 64, LearningRate = 0.05f, Workers = 1 };
        var damage = new DamageReport(m => Assert.Fail(m));
        void Train(int batch, long reserved = 0)
        {
            var trainer = new Trainer(session, network, data, options with { BatchSize = batch, TotalIters = 1 }, _ => [Path], damage)
            {
                ReservedBytes = () => reserved,
            };
            trainer.RunEpoch(_ => { }, CancellationToken.None);
        }
        Train(4);
        session.Pool.Trim();
        float[] weights = network.Classifier.Value.Download(session.Stream);
        int inUse = session.Pool.InUse, fits;
        using (Limit.OfFree(test.Device, 48 * Need(session, network)))
        {
            DeviceMemoryException error = Assert.Throws<DeviceMemoryException>(() => Train(64));
            Assert.Equal(inUse, session.Pool.InUse);
            Assert.Equal(weights, network.Classifier.Value.Download(session.Stream));
            string[] words = error.Message.TrimEnd('.').Split("--batch-size ");
            Assert.Equal(2, words.Length);
            fits = int.Parse(words[1]);
            Assert.InRange(fits, 8, 48);
            // What others will take leaves less, and when it is most of what there is, nearly nothing.
            error = Assert.Throws<DeviceMemoryException>(() => Train(64, 24 * Need(session, network)));
            Assert.InRange(int.Parse(error.Message.TrimEnd('.').Split("--batch-size ")[1]), 2, fits - 4);
            Train(fits);
            Assert.NotEqual(weights, network.Classifier.Value.Download(session.Stream));
        }
        Train(64);
    }

    // Of so many classes that a batch's logits, which are kept for the paths that learn from them, are most of what it takes.
    [Fact]
    public void So_does_training_of_paths_that_learn_from_another()
    {
        using var files = new TemporaryDataSet(3, 24);
        ImageFolder data = ImageFolder.Open(files.Root);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec with { Classes = 60_000 });
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        void Train(int batch)
        {
            var options = new TrainingOptions
            {
                Epochs = 1,
                TotalIters = 1,
                BatchSize = batch,
                LearningRate = 0.05f,
                Workers = 1,
                Distillation = Divergence.Kl,
            };
            var trainer = new Trainer(session, network, data, options, _ => [Path, Path], new DamageReport(m => Assert.Fail(m)));
            trainer.RunEpoch(_ => { }, CancellationToken.None);
        }
        long needed = NetworkPlan.BytesOf(session, network, PlanKind.Training, 32);
        session.Pool.Trim();
        using (Limit.OfFree(Device.Host, needed))
        {
            string message = Assert.Throws<DeviceMemoryException>(() => Train(64)).Message;
            int fits = int.Parse(message.TrimEnd('.').Split("--batch-size ")[1]);
            Assert.InRange(fits, 8, 31);
            session.Pool.Trim();
            Train(fits);
        }
    }

    [Fact]
    public void Measuring_tells_a_batch_that_fits()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using Batch batch = Pictures(session, 64);
        Accuracy whole = Evaluator.Measure(session, network, Path, [batch]);
        long needed = NetworkPlan.BytesOf(session, network, PlanKind.Inference, 64);
        session.Pool.Trim();
        using (Limit.OfFree(Device.Host, needed / 2))
        {
            DeviceMemoryException error = Assert.Throws<DeviceMemoryException>(() => Evaluator.Measure(session, network, Path, [batch]));
            Assert.Matches(@"one of [1-9]\d* should: --test-batch-size \d+\.$", error.Message);
        }
        session.Pool.Trim();
        using (Limit.OfFree(Device.Host, MiB))
        {
            var error = Assert.Throws<DeviceMemoryException>(() => Evaluator.Recalibrate(session, network, Path, [batch]));
            Assert.Matches(@"one of \d+ should: --train-batch-size \d+\.$", error.Message);
            Assert.Equal(0.1f, session.BatchNormMomentum);
        }
        Evaluator.Recalibrate(session, network, Path, [batch]);
        Assert.Equal(64, whole.Images);
    }

    [Fact]
    public void Measuring_paths_together_leaves_nothing_where_there_is_no_room()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using Batch batch = Pictures(session, 64);
        Accuracy[] Score() => GroupEvaluator.Score(session, network, [Path, Path], [batch], [batch]);
        Accuracy[] whole = Score();
        session.Pool.Trim();
        int inUse = session.Pool.InUse;
        using (Limit.OfFree(Device.Host, MiB)) Assert.Throws<DeviceMemoryException>(Score);
        Assert.Equal(inUse, session.Pool.InUse);
        Assert.Equal(0.1f, session.BatchNormMomentum);
        Assert.Equal(whole, Score());
    }

    [Fact]
    public void A_plan_that_the_device_has_no_room_for_leaves_nothing()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec, Path);
        using (Limit.OfFree(Device.Host, 256))
        {
            long free = Device.Host.ReadMemory().Free;
            // Its table of batch norms does not fit.
            Assert.Throws<DeviceMemoryException>(() => new NetworkPlan(session, network, PlanKind.Inference, 2));
            Device.Host.Pools.Trim();
            Assert.Equal(free, Device.Host.ReadMemory().Free);
        }
        new NetworkPlan(session, network, PlanKind.Inference, 2).Dispose();
    }

    [Fact]
    public void Pictures_are_kept_only_where_they_take_a_small_part_of_what_is_free()
    {
        using var files = new TemporaryDataSet(3, 24);
        ImageFolder data = ImageFolder.Open(files.Root);
        const long bytes = 72L * 32 * 32 * 3 * sizeof(float);
        LoaderOptions options = new() { ImageSize = 32, BatchSize = 8 };
        BatchSource Source() => new(Device.Host, data, options, new DamageReport(m => Assert.Fail(m)), int.MaxValue, 2L << 30);
        using (Limit.OfFree(Device.Host, 9 * bytes))
        using (BatchSource kept = Source())
        {
            Assert.Equal(bytes, kept.BytesToKeep);
            Assert.Equal(72, kept.Pictures);
            Assert.Equal(0, kept.BytesToKeep);
        }
        using (Limit.OfFree(Device.Host, 7 * bytes))
        using (BatchSource read = Source()) Assert.Equal(0, read.BytesToKeep);
    }

    // Bytes that a forward pass needs for each picture.
    private static long Need(Session session, ShuffleNetV2OneShot network)
    {
        const int few = 8;
        using Batch batch = Pictures(session, few);
        session.Pool.ResetPeak();
        long before = session.Pool.PeakBytesInUse;
        var tape = new Tape();
        network.Forward(Pass.Training(session, tape), batch.Images, Path).Dispose();
        tape.Clear();
        long need = (session.Pool.PeakBytesInUse - before) / few;
        session.Pool.Trim();
        return need;
    }

    private static Batch Pictures(Session session, int count)
    {
        Tensor images = session.Rent(new Shape(count, Spec.ImageSize, Spec.ImageSize, 3));
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        var labels = new DeviceArray<int>(session.Pool, count);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, count).Select(i => i % Spec.Classes)]);
        session.Stream.Synchronize();
        return new Batch(session, images, labels);
    }

    /// <summary>Limits what is free of a device.</summary>
    private sealed class Limit : IDisposable
    {
        private readonly Device _device;

        private Limit(Device device, long bytes)
        {
            _device = device;
            device.LimitMemory(bytes);
        }

        public static Limit OfFree(Device device, long bytes)
        {
            // Below what the system has, so that what is free is the driver's to say.
            device.LimitMemory(1L << 30);
            (long free, long total) = device.ReadMemory();
            return new Limit(device, total - free + bytes);
        }

        public void Dispose() => _device.LimitMemory(null);
    }
}
