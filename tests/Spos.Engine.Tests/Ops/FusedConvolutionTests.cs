using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>Training's fused convolutions, one at a time, against the same in double precision.</summary>
public sealed class FusedConvolutionTests
{
    private const double Epsilon = 1e-5;

    /// <summary>What the input is: values as they are, or pending results with or without ReLU.</summary>
    public enum Source
    {
        Plain,
        Pending,
        PendingRectified,
    }

    [Theory]
    [OnEachDevice(2, 1, 1, 1, 1, Source.Plain)]
    [OnEachDevice(3, 5, 7, 16, 48, Source.Plain)]
    [OnEachDevice(2, 9, 9, 33, 17, Source.Pending)]
    [OnEachDevice(2, 9, 8, 80, 80, Source.PendingRectified)]
    [OnEachDevice(1, 11, 13, 257, 9, Source.Pending)]
    [OnEachDevice(3, 13, 11, 6, 131, Source.PendingRectified)]
    [OnEachDevice(2, 3, 5, 3000, 2, Source.Pending)]
    [OnEachDevice(1, 112, 113, 5, 3, Source.PendingRectified)]
    [OnEachDevice(1, 21, 16, 48, 200, Source.PendingRectified)]
    [OnEachDevice(1, 9, 29, 160, 36, Source.Plain)]
    public void Pointwise(string device, int n, int h, int w, int input, int output, Source source) =>
        Check(device, new ConvolutionShape(ConvolutionKind.Pointwise, new Shape(n, h, w, input), output, 1, 1), source);

    [Theory]
    [OnEachDevice(3, 1, 1, 1, 1, 5, Source.Plain)]
    [OnEachDevice(3, 1, 2, 7, 9, 33, Source.PendingRectified)]
    [OnEachDevice(3, 2, 3, 9, 8, 17, Source.PendingRectified)]
    [OnEachDevice(3, 2, 1, 2, 1, 20, Source.Plain)]
    [OnEachDevice(5, 1, 2, 14, 14, 16, Source.PendingRectified)]
    [OnEachDevice(5, 2, 2, 11, 13, 40, Source.Plain)]
    [OnEachDevice(5, 1, 1, 3, 2, 3, Source.Plain)]
    [OnEachDevice(7, 1, 2, 7, 7, 19, Source.PendingRectified)]
    [OnEachDevice(7, 2, 2, 12, 10, 35, Source.PendingRectified)]
    [OnEachDevice(7, 1, 1, 2, 28, 8, Source.Plain)]
    [OnEachDevice(5, 1, 3, 7, 7, 20, Source.PendingRectified)]
    [OnEachDevice(7, 1, 3, 5, 9, 33, Source.PendingRectified)]
    [OnEachDevice(5, 2, 1, 5, 28, 16, Source.PendingRectified)]
    [OnEachDevice(7, 2, 3, 6, 56, 40, Source.PendingRectified)]
    [OnEachDevice(7, 2, 17, 1, 8, 3, Source.Plain)]
    public void Depthwise(string device, int kernel, int stride, int n, int h, int w, int channels, Source source) =>
        Check(device, new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(n, h, w, channels), channels, kernel, stride), source);

    private static void Check(string device, ConvolutionShape shape, Source source)
    {
        using var fixture = new OpFixture(device);
        bool pointwise = shape.Kind == ConvolutionKind.Pointwise, gate = source == Source.PendingRectified;
        (int inputs, int outputs) = (shape.Input.C, shape.OutputChannels);
        float[] xs = fixture.Values(shape.Input.Count), ws = fixture.Values(shape.Weight.Count);
        Tensor x = fixture.Tensor(shape.Input, xs);
        Parameter weight = fixture.Parameter(shape.Weight, ws);
        float[]? table = source is Source.Pending or Source.PendingRectified ? fixture.Values(4L * inputs) : null;
        BatchNormLayer inputLayer = fixture.BatchNorm(inputs), layer = fixture.BatchNorm(outputs);
        FusedInput fused = table == null
            ? new FusedInput(x, null, Rectify: false)
            : new FusedInput(new PendingTensor(x, fixture.Tensor(new Shape(4, 1, 1, inputs), table), inputLayer, gate));

        // Forward: the raw result and its statistics.
        double[] f = new double[shape.Input.Count], slope = new double[f.Length];
        for (int i = 0; i < f.Length; i++)
        {
            int c = i % inputs;
            double value = xs[i];
            if (table != null) value = value * table[2 * inputs + c] + table[3 * inputs + c];
            f[i] = gate ? Math.Max(0, value) : value;
            slope[i] = gate && value <= 0 ? 0 : 1;
        }
        double[] wantY = new double[shape.Output.Count];
        ForEachProduct(shape, (input, output, tap) => wantY[output] += f[input] * ws[tap]);
        int terms = (int)(shape.Weight.Count / outputs);
        using PendingTensor y = FusedConvolution.Forward(fixture.Session, shape, fused, weight.Value, layer, rectify: pointwise);
        float[] raw = y.Raw.Download(fixture.Session.Stream);
        Close.Assert(wantY, raw, terms, 16 * Math.Sqrt(terms) + terms * 0.5);
        int rows = shape.Output.Rows;
        double[] mean = [.. Enumerable.Range(0, outputs).Select(c => Enumerable.Range(0, rows).Average(r => (double)raw[r * outputs + c]))];
        double[] variance =
        [
            .. Enumerable.Range(0, outputs)
                .Select(c => Enumerable.Range(0, rows).Average(r => Math.Pow(raw[r * outputs + c] - mean[c], 2))),
        ];
        float[] statistics = y.Statistics.Download(fixture.Session.Stream);
        double largest = wantY.Max(Math.Abs);
        Close.Assert(mean, statistics[..outputs], rows, largest);
        for (int c = 0; c < outputs; c++)
        {
            Assert.Equal(
                1 / Math.Sqrt(variance[c] + Epsilon), statistics[outputs + c], 2e-5 / Math.Sqrt(variance[c] + Epsilon) * (1 + largest));
        }

        // Backward, with coefficients of our own.
        float[] dys = fixture.Values(shape.Output.Count), coefficients = fixture.Values(3L * outputs);
        Tensor dy = fixture.Tensor(shape.Output, dys), gradient = fixture.Own(fixture.Session.Rent(shape.Input));
        double[] g = new double[wantY.Length];
        for (int i = 0; i < g.Length; i++)
        {
            int c = i % outputs;
            double upstream = dys[i];
            // The side of the kink is the device's: it may round across zero.
            if (pointwise && raw[i] * statistics[2 * outputs + c] + statistics[3 * outputs + c] <= 0) upstream = 0;
            g[i] = coefficients[c] * upstream + coefficients[outputs + c] * (raw[i] - statistics[c]) + coefficients[2 * outputs + c];
        }
        double[] wantDx = new double[f.Length], wantDw = new double[ws.Length];
        ForEachProduct(shape, (input, output, tap) =>
        {
            wantDx[input] += g[output] * ws[tap];
            wantDw[tap] += g[output] * f[input];
        });
        // A depthwise convolution's gradient stops where the input's ReLU does.
        for (int i = 0; i < wantDx.Length && !pointwise; i++) wantDx[i] *= slope[i];
        Tensor table3 = fixture.Tensor(new Shape(3, 1, 1, outputs), coefficients);
        Tensor? sums = FusedConvolution.Backward(fixture.Session, shape, weight, gradient, y, table3, dy, gated: false, fused);
        float[] dx = gradient.Download(fixture.Session.Stream);
        double scale = 1 + g.Max(Math.Abs);
        int back = (int)(shape.Weight.Count / inputs);
        Close.Assert(wantDx, dx, back, scale * (8 * Math.Sqrt(back) + back));
        Close.Assert(
            wantDw, weight.Gradient.Download(fixture.Session.Stream), rows,
            scale * (8 * Math.Sqrt(rows) + rows) * (1 + f.Max(Math.Abs)) / 4);

        Assert.Equal(table == null, sums == null);
        if (table == null) return;
        Tensor next = BatchNormalisation.Coefficients(
            fixture.Session, inputLayer, fused.Statistics!.Value, shape.Input.Rows, fixture.Own(sums!.Value));
        float[] got = fixture.Own(next).Download(fixture.Session.Stream);
        for (int c = 0; c < inputs; c++)
        {
            double sum = 0, products = 0;
            int count = shape.Input.Rows;
            for (int r = 0; r < count; r++)
            {
                double gated = dx[r * inputs + c] * slope[r * inputs + c];
                sum += gated;
                products += gated * (xs[r * inputs + c] - table[c]);
            }
            double factor = table[2 * inputs + c], inverse = table[inputs + c],
                magnitude = dx.Max(v => Math.Abs((double)v)) * (1 + Math.Abs(factor)) * (1 + (inverse * inverse)) * 8;
            Close.Assert(
                [factor, -factor * inverse * inverse * products / count, -factor * sum / count],
                [got[c], got[inputs + c], got[(2 * inputs) + c]], count, magnitude);
        }
    }

    // Calls with the places of an input, an output and the weight that joins them.
    private static void ForEachProduct(ConvolutionShape shape, Action<int, int, int> visit)
    {
        (Shape x, Shape y, int size) = (shape.Input, shape.Output, shape.Kernel);
        bool depthwise = shape.Kind == ConvolutionKind.Depthwise;
        for (int pixel = 0; pixel < y.Rows; pixel++)
        {
            (int n, int oy, int ox) = (pixel / y.W / y.H, pixel / y.W % y.H, pixel % y.W);
            for (int tap = 0; tap < size * size; tap++)
            {
                int iy = oy * shape.Stride - size / 2 + tap / size, ix = ox * shape.Stride - size / 2 + tap % size;
                if (iy < 0 || iy >= x.H || ix < 0 || ix >= x.W) continue;
                int from = ((n * x.H + iy) * x.W + ix) * x.C, to = pixel * y.C;
                for (int o = 0; o < y.C; o++)
                {
                    if (depthwise) visit(from + o, to + o, tap * y.C + o);
                    for (int i = 0; i < x.C && !depthwise; i++) visit(from + i, to + o, i * y.C + o);
                }
            }
        }
    }
}
