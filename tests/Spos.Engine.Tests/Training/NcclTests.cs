using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Native;
using Spos.Engine.Training;

namespace Spos.Engine.Tests.Training;

/// <summary>
/// NCCL between processes, which are threads here, and a stand-in for the library; tests/cluster has true processes, and another
/// stand-in. NCCL itself has not been tried.
/// </summary>
[Collection(nameof(WholeMachine))]
public sealed class NcclTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(rank => $"process {rank}")];

    [Fact]
    public void A_training_comes_to_the_bits_of_one_process()
    {
        using var files = new TemporaryDataSet(3, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        using var standIn = new StandInNccl(Device.Host);
        float[] want = DeviceRanks.Run(Names(1), ranks => Train(ranks, null))[0];
        Assert.All(DeviceRanks.Run(Names(3), ranks => Train(ranks, standIn.Library)), got => Assert.Equal(want, got));

        float[] Train(IRanks ranks, Nccl? nccl)
        {
            using var session = new Session(Device.Host);
            using NcclLink? link = nccl == null ? null : new NcclLink(ranks, session.Device, nccl);
            using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
            var trainer = new Trainer(
                session, network, data, ShardTests.Options, _ => ShardTests.Paths, new DamageReport(m => Assert.Fail(m)), ranks, link);
            while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
            link?.Close();
            return [.. ShardTests.Values(session, network), .. ShardTests.Statistics(session, network)];
        }
    }

    [Theory]
    [InlineData("ncclGetUniqueId", 0, "ncclGetUniqueId failed", 0)]
    [InlineData("ncclCommInitRank", 0, "ncclCommInitRank failed", 0)]
    [InlineData("ncclSend", 0, "ncclSend to process 0 failed", 1)]
    [InlineData("ncclRecv", 0, "ncclRecv from process 0 failed", 1)]
    public void A_call_that_fails_is_told_with_who_and_why_and_nothing_more_is_called(string call, int rank, string words, int open)
    {
        using var standIn = new StandInNccl(Device.Host) { FailingCall = call, FailingRank = rank };
        string message = DeviceRanks.Run(Names(1), ranks =>
        {
            using var session = new Session(Device.Host);
            return Assert.Throws<RanksException>(() =>
            {
                using var link = new NcclLink(ranks, session.Device, standIn.Library);
                Tensor sum = session.Rent(Shape.Vector(8));
                ShardExchange exchange = ShardExchange.Of(ranks, 1, session, link);
                exchange.Begin([sum]);
                exchange.End();
            }).Message;
        })[0];
        Assert.StartsWith($"NCCL in process 0: {words}: remote process exited (a peer). ", message, StringComparison.Ordinal);
        // To end it, NCCL may wait for processes that wait for this one.
        Assert.Equal((open, 0), (standIn.Open, standIn.Aborted));
    }

    [Fact]
    public void Work_that_waits_for_what_cannot_come_is_given_up()
    {
        using var standIn = new StandInNccl(Device.Host) { AsyncError = Nccl.InProgress, TellsMore = false };
        string message = DeviceRanks.Run(Names(1), ranks =>
        {
            using var session = new Session(Device.Host);
            using var link = new NcclLink(ranks, session.Device, standIn.Library);
            link.Wait(() => Assert.True(SpinWait.SpinUntil(() => standIn.Looks > 0, Patience)));
            return Assert.Throws<RanksException>(() => link.Wait(() =>
            {
                standIn.AsyncError = StandInNccl.RemoteError;
                Assert.True(SpinWait.SpinUntil(() => standIn.Aborted > 0, Patience));
            })).Message;
        })[0];
        Assert.StartsWith("NCCL in process 0: what was sent has not arrived: remote process exited. ", message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (standIn.Open, standIn.Aborted));
    }

    // On the CPU nobody has it, and all of them have to come to the same, whatever each asks for.
    [Theory]
    [InlineData(GradientTransport.Auto, GradientTransport.Auto)]
    [InlineData(GradientTransport.Mpi, GradientTransport.Auto)]
    [InlineData(GradientTransport.Auto, GradientTransport.Nccl)]
    [InlineData(GradientTransport.Nccl, GradientTransport.Nccl)]
    public void Where_there_is_none_all_take_mpi_or_refuse(GradientTransport first, GradientTransport second)
    {
        string[] told = DeviceRanks.Run(Names(2), ranks =>
        {
            using var session = new Session(Device.Host);
            try
            {
                Assert.Null(NcclLink.Open(ranks, session, ranks.Rank == 0 ? first : second, out string told));
                return told;
            }
            catch (RanksException error)
            {
                return error.Message;
            }
        });
        Assert.Equal(Want(first), told[0]);
        Assert.Equal(Want(second), told[1]);

        static string Want(GradientTransport wanted) => wanted == GradientTransport.Nccl
            ? "--transport nccl: process 0 computes on host, which is no NVIDIA GPU. "
                + "--transport mpi, and auto, need no NCCL; the results are the same."
            : "Gradients go from process to process by MPI.";
    }

    [Fact]
    public void A_process_that_stands_alone_needs_none()
    {
        using var session = new Session(Device.Host);
        Assert.Null(NcclLink.Open(OneRank.Alone, session, GradientTransport.Nccl, out string told));
        Assert.Empty(told);
    }

    [Theory]
    [InlineData(2708, "2.7.8")]
    [InlineData(2804, "2.8.4")]
    [InlineData(20906, "2.9.6")]
    [InlineData(22105, "2.21.5")]
    [InlineData(23007, "2.30.7")]
    public void Its_version_is_read_as_its_header_writes_it(int code, string version) =>
        Assert.Equal(Version.Parse(version), Nccl.VersionOf(code));
}
