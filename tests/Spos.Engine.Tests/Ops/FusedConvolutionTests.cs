using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// Training's fused convolutions, one at a time, against the same in double precision. Of tensors of bf16 the reference rounds where the
/// kernels do: what pointwise products multiply, and what is stored.
/// </summary>
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
    [OnEachDeviceInEachType(2, 1, 1, 1, 1, Source.Plain)]
    [OnEachDeviceInEachType(3, 5, 7, 16, 48, Source.Plain)]
    [OnEachDeviceInEachType(2, 9, 9, 33, 17, Source.Pending)]
    [OnEachDeviceInEachType(2, 9, 8, 80, 80, Source.PendingRectified)]
    [OnEachDeviceInEachType(1, 11, 13, 257, 9, Source.Pending)]
    [OnEachDeviceInEachType(3, 13, 11, 6, 131, Source.PendingRectified)]
    [OnEachDeviceInEachType(2, 3, 5, 3000, 2, Source.Pending)]
    [OnEachDeviceInEachType(1, 112, 113, 5, 3, Source.PendingRectified)]
    [OnEachDeviceInEachType(1, 21, 16, 48, 200, Source.PendingRectified)]
    [OnEachDeviceInEachType(1, 9, 29, 160, 36, Source.Plain)]
    // On a CPU two panels, the first of an odd number of rows.
    [InlineData("host", ElementType.BFloat16, 1, 1, 12, 4096, 1500, Source.Plain)]
    public void Pointwise(string device, ElementType type, int n, int h, int w, int input, int output, Source source) =>
        Check(device, type, new ConvolutionShape(ConvolutionKind.Pointwise, new Shape(n, h, w, input), output, 1, 1), source);

    [Theory]
    [OnEachDeviceInEachType(3, 1, 1, 1, 1, 5, Source.Plain)]
    [OnEachDeviceInEachType(3, 1, 2, 7, 9, 33, Source.PendingRectified)]
    [OnEachDeviceInEachType(3, 2, 3, 9, 8, 17, Source.PendingRectified)]
    [OnEachDeviceInEachType(3, 2, 1, 2, 1, 20, Source.Plain)]
    [OnEachDeviceInEachType(5, 1, 2, 14, 14, 16, Source.PendingRectified)]
    [OnEachDeviceInEachType(5, 2, 2, 11, 13, 40, Source.Plain)]
    [OnEachDeviceInEachType(5, 1, 1, 3, 2, 3, Source.Plain)]
    [OnEachDeviceInEachType(7, 1, 2, 7, 7, 19, Source.PendingRectified)]
    [OnEachDeviceInEachType(7, 2, 2, 12, 10, 35, Source.PendingRectified)]
    [OnEachDeviceInEachType(7, 1, 1, 2, 28, 8, Source.Plain)]
    [OnEachDeviceInEachType(5, 1, 3, 7, 7, 20, Source.PendingRectified)]
    [OnEachDeviceInEachType(7, 1, 3, 5, 9, 33, Source.PendingRectified)]
    [OnEachDeviceInEachType(5, 2, 1, 5, 28, 16, Source.PendingRectified)]
    [OnEachDeviceInEachType(7, 2, 3, 6, 56, 40, Source.PendingRectified)]
    [OnEachDeviceInEachType(7, 2, 17, 1, 8, 3, Source.Plain)]
    public void Depthwise(string device, ElementType type, int kernel, int stride, int n, int h, int w, int channels, Source source)
    {
        var shape = new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(n, h, w, channels), channels, kernel, stride);
        Check(device, type, shape, source);
    }

    [Fact]
    public void Products_of_bf16_take_so_many_channels()
    {
        using var fixture = new OpFixture("host");
        FusedInput x = new(fixture.Own(fixture.Session.Rent(new Shape(1, 1, 1, 4097), ElementType.BFloat16)), null, Rectify: false);
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, x.Values.Shape, 2, 1, 1);
        Tensor weight = fixture.Own(fixture.Session.Rent(shape.Weight));
        LimitException failure = Assert.Throws<LimitException>(
            () => FusedConvolution.Forward(fixture.Session, shape, x, weight, fixture.BatchNorm(2), rectify: true));
        Assert.Equal("bn: products of bf16 take 4096 channels, not 4097. Use --precision fp32.", failure.Message);
    }

    private static void Check(string device, ElementType type, ConvolutionShape shape, Source source)
    {
        using var fixture = new OpFixture(device);
        bool pointwise = shape.Kind == ConvolutionKind.Pointwise, gate = source == Source.PendingRectified;
        bool halves = type == ElementType.BFloat16, roundsOperands = halves && pointwise;
        (int inputs, int outputs) = (shape.Input.C, shape.OutputChannels);
        float[] xs = fixture.ValuesOf(type, shape.Input.Count), ws = fixture.Values(shape.Weight.Count);
        Tensor x = fixture.Tensor(shape.Input, xs, type);
        Parameter weight = fixture.Parameter(shape.Weight, ws);
        if (roundsOperands) ws = [.. ws.Select(v => (float)(Bf16)v)];
        float[]? table = source is Source.Pending or Source.PendingRectified ? fixture.Values(4L * inputs) : null;
        BatchNormLayer inputLayer = fixture.BatchNorm(inputs), layer = fixture.BatchNorm(outputs);
        FusedInput fused = table == null
            ? new FusedInput(x, null, Rectify: false)
            : new FusedInput(new PendingTensor(x, fixture.Tensor(new Shape(4, 1, 1, inputs), table), inputLayer, gate));

        // Forward: the raw result and its statistics. Beside values stands what operands that are rounded to a neighbour change in them.
        double[] f = new double[shape.Input.Count], slope = new double[f.Length], slackF = new double[f.Length];
        for (int i = 0; i < f.Length; i++)
        {
            int c = i % inputs;
            double value = xs[i], size = Math.Abs(value);
            if (table != null)
            {
                size = Math.Abs(value * table[(2 * inputs) + c]) + Math.Abs(table[(3 * inputs) + c]);
                value = (value * table[(2 * inputs) + c]) + table[(3 * inputs) + c];
            }
            f[i] = gate ? Math.Max(0, value) : value;
            slope[i] = gate && value <= 0 ? 0 : 1;
            // Two roundings to float.
            if (roundsOperands) (f[i], slackF[i]) = Bf16Rounding.Operand(f[i], table == null ? 0 : size * Math.ScaleB(1, -23));
        }
        double[] wantY = new double[shape.Output.Count], slackY = new double[wantY.Length];
        ForEachProduct(shape, (input, output, tap) =>
        {
            wantY[output] += f[input] * ws[tap];
            slackY[output] += slackF[input] * Math.Abs(ws[tap]);
        });
        int terms = (int)(shape.Weight.Count / outputs);
        using PendingTensor y = FusedConvolution.Forward(fixture.Session, shape, fused, weight.Value, layer, rectify: pointwise);
        float[] raw = fixture.Download(y.Raw);
        double sizeY = (16 * Math.Sqrt(terms)) + (terms * 0.5);
        Close.AssertStored(type, wantY, raw, terms, sizeY, slackY);
        int rows = shape.Output.Rows;
        // What batch norm counts: the sums before they are rounded, or on a CPU what is stored.
        bool countsSums = halves && !fixture.Session.Device.BlocksAreThreads;
        double[] counted = countsSums ? wantY : [.. raw.Select(v => (double)v)], slackMean = new double[outputs];
        double Mean(int c, Func<int, double> value) => Enumerable.Range(0, rows).Average(r => value((r * outputs) + c));
        double[] mean = [.. Enumerable.Range(0, outputs).Select(c => Mean(c, i => counted[i]))];
        double[] variance = [.. Enumerable.Range(0, outputs).Select(c => Mean(c, i => Math.Pow(counted[i] - mean[c], 2)))];
        float[] statistics = y.Statistics.Download(fixture.Session.Stream);
        double largest = wantY.Max(Math.Abs);
        double Off(int i) => slackY[i] + Close.Tolerance(terms, sizeY);
        if (countsSums) for (int c = 0; c < outputs; c++) slackMean[c] = Mean(c, Off);
        Close.Assert(mean, statistics[..outputs], rows, largest, slackMean);
        for (int c = 0; c < outputs; c++)
        {
            double inverse = 1 / Math.Sqrt(variance[c] + Epsilon);
            // A deviation is off by what values are off by, in the mean of squares.
            double off = countsSums ? Math.Sqrt(Mean(c, i => Math.Pow(Off(i), 2))) * inverse : 0;
            Assert.Equal(inverse, statistics[outputs + c], inverse * ((2e-5 * (1 + largest)) + (2 * off)));
        }

        // Backward, with coefficients of our own.
        float[] dys = fixture.ValuesOf(type, shape.Output.Count), coefficients = fixture.Values(3L * outputs);
        Tensor dy = fixture.Tensor(shape.Output, dys, type), gradient = fixture.Own(fixture.Session.Rent(shape.Input, type));
        double[] g = new double[wantY.Length], slackG = new double[g.Length];
        for (int i = 0; i < g.Length; i++)
        {
            int c = i % outputs;
            double second = coefficients[outputs + c] * ((double)raw[i] - statistics[c]), third = coefficients[(2 * outputs) + c];
            // The side of the kink is the device's: it may round across zero.
            float product = raw[i] * statistics[(2 * outputs) + c], result = product + statistics[(3 * outputs) + c];
            double open = (double)coefficients[c] * dys[i], first = pointwise && result <= 0 ? 0 : open;
            g[i] = first + second + third;
            if (!roundsOperands) continue;
            // Of the three no more than five roundings to float; of batch norm's result two.
            double error = (Math.Abs(open) + Math.Abs(second) + Math.Abs(third)) * Math.ScaleB(1, -21);
            bool isOnKink = Math.Abs(result) <= Math.Abs(product) * Math.ScaleB(1, -22);
            (g[i], slackG[i]) = Bf16Rounding.OperandOf(g[i], isOnKink ? open - first + second + third : g[i], error);
        }
        double[] wantDx = new double[f.Length], wantDw = new double[ws.Length],
            slackDx = new double[f.Length], slackDw = new double[ws.Length];
        ForEachProduct(shape, (input, output, tap) =>
        {
            wantDx[input] += g[output] * ws[tap];
            slackDx[input] += slackG[output] * Math.Abs(ws[tap]);
            wantDw[tap] += g[output] * f[input];
            slackDw[tap] += (slackG[output] * (Math.Abs(f[input]) + slackF[input])) + (Math.Abs(g[output]) * slackF[input]);
        });
        // A depthwise convolution's gradient stops where the input's ReLU does.
        for (int i = 0; i < wantDx.Length && !pointwise; i++) wantDx[i] *= slope[i];
        Tensor table3 = fixture.Tensor(new Shape(3, 1, 1, outputs), coefficients);
        Tensor? sums = FusedConvolution.Backward(fixture.Session, shape, weight, gradient, y, table3, dy, gated: false, fused);
        float[] dx = fixture.Download(gradient);
        double scale = 1 + g.Max(Math.Abs);
        int back = (int)(shape.Weight.Count / inputs);
        double sizeDx = scale * ((8 * Math.Sqrt(back)) + back);
        Close.AssertStored(type, wantDx, dx, back, sizeDx, slackDx);
        Close.Assert(
            wantDw, weight.Gradient.Download(fixture.Session.Stream), rows,
            scale * (8 * Math.Sqrt(rows) + rows) * (1 + f.Max(Math.Abs)) / 4, slackDw);

        Assert.Equal(table == null, sums == null);
        if (table == null) return;
        Tensor next = BatchNormalisation.Coefficients(
            fixture.Session, inputLayer, fused.Statistics!.Value, shape.Input.Rows, fixture.Own(sums!.Value));
        float[] got = fixture.Own(next).Download(fixture.Session.Stream);
        // A depthwise convolution adds up gradients before they are rounded.
        bool addsSums = halves && !pointwise;
        double[] added = addsSums ? wantDx : [.. dx.Select(v => (double)v)];
        for (int c = 0; c < inputs; c++)
        {
            double sum = 0, products = 0, deviation = 0;
            int count = shape.Input.Rows;
            for (int r = 0; r < count; r++)
            {
                double gated = added[r * inputs + c] * slope[r * inputs + c];
                sum += gated;
                products += gated * (xs[r * inputs + c] - table[c]);
                deviation = Math.Max(deviation, Math.Abs((double)xs[r * inputs + c] - table[c]));
            }
            double factor = table[2 * inputs + c], inverse = table[inputs + c],
                magnitude = dx.Max(v => Math.Abs((double)v)) * (1 + Math.Abs(factor)) * (1 + (inverse * inverse)) * 8;
            double off = addsSums ? Math.Abs(factor) * Close.Tolerance(back, sizeDx) : 0;
            Close.Assert(
                [factor, -factor * inverse * inverse * products / count, -factor * sum / count],
                [got[c], got[inputs + c], got[(2 * inputs) + c]], count, magnitude, [0, off * inverse * inverse * deviation, off]);
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
