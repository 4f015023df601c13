using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

/// <summary>
/// Networks whose blocks have channel scales: operations of fewer channels take the leading parts of one operation's weights.
/// </summary>
public sealed class ChannelScaleNetworkTests
{
    private const int Batch = 3;

    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 6,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [14, 20, 26, 34],
        LastChannels = 16,
        BlockSet = BlockSet.ShuffleV2Channels,
    };

    /// <summary>The network that the authors found by block and channel search (megvii-model/ShuffleNet-Series, OneShot).</summary>
    private static readonly Architecture Released =
        Architecture.Parse("0 0 3 1 1 1 0 0 2 0 2 1 1 0 2 0 2 1 3 2 / 6 5 3 5 2 6 3 4 2 5 7 5 4 6 7 4 4 5 4 3");

    [Fact]
    public void The_authors_network_has_the_FLOPs_and_parameters_that_they_tell()
    {
        var spec = new NetworkSpec { BlockSet = BlockSet.ShuffleV2Channels, Affine = true };
        Assert.Equal(328, NetworkFlops.Of(spec).Of(Released) / 1e6, 0.5);
        Assert.Equal(3.4, NetworkGraph.PartsOf(spec, Released).Sum(part => part.Graph.Parameters) / 1e6, 0.05);
        // The channels inside, in their order: int(out // 2 * scale).
        int[] middles = [44, 38, 25, 38, 48, 112, 64, 80, 96, 192, 256, 192, 160, 224, 256, 160, 320, 384, 320, 256];
        Assert.Equal(middles, Released.Blocks.Select((choice, block) => spec.Space.Blocks[block][choice].Channels));
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused, Precision.Fp32, "shuffle-v2-channels")]
    [InlineData("host", ConvolutionPlan.Fused, Precision.Fp32, "shuffle-v2+-channels")]
    [InlineData("host", ConvolutionPlan.Fused, Precision.Bf16, "shuffle-v2-channels")]
    [InlineData("host", ConvolutionPlan.Unfused, Precision.Fp32, "shuffle-v2-channels")]
    [InlineData("simt 1", ConvolutionPlan.Fused, Precision.Fp32, "shuffle-v2-channels")]
    [InlineData("simt 1", ConvolutionPlan.Fused, Precision.Bf16, "shuffle-v2-channels")]
    public void A_path_is_trained_and_measured_as_the_same_network_by_itself(
        string device, ConvolutionPlan plan, Precision precision, string blocks)
    {
        NetworkSpec spec = Spec with { BlockSet = BlockSet.Of(blocks)! };
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device) { Precision = precision };
        session.Pool.Poison = true;
        ConvolutionPlanner.Of(session).Plan = plan;
        using var supernet = new ShuffleNetV2OneShot(session, spec);
        Initialisation.Initialise(supernet, session.Stream, 1, InitialisationScheme.Kaiming);
        string[] texts = spec.BlockSet == BlockSet.ShuffleV2Channels
            ? ["0 1 2 3 0 / 0 3 4 5 7", "3 2 0 1 3 / 2 6 1 7 0"]
            : ["7 4 3 3 6 / 1 6 0 7 2"];
        foreach (string text in texts)
        {
            Architecture path = Architecture.Parse(text);
            using var alone = new ShuffleNetV2OneShot(session, spec, path);
            Inheritance.Copy(session, supernet, alone, classifier: true);
            Assert.Equal(Step(session, alone, path), Step(session, supernet, path));
            foreach ((ParameterGroup own, ParameterGroup shared) in alone.GroupsOf(path).Zip(supernet.GroupsOf(path)))
            {
                foreach ((Parameter part, Parameter whole) in own.Parameters.Zip(shared.Parameters))
                {
                    Check(session, part.Gradient, whole.Gradient);
                }
            }
            foreach ((BatchNormLayer own, BatchNormLayer shared) in alone.BatchNormsOf(path).Zip(supernet.BatchNormsOf(path)))
            {
                Assert.Equal(own.RunningMean.Download(session.Stream), shared.RunningMean.Download(session.Stream));
            }
            Assert.Equal(Measure(session, alone, path), Measure(session, supernet, path));
            // The weights move, and so does what is part of them.
            Move();
            Assert.Equal(Step(session, alone, path), Step(session, supernet, path));
            // Op by op, too.
            Move();
            Assert.Equal(Logits(session, alone, path), Logits(session, supernet, path));

            void Move()
            {
                foreach (ShuffleNetV2OneShot network in new[] { alone, supernet })
                {
                    new Sgd(0, 1e-4f).Step(session, network.GroupsOf(path), 0.1f);
                }
            }
        }
    }

    [Theory]
    [OnHostAndSimt]
    public void Gradients_of_several_scales_add_up(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        // The widest scale, whose gradients go where they belong at once, comes first, in the middle and last.
        Architecture[] paths =
            [.. new[] { "7 0 3 7 1", "2 7 4 0 7", "4 5 7 2 7" }.Select(scales => Architecture.Parse($"0 1 2 3 0 / {scales}"))];
        Parameter[] parameters = [.. network.GroupsOf(paths[0]).SelectMany(group => group.Parameters)];
        var sums = parameters.Select(parameter => new float[parameter.Shape.Count]).ToArray();
        foreach (Architecture path in paths)
        {
            Step(session, network, path);
            foreach ((float[] sum, Parameter parameter) in sums.Zip(parameters))
            {
                float[] gradient = parameter.Gradient.Download(session.Stream);
                for (int i = 0; i < sum.Length; i++) sum[i] += gradient[i];
            }
            foreach (ParameterGroup group in network.GroupsOf(path)) group.ClearGradients();
        }
        foreach (Architecture path in paths) Step(session, network, path);
        foreach ((float[] sum, Parameter parameter) in sums.Zip(parameters))
        {
            float[] together = parameter.Gradient.Download(session.Stream);
            float most = sum.Max(MathF.Abs);
            for (int i = 0; i < sum.Length; i++) Assert.InRange(together[i] - sum[i], -1e-5f * most, 1e-5f * most);
        }
    }

    [Fact]
    public void Paths_together_are_measured_as_each_by_itself()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        Architecture[] paths = [.. new[] { "0 1 2 3 0 / 7 0 3 7 1", "0 1 2 3 0 / 7 0 4 0 7" }.Select(text => Architecture.Parse(text))];
        (Tensor images, DeviceArray<int> labels) = Pictures(session);
        using (images)
        using (labels)
        {
            using var recalibration = new SharedPlan(session, network, PlanKind.Recalibration, Batch);
            using var inference = new SharedPlan(session, network, PlanKind.Inference, Batch);
            using var group = new PathGroup(session, network, paths);
            session.BatchNormMomentum = 1;
            recalibration.Run(images, labels, group).Dispose();
            group.Ready();
            float[] together = new float[2 * Batch], apart = new float[Batch];
            int[] ranks = new int[2 * Batch];
            using (Predictions left = inference.Run(images, labels, group)) left.Download(session.Stream, together, ranks);
            using var alone = new NetworkPlan(session, network, PlanKind.Recalibration, Batch);
            using var measured = new NetworkPlan(session, network, PlanKind.Inference, Batch);
            foreach ((int index, Architecture path) in paths.Index())
            {
                alone.Run(images, labels, path).Dispose();
                using (Predictions left = measured.Run(images, labels, path)) left.Download(session.Stream, apart, ranks.AsSpan(0, Batch));
                Assert.Equal(apart, together[(index * Batch)..((index + 1) * Batch)]);
            }
        }
    }

    [Fact]
    public void Kernels_start_aligned_at_all_scales()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Aligned);
        // 3×3, 5×5 and 7×7 are the same function at the start.
        float[][] losses =
        [
            .. Enumerable.Range(0, 3)
                .Select(operation => Step(session, network, Architecture.Parse($"{operation} 1 2 0 {operation} / 1 6 3 0 7"))),
        ];
        Assert.All(losses, own => Assert.All(own.Zip(losses[0]), pair => Assert.Equal(pair.Second, pair.First, 1e-4f)));
    }

    // What is part of a smaller network's is its gradient, and the rest has none.
    private static void Check(Session session, Tensor own, Tensor shared)
    {
        float[] part = own.Download(session.Stream), whole = shared.Download(session.Stream);
        (Shape few, Shape all) = (own.Shape, shared.Shape);
        for (int row = 0, i = 0; row < all.Rows; row++)
        {
            for (int c = 0; c < all.C; c++, i++)
            {
                Assert.Equal(row < few.Rows && c < few.C ? part[(row * few.C) + c] : 0, whole[i]);
            }
        }
    }

    private static float[] Step(Session session, ShuffleNetV2OneShot network, Architecture path)
    {
        Dropout.UseKey(session, 1, 1);
        return Run(session, network, PlanKind.Training, path);
    }

    private static float[] Measure(Session session, ShuffleNetV2OneShot network, Architecture path) =>
        Run(session, network, PlanKind.Inference, path);

    private static float[] Logits(Session session, ShuffleNetV2OneShot network, Architecture path)
    {
        (Tensor images, DeviceArray<int> labels) = Pictures(session);
        using (images)
        using (labels)
        using (Tensor logits = network.Forward(Pass.Inference(session), images, path)) return logits.Download(session.Stream);
    }

    private static float[] Run(Session session, ShuffleNetV2OneShot network, PlanKind kind, Architecture path)
    {
        (Tensor images, DeviceArray<int> labels) = Pictures(session);
        using (images)
        using (labels)
        {
            float[] losses = new float[Batch];
            int[] ranks = new int[Batch];
            NetworkPlan plan = NetworkPlans.Of(network).For(session, network, kind, Batch);
            using (Predictions left = plan.Run(images, labels, path)) left.Download(session.Stream, losses, ranks);
            Assert.All(losses, loss => Assert.True(float.IsFinite(loss)));
            return losses;
        }
    }

    private static (Tensor Images, DeviceArray<int> Labels) Pictures(Session session)
    {
        var random = new CounterRandom(5, RandomPurpose.Augmentation, 0);
        Tensor images = session.Rent(new Shape(Batch, Spec.ImageSize, Spec.ImageSize, 3));
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        var labels = new DeviceArray<int>(session.Pool, Batch);
        labels.Upload(session.Stream, [0, 1, 2]);
        return (images, labels);
    }
}
