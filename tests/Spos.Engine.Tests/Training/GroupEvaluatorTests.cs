using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>A group of paths comes to the bits that each of them comes to alone.</summary>
public sealed class GroupEvaluatorTests
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 2, 1, 2],
        StageChannels = [16, 24, 32, 40],
        LastChannels = 16,
        Affine = true,
    };

    // In no order, with long and short beginnings alike, and one path twice.
    private static readonly string[] Paths =
        ["3 3 1 2 0 1", "0 3 1 2 0 1", "0 3 1 2 3 1", "0 3 1 0 3 3", "3 3 1 2 0 1", "0 3 1 2 0 2", "1 2 0 0 2 3"];

    public static TheoryData<string, ConvolutionPlan, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, ConvolutionPlan, string>();
            foreach (ConvolutionPlan plan in new[] { ConvolutionPlan.Fused, ConvolutionPlan.Unfused, ConvolutionPlan.Cudnn })
            {
                cases.Add("host", plan, BlockSet.ShuffleV2.Name);
                cases.Add("host", plan, BlockSet.ShuffleV2Plus.Name);
                cases.Add("host", plan, BlockSet.ShuffleV2PlusPublished.Name);
                cases.Add("simt 1", plan, BlockSet.ShuffleV2.Name);
            }
            cases.Add("simt 1", ConvolutionPlan.Fused, BlockSet.ShuffleV2Plus.Name);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_path_comes_to_the_bits_that_it_comes_to_alone(string name, ConvolutionPlan plan, string blocks)
    {
        using TestDevice test = TestDevice.Open(name);
        using var files = new TemporaryDataSet(3, 5);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        ConvolutionPlanner.Of(session).Plan = plan;
        BlockSet set = BlockSet.Of(blocks)!;
        using var network = new ShuffleNetV2OneShot(session, Spec with { BlockSet = set });
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        // Of the larger set other designs, so that each has a turn.
        Architecture[] paths =
        [
            .. Paths.Take(name == "host" ? Paths.Length : 4)
                .Select((path, i) => new Architecture(
                    Architecture.Parse(path).Blocks.Select((b, at) => at > i ? b : b + set.Designs.Length - 4))),
        ];
        using BatchSource calibration = Source(test, files, 4, batches: 2), measured = Source(test, files, 4, int.MaxValue);
        Accuracy[] alone = [.. paths.Select(path => Alone(session, network, path, calibration, measured))];
        Assert.Distinct(alone.Select(a => a.Loss).Take(4));
        float[] before = Statistics(session, network);
        int inUse = session.Pool.InUse;
        Assert.Equal(alone, GroupEvaluator.Score(session, network, paths, calibration, measured));
        // Of one, and of another order.
        Assert.Equal([alone[1]], GroupEvaluator.Score(session, network, [paths[1]], calibration, measured));
        Assert.Equal([alone[2], alone[0]], GroupEvaluator.Score(session, network, [paths[2], paths[0]], calibration, measured));
        Assert.Equal(inUse, session.Pool.InUse);
        Assert.Equal(before, Statistics(session, network));
        Assert.Equal(0.1f, session.BatchNormMomentum);
        Assert.Null(test.Device.Report);
    }

    [Fact]
    public void What_paths_begin_with_runs_once()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        int Parts(params string[] paths)
        {
            using var group = new PathGroup(session, network, [.. paths.Select(Architecture.Parse)]);
            Assert.Equal(paths.Length, group.Paths);
            return group.Parts;
        }
        Assert.Equal(8, Parts("0 0 0 0 0 0"));
        // The last block and the tail; the tail; all but the stem.
        Assert.Equal(8 + 2 + 1 + 7, Parts("0 0 0 0 0 0", "3 0 0 0 0 0", "0 0 0 0 0 1", "0 0 0 0 0 0"));
    }

    [Fact]
    public void What_is_no_group_or_not_for_it_is_refused()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        int inUse = session.Pool.InUse;
        Assert.Throws<ArgumentException>(() => new PathGroup(session, network, []));
        Assert.Throws<ArgumentException>(() => new PathGroup(session, network, [Architecture.Parse("0 1")]));
        Assert.Equal(inUse, session.Pool.InUse);
        Assert.Throws<ArgumentException>(() => new SharedPlan(session, network, PlanKind.Training, 2));
        using var group = new PathGroup(session, network, [Architecture.Parse(Paths[0])]);
        using var plan = new SharedPlan(session, network, PlanKind.Inference, 2);
        using Tensor two = session.Rent(new Shape(2, 32, 32, 3)), three = session.Rent(new Shape(3, 32, 32, 3));
        using DeviceArray<int> labels = new(session.Pool, 2), label = new(session.Pool, 1);
        Assert.Throws<ArgumentException>(() => plan.Run(three, labels, group));
        Assert.Throws<ArgumentException>(() => plan.Run(two, label, group));
        inUse = session.Pool.InUse;
        // It is not ready.
        long moment = session.Pool.Rentings;
        Assert.Throws<InvalidOperationException>(() => plan.Run(two, labels, group));
        session.Pool.GiveBackSince(moment);
        Assert.Equal(inUse, session.Pool.InUse);
        plan.Dispose();
        Assert.Throws<ObjectDisposedException>(() => plan.Run(two, labels, group));
    }

    private static Accuracy Alone(
        Session session, ShuffleNetV2OneShot network, Architecture path, BatchSource calibration, BatchSource measured)
    {
        Evaluator.Recalibrate(session, network, path, calibration);
        return Evaluator.Measure(session, network, path, measured);
    }

    private static float[] Statistics(Session session, ShuffleNetV2OneShot network) =>
    [
        .. network.BatchNorms.SelectMany(layer =>
            layer.RunningMean.Download(session.Stream).Concat(layer.RunningVariance.Download(session.Stream)).Append(layer.BatchesTracked)),
    ];

    private static BatchSource Source(TestDevice test, TemporaryDataSet files, int batch, int batches) => new(
        test.Device, ImageFolder.Open(files.Root), new LoaderOptions { ImageSize = 32, BatchSize = batch, Workers = 1 },
        new DamageReport(m => Assert.Fail(m)), batches, 1 << 30);
}
