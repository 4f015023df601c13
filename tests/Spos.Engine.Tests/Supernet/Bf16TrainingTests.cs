using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Passes with batch statistics in bf16, and in fp32. One changes the number of threads, so these run alone.</summary>
[Collection(nameof(WholeMachine))]
public sealed class Bf16TrainingTests
{
    private const int Pictures = 16;

    // Odd numbers of channels within the blocks. The last statistics are of 64 values.
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 64,
        Classes = 4,
        StemChannels = 6,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [14, 20, 26, 34],
        LastChannels = 16,
    };

    [Theory]
    [OnHostAndSimt("0 1 2 3 0")]
    [OnHostAndSimt("3 2 1 0 3")]
    public void Gradients_are_near_those_of_fp32(string device, string choices)
    {
        using TestDevice test = TestDevice.Open(device);
        Left single = Train(test.Device, Spec, choices, Precision.Fp32), half = Train(test.Device, Spec, choices, Precision.Bf16);
        foreach ((string name, float[] want) in single.Gradients)
        {
            (double size, double angle) = Compare(want, half.Gradients[name]);
            Console.WriteLine($"XX {device} {choices} {name} {size:f4} {angle:f5}");
        }
    }

    [Theory]
    [OnHostAndSimt("0 1 2 3 0")]
    [OnHostAndSimt("3 2 1 0 3")]
    public void A_recalibration_leaves_nearly_the_statistics_of_fp32(string device, string choices)
    {
        using TestDevice test = TestDevice.Open(device);
        (string Name, float[] Mean, float[] Variance)[] Statistics(Precision precision) =>
            Work(test.Device, Spec, choices, precision, (session, network, images, _, path) =>
            {
                session.BatchNormMomentum = 1;
                network.Forward(Pass.Recalibration(session), images, path).Dispose();
                return network.BatchNorms
                    .Select(b => (b.Name, b.RunningMean.Download(session.Stream), b.RunningVariance.Download(session.Stream))).ToArray();
            });
        foreach (((string name, float[] mean, float[] variance), (_, float[] nearMean, float[] nearVariance)) in
            Statistics(Precision.Fp32).Zip(Statistics(Precision.Bf16)))
        {
            for (int c = 0; c < mean.Length; c++)
            {
                Console.WriteLine($"YY {device} {choices} {name} {Math.Abs(mean[c] - nearMean[c]) / Math.Sqrt(variance[c]):f5} {Math.Abs(1 - nearVariance[c] / variance[c]):f5}");
            }
        }
    }

    [Fact]
    public void Threads_leave_the_same_bits()
    {
        int before = Device.Host.Threads;
        try
        {
            Left[] left =
            [
                .. new[] { 1, 2, 3 }.Select(threads =>
                {
                    Device.Host.Threads = threads;
                    return Train(Device.Host, Spec, "0 1 2 3 0", Precision.Bf16);
                }),
            ];
            foreach (Left other in left[1..])
            {
                Assert.Equal(left[0].Logits, other.Logits);
                Assert.Equal(left[0].Gradients, other.Gradients);
            }
        }
        finally
        {
            Device.Host.Threads = before;
        }
    }

    [Theory]
    [InlineData(PlanKind.Training)]
    [InlineData(PlanKind.Recalibration)]
    public void A_plan_needs_less_memory(PlanKind kind)
    {
        long Bytes(Precision precision) => Work(
            Device.Host, Spec, "0 1 2 3 0", precision,
            (session, network, _, _, _) => NetworkPlan.BytesOf(session, network, kind, Pictures));
        Console.WriteLine($"ZZ {kind} {Bytes(Precision.Bf16)} {Bytes(Precision.Fp32)}");
    }

    [Theory]
    [InlineData("host", "shuffle-v2+", "4 5 6 7 4", ConvolutionPlan.Fused)]
    [InlineData("simt 1", "shuffle-v2+", "7 0 1 2 3", ConvolutionPlan.Fused)]
    [InlineData("host", "shuffle-v2", "0 1 2 3 0", ConvolutionPlan.Unfused)]
    public void Where_blocks_have_no_fused_kernels_all_is_computed_in_fp32(string device, string blocks, string choices, ConvolutionPlan plan)
    {
        using TestDevice test = TestDevice.Open(device);
        NetworkSpec spec = Spec with { BlockSet = BlockSet.Of(blocks)! };
        Left single = Train(test.Device, spec, choices, Precision.Fp32, plan), half = Train(test.Device, spec, choices, Precision.Bf16, plan);
        Assert.Equal(single.Logits, half.Logits);
        Assert.Equal(single.Gradients, half.Gradients);
    }

    // How large one is against the other, and the cosine of the angle between them.
    private static (double Size, double Cosine) Compare(float[] want, float[] got)
    {
        double product = want.Zip(got, (a, b) => (double)a * b).Sum();
        double first = want.Sum(v => (double)v * v), second = got.Sum(v => (double)v * v);
        return (Math.Sqrt(second / first), product / Math.Sqrt(first * second));
    }

    private static Left Train(
        Device device, NetworkSpec spec, string choices, Precision precision, ConvolutionPlan plan = ConvolutionPlan.Fused) =>
        Work(device, spec, choices, precision, (session, network, images, labels, path) =>
        {
            ConvolutionPlanner.Of(session).Plan = plan;
            Dropout.UseKey(session, 1, 1);
            var tape = new Tape();
            using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
            (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0, 1f / Pictures);
            using (losses) tape.Backward(session, logits, gradient!.Value);
            return new Left(
                logits.Download(session.Stream), network.Parameters.ToDictionary(p => p.Name, p => p.Gradient.Download(session.Stream)));
        });

    // With a network of one path, pictures and labels.
    private static T Work<T>(
        Device device, NetworkSpec spec, string choices, Precision precision,
        Func<Session, ShuffleNetV2OneShot, Tensor, DeviceArray<int>, Architecture, T> work)
    {
        using var session = new Session(device) { Precision = precision };
        session.Pool.Poison = true;
        Architecture path = Architecture.Parse(choices);
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        Initialisation.Initialise(network, session.Stream, 11, InitialisationScheme.Kaiming);
        using Tensor images = session.Rent(new Shape(Pictures, spec.ImageSize, spec.ImageSize, 3));
        var random = new CounterRandom(5, RandomPurpose.Augmentation, 0);
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        using var labels = new DeviceArray<int>(session.Pool, Pictures);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, Pictures).Select(i => i % spec.Classes)]);
        return work(session, network, images, labels, path);
    }

    private sealed record Left(float[] Logits, Dictionary<string, float[]> Gradients);
}
