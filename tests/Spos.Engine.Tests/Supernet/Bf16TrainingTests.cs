using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
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

    // A little noise opens or closes some gates of ReLU, and turns gradients more than it changes activations: how much, is measured by
    // rounding to bf16 nothing but the weights. In bf16 five values of a convolution are rounded in place of that one: its weights, what
    // its products take forward and backward, and what is stored of both. Their errors are as large each, and independent.
    [Theory]
    [InlineData("host", "0 1 2 3 0")]
    [InlineData("host", "3 2 1 0 3")]
    [InlineData("simt 1", "0 1 2 3 0")]
    public void Gradients_are_as_near_those_of_fp32_as_rounding_lets_them(string device, string choices)
    {
        using TestDevice test = TestDevice.Open(device);
        Left single = Train(test.Device, Spec, choices, Precision.Fp32);
        double[] rounding = single.DistancesTo(Train(test.Device, Spec, choices, Precision.Fp32, roundsWeights: true));
        double[] distances = single.DistancesTo(Train(test.Device, Spec, choices, Precision.Bf16));
        Assert.InRange(rounding.Max(), 1e-4, 0.2);
        Assert.True(distances.Average() <= 5 * rounding.Average(), $"{distances.Average()}, by rounding {rounding.Average()}");
        Assert.True(distances.Max() <= 5 * rounding.Max(), $"{distances.Max()}, by rounding {rounding.Max()}");
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
        // On the way to the last one lie less than twenty convolutions, each with three roundings that put values off by 2^-9 on the
        // average: in all by √60·2^-9 of their deviation. A mean is off by less, a variance by less than twice as much.
        double off = Math.Sqrt(60) * Math.ScaleB(1, -9);
        foreach (((string name, float[] mean, float[] variance), (_, float[] nearMean, float[] nearVariance)) in
            Statistics(Precision.Fp32).Zip(Statistics(Precision.Bf16)))
        {
            for (int c = 0; c < mean.Length; c++)
            {
                Assert.True(Math.Abs(mean[c] - nearMean[c]) <= off * Math.Sqrt(variance[c]), $"{name}, {c}: {nearMean[c]} for {mean[c]}");
                Assert.True(
                    Math.Abs(variance[c] - nearVariance[c]) <= 2 * off * variance[c], $"{name}, {c}: {nearVariance[c]} for {variance[c]}");
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
        // The stem and the tail stay as they are, and so do statistics and partial sums.
        Assert.InRange((double)Bytes(Precision.Bf16) / Bytes(Precision.Fp32), 0.5, 0.6);
    }

    [Fact]
    public void Other_plans_compute_in_fp32()
    {
        using TestDevice test = TestDevice.Open("host");
        Left single = Train(test.Device, Spec, "0 1 2 3 0", Precision.Fp32, ConvolutionPlan.Unfused);
        Left half = Train(test.Device, Spec, "0 1 2 3 0", Precision.Bf16, ConvolutionPlan.Unfused);
        Assert.Equal(single.Logits, half.Logits);
        Assert.Equal(single.Gradients, half.Gradients);
    }

    private static Left Train(
        Device device, NetworkSpec spec, string choices, Precision precision, ConvolutionPlan plan = ConvolutionPlan.Fused,
        bool roundsWeights = false) =>
        Work(device, spec, choices, precision, (session, network, images, labels, path) =>
        {
            foreach (Parameter parameter in network.Parameters.Where(_ => roundsWeights))
            {
                parameter.Value.Upload(session.Stream, [.. parameter.Value.Download(session.Stream).Select(v => (float)(Bf16)v)]);
            }
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

    private sealed record Left(float[] Logits, Dictionary<string, float[]> Gradients)
    {
        /// <summary>Of the gradients of each parameter: |other - this|² / |this|².</summary>
        public double[] DistancesTo(Left other) =>
        [
            .. Gradients.Select(pair => pair.Value.Zip(other.Gradients[pair.Key], (a, b) => Math.Pow((double)a - b, 2)).Sum()
                / pair.Value.Sum(v => (double)v * v)),
        ];
    }
}
