using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Data;
using Spos.Engine.Training;

namespace Spos.Engine.Tests.Training;

/// <summary>Training by several devices, which are one here; tests/cluster has processes.</summary>
[Collection(nameof(WholeMachine))]
public sealed class SharedTrainingTests : IDisposable
{
    private readonly TemporaryDataSet _files = new(3, 16);
    private readonly ImageFolder _data;

    public SharedTrainingTests() => _data = ImageFolder.Open(_files.Root);

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Devices_train_to_the_bits_of_one(int count)
    {
        float[] want = TrainAlone();
        StepReport[] steps = new StepReport[count];
        using var source = new BatchSource(Device.Host, _data, Measured(1, 0), new DamageReport(m => Assert.Fail(m)), int.MaxValue, 0);
        using var alone = new Session(Device.Host);
        Accuracy accuracy = Measure(alone, source, null);
        (float[] Bits, Accuracy Accuracy)[] got = DeviceRanks.Run(DeviceRanksTests.Names(count), ranks =>
        {
            using var session = new Session(Device.Host);
            using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
            // The others have it from the first one.
            if (ranks.Rank == 0) Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
            SharedNetwork.Give(ranks, session, network, null);
            using var own = new BatchSource(
                Device.Host, _data, Measured(count, ranks.Rank), new DamageReport(m => Assert.Fail(m)), int.MaxValue, 0);
            Accuracy measured = Measure(session, own, ranks);
            var trainer = new Trainer(
                session, network, _data, ShardTests.Options, _ => ShardTests.Paths, new DamageReport(m => Assert.Fail(m)), ranks);
            while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(step => steps[ranks.Rank] = step, CancellationToken.None);
            SharedNetwork.RequireSame(ranks, session, network, null);
            return ((float[])[.. ShardTests.Values(session, network), .. ShardTests.Statistics(session, network)], measured);
        });
        Assert.All(got, one => Assert.Equal(want, one.Bits));
        Assert.All(got, one => Assert.Equal(accuracy, one.Accuracy));
        Assert.All(steps, step => Assert.Equal(steps[0], step));

        LoaderOptions Measured(int of, int first) => new()
        {
            ImageSize = 32,
            BatchSize = 7,
            LeaveOutDamaged = true,
            Share = new BatchShare(of, first, 1),
        };
        static Accuracy Measure(Session session, BatchSource source, IRanks? ranks)
        {
            using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
            Initialisation.Initialise(network, session.Stream, 2, InitialisationScheme.Kaiming);
            return Evaluator.Measure(session, network, ShardTests.Paths[0], source, ranks: ranks);
        }
    }

    [Fact]
    public void All_devices_stop_after_the_same_step()
    {
        (long Steps, bool HasStopped)[] got = DeviceRanks.Run(
            DeviceRanksTests.Names(3),
            ranks =>
            {
                using var session = new Session(Device.Host);
                using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
                Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
                // A device that alone is asked to stop.
                using var asked = new ForwardingRanks(ranks);
                var trainer = new Trainer(
                    session, network, _data, ShardTests.Options, _ => ShardTests.Paths, new DamageReport(m => Assert.Fail(m)), asked);
                trainer.RunEpoch(step => asked.IsAskedToStop = ranks.Rank == 1 && step.Step == 2, ranks.Stopped);
                return (trainer.StepsDone, ranks.Stopped.IsCancellationRequested);
            });
        Assert.All(got, one => Assert.Equal((3, true), one));
    }

    [Fact]
    public void A_device_with_other_weights_is_named()
    {
        string[] got = DeviceRanks.Run(DeviceRanksTests.Names(3), ranks =>
        {
            using var session = new Session(Device.Host);
            using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
            SharedNetwork.RequireSame(ranks, session, network, null);
            if (ranks.Rank == 2) network.BatchNorms.Last().RunningMean.Fill(session.Stream, 1e-20f);
            return Assert.Throws<RanksException>(() => SharedNetwork.RequireSame(ranks, session, network, null)).Message;
        });
        Assert.All(got, message => Assert.StartsWith("device 2 has other weights than device 0", message, StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_pictures_of_all_devices_are_counted_once()
    {
        (int Files, int Warnings)[] got = DeviceRanks.Run(DeviceRanksTests.Names(2), ranks =>
        {
            var damage = new DamageReport(_ => { });
            damage.Add(FilePath.Of("both.jpg"), "both.jpg: broken.", "Left out.");
            damage.Add(FilePath.Of($"{ranks.Rank}.jpg"), "broken.", "Left out.");
            if (ranks.Rank == 1) damage.Warn(FilePath.Of("warned.jpg"), "odd.");
            damage.Share(ranks);
            return (damage.Files, damage.Warnings);
        });
        Assert.All(got, one => Assert.Equal((3, 1), one));
    }

    private float[] TrainAlone()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        var trainer = new Trainer(
            session, network, _data, ShardTests.Options, _ => ShardTests.Paths, new DamageReport(m => Assert.Fail(m)));
        while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
        return [.. ShardTests.Values(session, network), .. ShardTests.Statistics(session, network)];
    }
}
