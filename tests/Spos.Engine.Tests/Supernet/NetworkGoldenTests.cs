using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using System.Text.Json;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Whole networks against PyTorch in double precision (tests/fixtures/make_network_golden.py).</summary>
public sealed class NetworkGoldenTests
{
    // About twenty layers of float rounding in a row, each magnified a little by batch norm: PyTorch's own float32 results
    // are off by up to 6e-4 here. Gradients that nearly cancel (a scale or shift before another batch norm) are left with
    // the rounding of their terms, which are as large as the largest gradients.
    private const double Tolerance = 1e-3;
    private const double CancelledTolerance = 1e-4;

    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 5,
        StemChannels = 4,
        StageRepeats = [1, 2, 1, 2],
        StageChannels = [8, 20, 24, 48],
        LastChannels = 12,
        Dropout = 0,
    };

    [Theory]
    [OnEachDevice(0)]
    [OnEachDevice(1)]
    [OnEachDevice(2)]
    [OnEachDevice(3)]
    [OnEachDevice(4)]
    public void Logits_loss_gradients_and_statistics_equal_pytorch(string device, int index) =>
        Compare(device, index, ConvolutionPlan.Unfused);

    internal static void Compare(string device, int index, ConvolutionPlan plan)
    {
        using JsonDocument document = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "network_golden.json")));
        JsonElement golden = document.RootElement[index];
        var path = new Architecture(golden.GetProperty("path").EnumerateArray().Select(e => e.GetInt32()));
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        session.Pool.Poison = true;
        ConvolutionPlanner.Of(session).Plan = plan;
        NetworkSpec spec = Spec with
        {
            Affine = golden.GetProperty("affine").GetBoolean(),
            BlockSet = BlockSet.Of(golden.TryGetProperty("blocks", out JsonElement blocks) ? blocks.GetString() : null)!,
        };
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        Parameter[] parameters = [.. network.Parameters.OrderBy(p => p.Name, StringComparer.Ordinal)];
        for (int k = 0; k < parameters.Length; k++)
        {
            bool gamma = parameters[k].Name.EndsWith("weight", StringComparison.Ordinal) && !parameters[k].Decays;
            parameters[k].Value.Upload(
                session.Stream, [.. Pattern(parameters[k], k, Math.Sin).Select(v => (float)(v + (gamma ? 1.5 : 0)))]);
        }
        using Tensor images = Images(session);
        using var labels = new DeviceArray<int>(session.Pool, images.Shape.N);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, images.Shape.N).Select(n => n % Spec.Classes)]);

        var tape = new Tape();
        using (Tensor logits = network.Forward(Pass.Training(session, tape), images, path))
        {
            AssertClose(Numbers(golden, "logits"), logits.Download(session.Stream), "logits");
            (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / images.Shape.N);
            AssertClose([golden.GetProperty("loss").GetDouble()], [loss.Download(session.Stream).Average()], "loss");
            loss.Dispose();
            tape.Backward(session, logits, gradient!.Value);
        }
        double largest = golden.GetProperty("gradients").EnumerateObject().Max(g => g.Value[0].GetDouble());
        for (int k = 0; k < parameters.Length; k++)
        {
            double[] want = Numbers(golden.GetProperty("gradients"), parameters[k].Name);
            AssertSummary(
                want, parameters[k].Gradient.Download(session.Stream), Pattern(parameters[k], k, Math.Cos), largest, parameters[k].Name);
        }
        foreach (BatchNormLayer layer in network.BatchNorms)
        {
            double[] cosine = [.. Enumerable.Range(0, layer.Channels).Select(c => Math.Cos(0.37 * c + 1))];
            AssertSummary(
                Numbers(golden.GetProperty("statistics"), $"{layer.Name}.running_mean"), layer.RunningMean.Download(session.Stream), cosine,
                0.01, layer.Name);
            AssertSummary(
                Numbers(golden.GetProperty("statistics"), $"{layer.Name}.running_var"), layer.RunningVariance.Download(session.Stream),
                cosine, 0.01, layer.Name);
        }
        using Tensor inference = network.Forward(Pass.Inference(session), images, path);
        AssertClose(Numbers(golden, "inference_logits"), inference.Download(session.Stream), "inference logits");
    }

    // The formula of the script, with our order of coordinates: convolutions lie as [y, x, in, out].
    private static double[] Pattern(Parameter parameter, int k, Func<double, double> wave)
    {
        Shape shape = parameter.Shape;
        bool vector = shape.Rows == 1 && !parameter.Decays;
        double[] values = new double[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            (int o, int input, int x, int y) =
                (i % shape.C, i / shape.C % shape.W, i / (shape.C * shape.W) % shape.H, i / (shape.C * shape.W * shape.H));
            values[i] = wave(0.37 * o + (vector ? 0 : 0.61 * input + 0.83 * y + 1.13 * x) + 1 + 0.17 * k);
        }
        return values;
    }

    private static Tensor Images(Session session)
    {
        var shape = new Shape(6, 32, 32, 3);
        float[] values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            (int c, int x, int y, int n) = (i % 3, i / 3 % 32, i / 96 % 32, i / 3072);
            double v = 0.37 * n + 0.61 * c + 0.83 * y + 1.13 * x + 1 + 0.17 * 5;
            values[i] = (float)Math.Sin(v * v * 0.05);
        }
        Tensor images = session.Rent(shape);
        images.Upload(session.Stream, values);
        return images;
    }

    private static double[] Numbers(JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(e => e.GetDouble())];

    private static void AssertSummary(double[] want, float[] values, double[] pattern, double largest, string name)
    {
        double norm = Math.Sqrt(values.Sum(v => (double)v * v)), product = values.Zip(pattern, (v, p) => v * p).Sum();
        double allowed = (Tolerance * want[0] + CancelledTolerance * largest) * Math.Sqrt(values.Length);
        Assert.True(Math.Abs(norm - want[0]) <= allowed, $"{name}: norm {norm} instead of {want[0]}");
        Assert.True(Math.Abs(product - want[1]) <= allowed, $"{name}: product {product} instead of {want[1]}");
    }

    private static void AssertClose(double[] want, float[] values, string name)
    {
        double scale = want.Max(Math.Abs);
        for (int i = 0; i < want.Length; i++)
        {
            Assert.True(Math.Abs(want[i] - values[i]) <= Tolerance * scale, $"{name}[{i}]: {values[i]} instead of {want[i]}");
        }
    }
}
