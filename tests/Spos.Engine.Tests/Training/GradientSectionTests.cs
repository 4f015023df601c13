using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Plans;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>Gradients that are added up over devices, section by section, while the backward pass goes on.</summary>
[Collection(nameof(WholeMachine))]
public sealed class GradientSectionTests
{
    // For what would not come at all.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TrainingOptions Options = ShardTests.Options with { BatchSize = 10, Shards = 5, TotalIters = 3 };

    [Fact]
    public void Each_section_has_half_of_what_is_left_and_together_they_have_all()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, new NetworkSpec());
        Architecture path = Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3");
        var sections = new GradientSections(network, [path], following: 100);
        Assert.Equal(network.GroupsOf(path).Sum(group => group.Length) + 100, sections.Length);
        Assert.Equal(5, sections.All.Length);
        (int groups, long values) = (0, 0);
        foreach (GradientSection section in sections.All)
        {
            Assert.Equal(values, section.First);
            Assert.True(section.EndGroup > groups);
            long left = sections.Length - values;
            (groups, values) = (section.EndGroup, section.End);
            if (section != sections.All[^1]) Assert.Equal(sections.Groups[..groups].Sum(group => group.Length), values);
            Assert.True(2 * (section.End - section.First) >= left);
        }
        Assert.Equal((sections.Groups.Length, sections.Length), (groups, values));
        // What is left to be sent when the pass is done.
        Assert.InRange(sections.All[^1].End - sections.All[^1].First, 1, sections.Length / 8);
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused, false)]
    [InlineData("host", ConvolutionPlan.Unfused, false)]
    [InlineData("host", ConvolutionPlan.Fused, true)]
    [InlineData("simt 1", ConvolutionPlan.Fused, true)]
    public void A_group_s_gradients_are_whole_when_the_plan_is_done_with_it(string name, ConvolutionPlan convolutions, bool hasScales)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        ConvolutionPlanner.Of(session).Plan = convolutions;
        using var network = new ShuffleNetV2OneShot(session, hasScales ? SandwichTrainingTests.Spec : ShardTests.Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using Tensor images = session.Rent(new Shape(2, 32, 32, 3));
        var random = new CounterRandom(7, RandomPurpose.Drawing, 0);
        images.Upload(session.Stream, (float[])[.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        using var labels = new DeviceArray<int>(session.Pool, 2);
        labels.Upload(session.Stream, [0, 1]);
        NetworkPlan plan = NetworkPlans.Of(network).For(session, network, PlanKind.Training, 2, LossTarget.Labels(0.1f));
        // The second one adds to what the first has left, where they share groups.
        foreach (Architecture path in hasScales ? SandwichTrainingTests.Paths : ShardTests.Paths)
        {
            var order = new List<ParameterGroup>();
            var values = new List<float[]>();
            plan.Run(images, labels, path, finished: group =>
            {
                order.Add(group);
                values.Add(group.Length == 0 ? [] : group.Gradients.Download(session.Stream));
            }).Dispose();
            Assert.Equal(network.FinishedBy(path), order);
            Assert.Equal(order.Select(group => group.Length == 0 ? [] : group.Gradients.Download(session.Stream)), values);
            Assert.Contains(values.SelectMany(one => one), value => value != 0);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_section_is_exchanged_before_the_backward_pass_ends(bool tells)
    {
        int[] exchanged = DeviceRanks.Run(DeviceRanksTests.Names(3), ranks =>
        {
            using var session = new Session(Device.Host);
            using var network = new ShuffleNetV2OneShot(session, ShardTests.Spec);
            using var watched = new WatchedRanks(ranks, failing: -1);
            ShardExchange exchange = ShardExchange.Of(watched, 5, session, link: null);
            var sum = new ShardSum(session, network, ShardTests.Paths, 5);
            GradientSections sections = sum.Sections;
            var left = new Dictionary<ParameterGroup, int>(sections.Passes);
            (int groups, int whole, int during) = (0, 0, 0);
            Tensor[] sums = sum.Of(
                exchange.Own,
                (shard, finished) =>
                {
                    Assert.Equal(shard == exchange.Own[^1].End - 1, finished != null);
                    foreach (ParameterGroup group in ShardTests.Paths.SelectMany(network.FinishedBy))
                    {
                        if (!tells || finished == null) break;
                        finished(group);
                        if (left.ContainsKey(group) && --left[group] == 0) groups++;
                        if (groups != sections.All[whole].EndGroup || whole == sections.All.Length - 1) continue;
                        whole++;
                        // The pass goes on once it has been exchanged.
                        Assert.True(SpinWait.SpinUntil(() => watched.Done == whole, Patience));
                    }
                    during = watched.Done;
                },
                exchange.Begin);
            exchange.End();
            Assert.Equal((sections.All.Length, true), (watched.Done, sections.All.Length > 1));
            sum.End();
            foreach (Tensor one in sums) one.Dispose();
            return sections.All.Length - during;
        });
        // All but the last one, or none.
        Assert.All(exchanged, after => Assert.Equal(tells, after == 1));
    }

    [Theory]
    [InlineData(2, false, Precision.Fp32)]
    [InlineData(3, false, Precision.Bf16)]
    [InlineData(5, false, Precision.Fp32)]
    [InlineData(2, true, Precision.Fp32)]
    [InlineData(5, true, Precision.Fp32)]
    public void Devices_train_to_the_bits_of_one_in_sections(int count, bool isSandwich, Precision precision)
    {
        using var files = new TemporaryDataSet(3, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        float[] want = DeviceRanks.Run(DeviceRanksTests.Names(1), ranks => Train(ranks).Bits)[0];
        var got = DeviceRanks.Run(DeviceRanksTests.Names(count), Train);
        Assert.All(got, one => Assert.Equal(want, one.Bits));
        // Several in each step.
        Assert.All(got, one => Assert.True(one.Exchanges > Options.TotalIters));

        (float[] Bits, int Exchanges) Train(DeviceRanks ranks)
        {
            using var session = new Session(Device.Host) { Precision = precision };
            using ShuffleNetV2OneShot network = NewNetwork(session, isSandwich ? SandwichTrainingTests.Spec : ShardTests.Spec);
            using var watched = new WatchedRanks(ranks, failing: -1);
            TrainingOptions options = isSandwich ? Options with { Distillation = Divergence.Kl } : Options;
            NewTrainer(session, network, data, options, isSandwich, watched).RunEpoch(_ => { }, CancellationToken.None);
            return ([.. ShardTests.Values(session, network), .. ShardTests.Statistics(session, network)], watched.Done);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void One_that_fails_in_a_section_ends_all_and_leaves_no_memory(int section)
    {
        using var files = new TemporaryDataSet(3, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        int ended = 0;
        string message = Assert.Throws<RanksException>(() => DeviceRanks.Run(DeviceRanksTests.Names(3), ranks =>
        {
            using var session = new Session(Device.Host);
            using ShuffleNetV2OneShot network = NewNetwork(session, ShardTests.Spec);
            int before = session.Pool.InUse;
            var sum = new ShardSum(session, network, ShardTests.Paths, Options.Shards);
            sum.End();
            int failing = Math.Min(section, sum.Sections.All.Length - 1);
            using var watched = new WatchedRanks(ranks, ranks.Rank == 1 ? failing : -1);
            Trainer trainer = NewTrainer(session, network, data, Options, isSandwich: false, watched);
            try
            {
                trainer.RunEpoch(_ => { }, CancellationToken.None);
            }
            finally
            {
                Assert.Equal((0, before), (trainer.StepsDone, session.Pool.InUse));
                Assert.All(network.Parameters, parameter => Assert.False(parameter.HasGradient));
                Interlocked.Increment(ref ended);
            }
            return 0;
        })).Message;
        Assert.Equal(("the network is gone", 3), (message, ended));
    }

    private static ShuffleNetV2OneShot NewNetwork(Session session, NetworkSpec spec)
    {
        var network = new ShuffleNetV2OneShot(session, spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        return network;
    }

    private static Trainer NewTrainer(
        Session session, ShuffleNetV2OneShot network, ImageFolder data, TrainingOptions options, bool isSandwich, IRanks ranks) => new(
        session, network, data, options, _ => isSandwich ? SandwichTrainingTests.Paths : ShardTests.Paths,
        new DamageReport(m => Assert.Fail(m)), ranks);

    /// <param name="failing">The exchange that fails, counted from 0; -1 for none.</param>
    private sealed class WatchedRanks(IRanks ranks, int failing) : ForwardingRanks(ranks)
    {
        private int _done;

        /// <summary>Exchanges that are done.</summary>
        public int Done => Volatile.Read(ref _done);

        public override void Exchange(
            ReadOnlySpan<float> sent, ReadOnlySpan<int> sentCounts, Span<float> received, ReadOnlySpan<int> receivedCounts)
        {
            if (Done == failing) throw new RanksException("the network is gone");
            base.Exchange(sent, sentCounts, received, receivedCounts);
            Interlocked.Increment(ref _done);
        }
    }
}
