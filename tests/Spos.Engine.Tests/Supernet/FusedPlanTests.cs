using Spos.Engine.Autograd;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

/// <summary>
/// The fused plan gives what one op after the other gives: in inference the same bits, in training the same up to rounding.
/// </summary>
public sealed class FusedPlanTests
{
    // Odd numbers of channels within the blocks, of more than a vector's width and of less.
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 5,
        StemChannels = 6,
        StageRepeats = [2, 1, 4, 2],
        StageChannels = [14, 36, 70, 80],
        LastChannels = 33,
        BlockSet = BlockSet.ShuffleV2Plus,
    };

    // The narrowest network that there is: convolutions of one channel.
    private static readonly NetworkSpec Narrowest = Spec with { StemChannels = 1, StageChannels = [2, 4, 6, 8], LastChannels = 1 };

    [Theory]
    [OnEachDevice("0 1 2 3 3 2 1 0 3", false)]
    [OnEachDevice("3 3 0 0 1 1 2 2 0", true)]
    [OnEachDevice("2 0 1 2 0 3 3 1 2", true)]
    [OnEachDevice("4 5 6 7 3 2 7 0 4", true)]
    public void Inference_gives_the_same_bits(string device, string choices, bool affine) => HasTheSameBits(Spec, device, choices, affine);

    [Theory]
    [OnEachDevice("0 1 2 3 3 2 1 0 3", false)]
    [OnEachDevice("2 2 0 0 1 1 2 2 0", true)]
    [OnEachDevice("6 6 4 4 5 1 6 7 4", true)]
    public void Inference_of_one_channel_gives_the_same_bits(string device, string choices, bool affine) =>
        HasTheSameBits(Narrowest, device, choices, affine);

    [Fact]
    public void One_channel_is_convolved_depthwise()
    {
        using var network = new ShuffleNetV2OneShot(Narrowest, null);
        ConvolutionOp[] convolutions = [.. network.States.Select(node => node.Op).OfType<ConvolutionOp>()];
        Assert.Equal(ConvolutionKind.Stem, convolutions[0].Kind);
        Assert.All(convolutions[1..], convolution => Assert.Equal(
            convolution.Kernel == 1 ? ConvolutionKind.Pointwise : ConvolutionKind.Depthwise, convolution.Kind));
    }

    [Fact]
    public void Every_operation_has_kernels_of_the_fused_plan()
    {
        using var network = new ShuffleNetV2OneShot(new NetworkSpec(), null);
        Assert.True(network.HasFusedStages);
    }

    [Theory]
    [OnEachDevice("0 1 2 3 3 2 1 0 3", false)]
    [OnEachDevice("2 2 0 0 1 1 2 2 0", true)]
    public void Inference_with_another_last_stage_gives_the_same_bits(string device, string choices, bool affine) =>
        HasTheSameBits(Spec with { BlockSet = BlockSet.ShuffleV2PlusPublished }, device, choices, affine);

    private static void HasTheSameBits(NetworkSpec spec, string device, string choices, bool affine)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        Architecture path = Architecture.Parse(choices);
        using ShuffleNetV2OneShot network = Network(session, spec with { Affine = affine }, path);
        using Tensor images = Images(session, 3);
        var random = new CounterRandom(2, RandomPurpose.Drawing, 0);
        foreach (var layer in network.BatchNorms)
        {
            float[] Values(Func<float> next) => [.. Enumerable.Range(0, layer.Channels).Select(_ => next())];
            layer.RunningMean.Upload(session.Stream, Values(random.NextNormal));
            layer.RunningVariance.Upload(session.Stream, Values(() => random.NextUniform(0.5f, 2)));
            layer.Gamma?.Value.Upload(session.Stream, Values(() => random.NextUniform(-1, 2)));
            layer.Beta?.Value.Upload(session.Stream, Values(random.NextNormal));
        }
        float[] Logits(ConvolutionPlan plan)
        {
            ConvolutionPlanner.Of(session).Plan = plan;
            using Tensor logits = network.Forward(Pass.Inference(session), images, path);
            return logits.Download(session.Stream);
        }
        float[] unfused = Logits(ConvolutionPlan.Unfused);
        Assert.All(unfused, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(unfused, Logits(ConvolutionPlan.Fused));
    }

    [Theory]
    [OnHostAndSimt("0 1 2 3 3 2 1 0 3", false, 32, 8)]
    [OnHostAndSimt("3 3 0 0 1 1 2 2 0", true, 32, 8)]
    [OnHostAndSimt("2 0 1 2 0 3 3 1 2", true, 32, 8)]
    [OnHostAndSimt("4 5 6 7 3 2 7 0 4", true, 32, 8)]
    [InlineData("host", "2 3 1 0 3 0 2 1 0", true, 160, 12)]
    public void Training_gives_the_same_up_to_rounding(string device, string choices, bool affine, int imageSize, int pictures)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        Architecture path = Architecture.Parse(choices);
        using Tensor images = Images(session, pictures, imageSize);
        (string Name, float[] Values)[] Results(ConvolutionPlan plan)
        {
            ConvolutionPlanner.Of(session).Plan = plan;
            using ShuffleNetV2OneShot network = Network(session, Spec with { Affine = affine, ImageSize = imageSize }, path);
            var tape = new Tape();
            using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
            Tensor gradient = session.Rent(logits.Shape);
            var random = new CounterRandom(3, RandomPurpose.Drawing, 0);
            gradient.Upload(session.Stream, [.. Enumerable.Range(0, (int)logits.Shape.Count).Select(_ => random.NextNormal())]);
            tape.Backward(session, logits, gradient);
            return
            [
                ("logits", logits.Download(session.Stream)),
                .. network.Parameters.Select(p => ($"gradient of {p.Name}", p.Gradient.Download(session.Stream))),
                .. network.BatchNorms.Select(b => ($"mean of {b.Name}", b.RunningMean.Download(session.Stream))),
                .. network.BatchNorms.Select(b => ($"variance of {b.Name}", b.RunningVariance.Download(session.Stream))),
            ];
        }
        (string Name, float[] Values)[] unfused = Results(ConvolutionPlan.Unfused), fused = Results(ConvolutionPlan.Fused);
        foreach (((string name, float[] want), (_, float[] got)) in unfused.Zip(fused))
        {
            string kind = name.Split(' ')[0];
            double all = Size(unfused.Where(r => r.Name.StartsWith(kind, StringComparison.Ordinal)).SelectMany(r => r.Values));
            double difference = Size(want.Zip(got, (a, b) => a - b));
            // Some thousand roundings on the way, magnified by the batch norms of few pictures. Some values are 0 but for rounding: the
            // mean of what comes from a batch norm, the gradient of a scale that the next batch norm takes out again.
            Assert.True(
                difference <= (1e-4 * Size(want)) + (1e-6 * all),
                $"{name}: differs by {difference}, its size is {Size(want)}, of all of its kind {all}");
        }
    }

    private static double Size(IEnumerable<float> values) => Math.Sqrt(values.Sum(v => (double)v * v));

    private static ShuffleNetV2OneShot Network(Session session, NetworkSpec spec, Architecture path)
    {
        var network = new ShuffleNetV2OneShot(session, spec, path);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        return network;
    }

    private static Tensor Images(Session session, int count, int size = 32)
    {
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        Tensor images = session.Rent(new Shape(count, size, size, 3));
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        return images;
    }
}
