using Spos.Engine.Autograd;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Random;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Inference with batch norm, ReLU and shuffles in the convolutions gives the bits of one op after the other.</summary>
public sealed class FusedInferenceTests
{
    // Odd numbers of channels within the blocks, of more than a vector's width and of less.
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 5,
        StemChannels = 6,
        StageRepeats = [2, 2, 2, 2],
        StageChannels = [14, 36, 70, 80],
        LastChannels = 33,
    };

    [Theory]
    [OnEachDevice("0 1 2 3 3 2 1 0", false)]
    [OnEachDevice("3 3 0 0 1 1 2 2", true)]
    [OnEachDevice("2 0 1 2 0 3 3 1", true)]
    public void Both_plans_give_the_same_bits(string device, string choices, bool affine)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        Architecture path = Architecture.Parse(choices);
        using var network = new ShuffleNetV2OneShot(session, Spec with { Affine = affine }, path);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        using Tensor images = session.Rent(new Shape(3, 32, 32, 3));
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        foreach (var layer in network.BatchNorms)
        {
            float[] Values(Func<float> next) => [.. Enumerable.Range(0, layer.Channels).Select(_ => next())];
            layer.RunningMean.Upload(session.Stream, Values(random.NextNormal));
            layer.RunningVariance.Upload(session.Stream, Values(() => random.NextUniform(0.5f, 2)));
            layer.Gamma?.Value.Upload(session.Stream, Values(() => random.NextUniform(-1, 2)));
            layer.Beta?.Value.Upload(session.Stream, Values(random.NextNormal));
        }
        session.BatchNorm = BatchNormMode.Running;
        float[] Logits(ConvolutionPlan plan)
        {
            ConvolutionPlanner.Of(session).Plan = plan;
            using Tensor logits = network.Forward(session, images, path);
            return logits.Download(session.Stream);
        }
        float[] unfused = Logits(ConvolutionPlan.Unfused);
        Assert.All(unfused, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(unfused, Logits(ConvolutionPlan.Fused));
    }
}
