using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

public sealed class GradientCheckTests
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 64,
        Classes = 4,
        StemChannels = 6,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [14, 20, 26, 34],
        LastChannels = 16,
    };

    // Hundreds of passes, too many for the emulated device, whose gradients the goldens cover.
    [Theory]
    [InlineData("host", "shuffle-v2", "0 0 0 0 0")]
    [InlineData("host", "shuffle-v2", "1 1 2 2 1")]
    [InlineData("host", "shuffle-v2", "3 3 3 3 3")]
    [InlineData("host", "shuffle-v2", "2 3 1 0 3")]
    [InlineData("host", "shuffle-v2+", "4 5 6 7 4")]
    [InlineData("host", "shuffle-v2+", "7 4 0 3 6")]
    [InlineData("host", "shuffle-v2+-published", "0 1 2 3 0")]
    [InlineData("host", "shuffle-v2-channels", "0 1 2 3 0 / 0 3 4 5 7")]
    [InlineData("host", "shuffle-v2+-channels", "7 4 3 3 6 / 5 6 4 7 6")]
    public void The_loss_changes_along_the_gradient_as_it_says(string device, string blocks, string text)
    {
        Architecture path = Architecture.Parse(text);
        NetworkSpec spec = Spec with { BlockSet = BlockSet.Of(blocks)! };
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, spec);
        Initialisation.Initialise(network, session.Stream, 11, InitialisationScheme.Kaiming);
        var random = new CounterRandom(5, RandomPurpose.Augmentation, 0);
        using Tensor images = session.Rent(new Shape(16, 64, 64, 3));
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        using var labels = new DeviceArray<int>(session.Pool, 16);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, 16).Select(i => i % 4)]);
        // The classifier starts so small that hardly any gradient would reach the rest.
        float[] head = network.Classifier.Value.Download(session.Stream);
        network.Classifier.Value.Upload(session.Stream, [.. head.Select(v => v * 50)]);

        Loss(session, network, images, labels, path, backward: true);
        Parameter[] parameters = [.. network.GroupsOf(path).SelectMany(g => g.Parameters)];
        foreach (Parameter parameter in parameters)
        {
            float[] gradient = parameter.Gradient.Download(session.Stream), values = parameter.Value.Download(session.Stream);
            double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
            Assert.True(norm > 1e-6, $"{parameter.Name} has no gradient");
            // A step along the gradient; small against the weights, large against the rounding of the loss.
            double size = 2e-4 * Math.Sqrt(values.Sum(v => (double)v * v));
            double Along(double sign)
            {
                parameter.Value.Upload(session.Stream, [.. values.Zip(gradient, (v, g) => (float)(v + sign * size * g / norm))]);
                return Loss(session, network, images, labels, path, backward: false);
            }
            double slope = (Along(1) - Along(-1)) / (2 * size);
            parameter.Value.Upload(session.Stream, values);
            // Rounding of a loss about 1 in float gives 1e-6 / size; the kinks of ReLU and curvature some percent.
            Assert.True(Math.Abs(slope - norm) <= 0.06 * norm + 2e-6 / size, $"{parameter.Name}: slope {slope}, gradient {norm}");
        }
    }

    [Theory]
    [OnHostAndSimt]
    public void Only_the_parameters_of_the_path_get_gradients(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 11, InitialisationScheme.Official);
        using Tensor images = session.Rent(new Shape(2, 64, 64, 3));
        images.Fill(session.Stream, 0.5f);
        using var labels = new DeviceArray<int>(session.Pool, 2);
        labels.Upload(session.Stream, [0, 1]);
        Architecture path = Architecture.Parse("0 1 2 3 0");
        Loss(session, network, images, labels, path, backward: true);
        HashSet<Parameter> trained = [.. network.GroupsOf(path).SelectMany(g => g.Parameters)];
        Assert.All(network.Parameters, p => Assert.Equal(trained.Contains(p), p.HasGradient));
    }

    private static double Loss(
        Session session, ShuffleNetV2OneShot network, Tensor images, DeviceArray<int> labels, Architecture path, bool backward)
    {
        Dropout.UseKey(session, 1, 1);
        var tape = new Tape();
        using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
        (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0, 1f / images.Shape.N);
        double value = loss.Download(session.Stream).Average(l => (double)l);
        loss.Dispose();
        if (backward)
        {
            tape.Backward(session, logits, gradient!.Value);
            for (int block = 0; block < path.Blocks.Length; block++) network.OperationAt(block, path.Blocks[block]).GiveGradients(session);
        }
        else
        {
            gradient!.Value.Dispose();
            tape.Clear();
        }
        return value;
    }
}
