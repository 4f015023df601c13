using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Ops;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>
/// Results and gradients of every op and of whole paths (tests/fixtures/make_gradient_golden.py): their errors against double
/// precision are no larger than twice those of PyTorch in single precision.
/// </summary>
public sealed class PrecisionTests
{
    // PyTorch multiplies and adds in one rounding where the CPU can; our kernels for CPUs that cannot have a rounding more.
    private static readonly double MostTimes = Engine.Devices.Device.Host.InstructionSet == "x86-64" ? 3 : 2;

    // A sum of few terms may come out exact in PyTorch by luck: an error of half a unit in the last place is allowed in any case.
    private const double HalfUnit = 1.0 / (1 << 24);

    private static readonly JsonDocument Document = JsonDocument.Parse(File.ReadAllText(TorchFixtures.At("gradient_golden.json")));

    public static TheoryData<int, string> Cases() => Rows(row => !row.TryGetProperty("batches", out _));

    public static TheoryData<int, string> Paths() => Rows(row => row.TryGetProperty("batches", out _));

    private static TheoryData<int, string> Rows(Func<JsonElement, bool> wanted)
    {
        var cases = new TheoryData<int, string>();
        foreach ((int index, JsonElement row) in Document.RootElement.EnumerateArray().Index().Where(r => wanted(r.Item)))
        {
            cases.Add(index, $"{row.GetProperty("op").GetString()} {row.GetProperty("sizes").GetRawText()}");
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Errors_are_at_most_twice_pytorch_s(int index, string name)
    {
        JsonElement row = Document.RootElement[index];
        int[] sizes = [.. row.GetProperty("sizes").EnumerateArray().Select(s => s.GetInt32())];
        Dictionary<string, float[]> results = row.GetProperty("op").GetString() switch
        {
            "convolution" => RunConvolution(sizes),
            "batch_norm" => RunBatchNorm(sizes),
            "pool" => RunPool(sizes),
            _ => RunClassifier(sizes),
        };
        foreach (Figure f in Compare(row.GetProperty("results"), results))
        {
            // A single number's error is chance.
            double allowed = MostTimes * f.Theirs + HalfUnit * f.Scale * (f.Count == 1 ? 8 : 1);
            Assert.True(f.Error <= allowed, $"{name}, {f.Name}: error {f.Error:e2}, PyTorch's {f.Theirs:e2}, values to {f.Scale:e2}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Errors_of_whole_paths_are_at_most_twice_pytorch_s(int index, string name)
    {
        JsonElement row = Document.RootElement[index];
        var path = new Architecture(row.GetProperty("sizes").EnumerateArray().Select(s => s.GetInt32()));
        var ours = new List<double>();
        var theirs = new List<double>();
        foreach ((int batch, JsonElement expected) in row.GetProperty("batches").EnumerateArray().Index())
        {
            // Where all is zero, as behind a channel that is never active, there is no error to speak of.
            Figure[] figures = [.. Compare(expected, RunPath(path, batch)).Where(f => f.Scale > 0)];
            ours.Add(Mean(figures.Select(f => f.Error / f.Scale)));
            theirs.Add(Mean(figures.Select(f => f.Theirs / f.Scale)));
        }
        Assert.True(Median(ours) <= MostTimes * Median(theirs), $"{name}: relative error {Median(ours):e2}, PyTorch's {Median(theirs):e2}");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static Figure[] Compare(JsonElement expected, Dictionary<string, float[]> results) =>
        [.. expected.EnumerateObject().Select(e => Compare(e, results[e.Name]))];

    private sealed record Figure(string Name, int Count, double Error, double Theirs, double Scale);

    private static Figure Compare(JsonProperty expected, float[] ours)
    {
        int[] at = [.. expected.Value.GetProperty("at").EnumerateArray().Select(a => a.GetInt32())];
        double[] values = [.. expected.Value.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())];
        return new Figure(
            expected.Name, at.Length, Mean(at.Zip(values, (k, value) => ours[k] - value)), expected.Value.GetProperty("error").GetDouble(),
            values.Max(Math.Abs));
    }

    // The root of the mean of the squares.
    private static double Mean(IEnumerable<double> errors) => Math.Sqrt(errors.Average(e => e * e));

    // The formula of make_gradient_golden.values.
    private static float[] Values(long count, int seed)
    {
        float[] values = new float[count];
        for (long i = 0; i < count; i++)
        {
            values[i] = (float)(((i * 2654435761 + seed * 40503 + 12345) % (1L << 32) / 4096) / (double)(1 << 20) - 0.25);
        }
        return values;
    }

    private static Dictionary<string, float[]> RunConvolution(int[] s)
    {
        (int n, int size, int kernel, int stride, int input, int output, int groups) = (s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
        using var fixture = new OpFixture("host");
        Tensor x = fixture.Tensor(new Shape(n, size, size, input), Values((long)n * size * size * input, 1));
        var shape = new Shape(kernel, kernel, input / groups, output);
        Parameter weight = fixture.Parameter(shape, Values(shape.Count, 2));
        Session session = fixture.Session;
        (float[] y, float[]? dx) = fixture.Run(
            x,
            pass => groups > 1
                ? DepthwiseConvolution.Forward(pass, x, weight, stride)
                : kernel == 1 ? PointwiseConvolution.Forward(pass, x, weight) : StemConvolution.Forward(pass, x, weight),
            yShape => Values(yShape.Count, 3),
            out _);
        return new() { ["y"] = y, ["dx"] = dx ?? [], ["dw"] = weight.Gradient.Download(session.Stream) };
    }

    private static Dictionary<string, float[]> RunBatchNorm(int[] s)
    {
        (int n, int size, int channels, bool affine) = (s[0], s[1], s[2], s[3] == 1);
        using var fixture = new OpFixture("host");
        Session session = fixture.Session;
        var group = fixture.Own(new ParameterGroup());
        var layer = fixture.Own(new BatchNormLayer("norm", channels, affine, group));
        group.Allocate(session.Pool, session.Stream);
        layer.Allocate(session.Pool, session.Stream);
        layer.Gamma?.Value.Upload(session.Stream, [.. Values(channels, 4).Select(v => v + 1)]);
        layer.Beta?.Value.Upload(session.Stream, Values(channels, 5));
        var shape = new Shape(n, size, size, channels);
        Tensor x = fixture.Tensor(shape, Values(shape.Count, 1));
        (float[] y, float[]? dx) = fixture.Run(
            x, pass => BatchNormalisation.Forward(pass, x, layer, rectify: true), _ => Values(shape.Count, 3), out _);
        var results = new Dictionary<string, float[]> { ["y"] = y, ["dx"] = dx! };
        if (layer.Gamma != null) results["dgamma"] = layer.Gamma.Gradient.Download(session.Stream);
        if (layer.Beta != null) results["dbeta"] = layer.Beta.Gradient.Download(session.Stream);
        return results;
    }

    private static Dictionary<string, float[]> RunPool(int[] s)
    {
        using var fixture = new OpFixture("host");
        var shape = new Shape(s[0], s[1], s[1], s[2]);
        Tensor x = fixture.Tensor(shape, Values(shape.Count, 1));
        (float[] y, float[]? dx) = fixture.Run(
            x, pass => GlobalAveragePool.Forward(pass, x), yShape => Values(yShape.Count, 3), out _);
        return new() { ["y"] = y, ["dx"] = dx! };
    }

    private static Dictionary<string, float[]> RunClassifier(int[] s)
    {
        (int n, int features, int classes) = (s[0], s[1], s[2]);
        using var fixture = new OpFixture("host");
        Session session = fixture.Session;
        Tensor x = fixture.Tensor(Shape.Matrix(n, features), Values((long)n * features, 1));
        Parameter weight = fixture.Parameter(new Shape(1, 1, features, classes), Values((long)features * classes, 2));
        DeviceArray<int> labels = fixture.Labels([.. Enumerable.Range(0, n).Select(i => i % classes)]);
        var tape = new Tape();
        using Tensor logits = PointwiseConvolution.Forward(Pass.Training(session, tape), x, weight);
        (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / n);
        using (losses)
        using (Tensor? dx = tape.Backward(session, logits, gradient!.Value, x))
        {
            return new()
            {
                ["loss"] = [losses.Download(session.Stream).Average()],
                ["dx"] = dx!.Value.Download(session.Stream),
                ["weight"] = weight.Gradient.Download(session.Stream),
            };
        }
    }

    private static Dictionary<string, float[]> RunPath(Architecture path, int batch)
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        using (session)
        using (network)
        {
            using Tensor images = session.Rent(new Shape(TorchFixtures.Batch, TorchFixtures.ImageSize, TorchFixtures.ImageSize, 3));
            images.Upload(session.Stream, TorchFixtures.Images(TorchFixtures.Batch, batch * TorchFixtures.Batch));
            using var labels = new DeviceArray<int>(session.Pool, TorchFixtures.Batch);
            labels.Upload(session.Stream, [.. Enumerable.Range(0, TorchFixtures.Batch).Select(i => i % 5)]);
            var tape = new Tape();
            using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
            (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / TorchFixtures.Batch);
            tape.Backward(session, logits, gradient!.Value);
            losses.Dispose();
            var results = new Dictionary<string, float[]>();
            foreach (Parameter parameter in network.GroupsOf(path).SelectMany(g => g.Parameters))
            {
                results[parameter.Name] = parameter.Gradient.Download(session.Stream);
            }
            return results;
        }
    }
}
