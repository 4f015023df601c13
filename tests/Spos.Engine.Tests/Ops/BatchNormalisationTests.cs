using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class BatchNormalisationTests
{
    private const double Epsilon = 1e-5;

    public static TheoryData<int, int, int, int, bool, bool> Cases()
    {
        var cases = new TheoryData<int, int, int, int, bool, bool>();
        foreach (bool affine in new[] { false, true })
        {
            foreach (bool rectify in new[] { false, true })
            {
                cases.Add(4, 6, 5, 16, affine, rectify);
                cases.Add(1, 3, 3, 7, affine, rectify);
                cases.Add(2, 1, 1, 1024, affine, rectify);
                cases.Add(8, 32, 31, 9, affine, rectify);
            }
        }
        return cases;
    }

    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void Training_agrees_with_double_precision(string device, int n, int h, int w, int channels, bool affine, bool rectify)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        int rows = shape.Rows;
        // A mean far from zero: a naive sum of squares would lose its digits.
        float[] xs = fixture.Values(shape.Count, mean: 30f);
        BatchNormLayer layer = Layer(fixture, channels, affine, out float[] gamma, out float[] beta);
        Tensor x = fixture.Tensor(shape, xs);

        (float[] y, float[]? dx) = fixture.Run(
            x, pass => BatchNormalisation.Forward(pass, x, layer, rectify), s => fixture.Values(s.Count), out float[] dy);

        double[] wantY = new double[xs.Length], wantDx = new double[xs.Length],
            wantMean = new double[channels], wantVariance = new double[channels];
        double[] wantDgamma = new double[channels], wantDbeta = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double[] column = [.. Enumerable.Range(0, rows).Select(r => (double)xs[r * channels + c])];
            double mean = column.Average(), variance = column.Average(v => (v - mean) * (v - mean)),
                inverse = 1 / Math.Sqrt(variance + Epsilon);
            wantMean[c] = 0.1 * mean;
            wantVariance[c] = 0.9 + 0.1 * variance * rows / Math.Max(1, rows - 1);
            double[] hat = [.. column.Select(v => (v - mean) * inverse)];
            double[] gradient = new double[rows];
            for (int r = 0; r < rows; r++)
            {
                double value = hat[r] * gamma[c] + beta[c];
                wantY[r * channels + c] = rectify ? Math.Max(0, value) : value;
                // The side of the kink is the device's: it may round across zero.
                gradient[r] = rectify && y[r * channels + c] <= 0 ? 0 : dy[r * channels + c];
            }
            wantDbeta[c] = gradient.Sum();
            wantDgamma[c] = gradient.Zip(hat, (g, v) => g * v).Sum();
            for (int r = 0; r < rows; r++)
            {
                wantDx[r * channels + c] = gamma[c] * inverse * (gradient[r] - wantDbeta[c] / rows - hat[r] * wantDgamma[c] / rows);
            }
        }
        // x is about 30 and its deviation about 1, so a relative rounding of x is 30 times that of y; one channel of two
        // rows can have a tiny deviation, which magnifies it further.
        double magnified = rows <= 2 ? 30 * 3e3 : 30 * 8;
        Close.Assert(wantY, y, 1, magnified);
        Close.Assert(wantDx, dx!, 4, magnified * (rows <= 2 ? 1e3 : 4));
        Close.Assert(wantMean, layer.RunningMean.Download(fixture.Session.Stream), 1, 8);
        Close.Assert(wantVariance, layer.RunningVariance.Download(fixture.Session.Stream), rows, 8);
        if (!affine) return;
        Close.Assert(wantDbeta, layer.Beta!.Gradient.Download(fixture.Session.Stream), rows, 8 * Math.Sqrt(rows) + rows);
        Close.Assert(wantDgamma, layer.Gamma!.Gradient.Download(fixture.Session.Stream), rows, magnified * Math.Sqrt(rows));
    }

    [Theory]
    [OnEachDevice(false, false)]
    [OnEachDevice(true, true)]
    public void Inference_uses_running_statistics(string device, bool affine, bool rectify)
    {
        using var fixture = new OpFixture(device);
        const int channels = 19;
        var shape = new Shape(2, 3, 5, channels);
        float[] xs = fixture.Values(shape.Count), mean = fixture.Values(channels),
            variance = [.. fixture.Values(channels).Select(v => v * v + 0.1f)];
        BatchNormLayer layer = Layer(fixture, channels, affine, out float[] gamma, out float[] beta);
        layer.RunningMean.Upload(fixture.Session.Stream, mean);
        layer.RunningVariance.Upload(fixture.Session.Stream, variance);
        Tensor x = fixture.Tensor(shape, xs);
        var pass = Pass.Inference(fixture.Session);
        using Tensor y = BatchNormalisation.Forward(pass, x, layer, rectify);

        double[] want = new double[xs.Length];
        for (int i = 0; i < xs.Length; i++)
        {
            int c = i % channels;
            double value = (xs[i] - (double)mean[c]) / Math.Sqrt(variance[c] + Epsilon) * gamma[c] + beta[c];
            want[i] = rectify ? Math.Max(0, value) : value;
        }
        Close.Assert(want, y.Download(fixture.Session.Stream), 2, 40);
        Assert.Equal(mean, layer.RunningMean.Download(fixture.Session.Stream));
        Assert.Equal(xs, x.Download(fixture.Session.Stream));
        using Tensor same = BatchNormalisation.Forward(pass, x, layer, rectify, inPlace: true);
        Assert.Equal(x.Address, same.Address);
        Assert.Equal(y.Download(fixture.Session.Stream), same.Download(fixture.Session.Stream));
    }

    public static TheoryData<ElementType, int, int, bool> CasesOfTypes()
    {
        var cases = new TheoryData<ElementType, int, int, bool>();
        foreach (ElementType type in new[] { ElementType.Float32, ElementType.BFloat16 })
        {
            cases.Add(type, 120, 16, true);
            cases.Add(type, 1, 1, false);
            cases.Add(type, 9, 7, true);
            cases.Add(type, 2, 1025, false);
            cases.Add(type, 7936, 9, true);
        }
        return cases;
    }

    [Theory]
    [CasesOnEachDevice(nameof(CasesOfTypes))]
    public void Values_of_each_type_are_normalised_to_floats(string device, ElementType type, int rows, int channels, bool rectify)
    {
        using var fixture = new OpFixture(device);
        (Tensor x, float[] xs, Tensor table, float[] statistics) = Pending(fixture, type, rows, channels);
        Tensor y = fixture.Own(fixture.Session.Rent(x.Shape));
        BatchNormalisation.Apply(fixture.Session, y, x, table, rectify);
        double[] want = new double[xs.Length];
        double largest = 0;
        for (int i = 0; i < want.Length; i++)
        {
            int c = i % channels;
            double product = xs[i] * (double)statistics[(2 * channels) + c], shift = statistics[(3 * channels) + c];
            want[i] = rectify ? Math.Max(0, product + shift) : product + shift;
            largest = Math.Max(largest, Math.Abs(product) + Math.Abs(shift));
        }
        // Two roundings.
        Close.Assert(want, y.Download(fixture.Session.Stream), 0, largest);
    }

    [Theory]
    [CasesOnEachDevice(nameof(CasesOfTypes))]
    public void Gradients_of_each_type_are_added_up(string device, ElementType type, int rows, int channels, bool rectify)
    {
        using var fixture = new OpFixture(device);
        (Tensor x, float[] xs, Tensor table, float[] statistics) = Pending(fixture, type, rows, channels);
        float[] dys = fixture.ValuesOf(type, xs.Length);
        Tensor dy = fixture.Tensor(x.Shape, dys, type);
        using Tensor sums = BatchNormalisation.GradientSums(fixture.Session, dy, x, table, rectify);
        double[] want = new double[2 * channels], got = new double[want.Length], sizes = new double[want.Length];
        for (int i = 0; i < xs.Length; i++)
        {
            int c = i % channels;
            if (rectify && (xs[i] * (double)statistics[(2 * channels) + c]) + statistics[(3 * channels) + c] <= 0) continue;
            foreach ((int at, double term) in new[] { (c, dys[i]), (channels + c, dys[i] * ((double)xs[i] - statistics[c])) })
            {
                want[at] += term;
                sizes[at] += Math.Abs(term);
            }
        }
        foreach ((int i, float part) in sums.Download(fixture.Session.Stream).Index()) got[i % got.Length] += part;
        Close.Assert(want, [.. got.Select(v => (float)v)], rows, sizes.Max());
    }

    // Raw values, and a table of statistics that are not their own.
    private static (Tensor X, float[] Xs, Tensor Table, float[] Statistics) Pending(
        OpFixture fixture, ElementType type, int rows, int channels)
    {
        float[] xs = fixture.ValuesOf(type, (long)rows * channels), statistics = fixture.Values(4L * channels);
        Tensor x = fixture.Tensor(Shape.Matrix(rows, channels), xs, type);
        return (x, xs, fixture.Tensor(new Shape(4, 1, 1, channels), statistics), statistics);
    }

    private static BatchNormLayer Layer(OpFixture fixture, int channels, bool affine, out float[] gamma, out float[] beta)
    {
        BatchNormLayer layer = fixture.BatchNorm(channels, affine);
        gamma = affine ? fixture.Values(channels) : [.. Enumerable.Repeat(1f, channels)];
        beta = affine ? fixture.Values(channels) : new float[channels];
        layer.Gamma?.Value.Upload(fixture.Session.Stream, gamma);
        layer.Beta?.Value.Upload(fixture.Session.Stream, beta);
        return layer;
    }
}
