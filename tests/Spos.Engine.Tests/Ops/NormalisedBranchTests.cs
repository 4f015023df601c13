using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>Inference through a branch in one pass, against the same in double precision and against one op after the other.</summary>
public sealed class NormalisedBranchTests
{
    // Every second channel of x is read, results are written among others. Inputs: 0 where there is no first convolution.
    [Theory]
    [OnEachDevice(3, 1, 3, 13, 11, 5, 7, 3, true)]
    [OnEachDevice(3, 1, 1, 24, 40, 3, 5, 17, true)]
    [OnEachDevice(3, 1, 2, 9, 8, 0, 33, 6, false)]
    [OnEachDevice(3, 2, 9, 6, 7, 4, 18, 20, false)]
    [OnEachDevice(3, 2, 1, 57, 30, 0, 2, 5, false)]
    [OnEachDevice(5, 1, 9, 7, 7, 20, 16, 16, true)]
    [OnEachDevice(5, 2, 2, 27, 14, 6, 9, 40, false)]
    [OnEachDevice(5, 2, 1, 1, 1, 1, 1, 1, false)]
    [OnEachDevice(7, 1, 2, 30, 14, 2, 19, 70, true)]
    [OnEachDevice(7, 1, 1, 2, 3, 260, 17, 4, true)]
    [OnEachDevice(7, 2, 3, 29, 15, 3, 17, 5, false)]
    [OnEachDevice(7, 2, 5, 4, 5, 0, 21, 9, false)]
    public void A_branch_in_one_pass(
        string device, int kernel, int stride, int n, int h, int w, int inputs, int middle, int outputs, bool passBy)
    {
        using var fixture = new OpFixture(device);
        Shape pixels = new(n, h, w, 1);
        int channels = inputs > 0 ? 2 * inputs : middle, before = passBy ? inputs : 2;
        float[] xs = fixture.Values(pixels.WithChannels(channels).Count);
        Tensor x = fixture.Tensor(pixels.WithChannels(channels), xs);
        ChannelRange source = inputs > 0 ? new ChannelRange(x, 1, 2) : new ChannelRange(x);
        var depthwise = new ConvolutionShape(ConvolutionKind.Depthwise, pixels.WithChannels(middle), middle, kernel, stride);
        Unit? first = inputs > 0 ? new Unit(fixture, new Shape(1, 1, inputs, middle), rectify: true) : null;
        Unit second = new(fixture, depthwise.Weight, rectify: false), third = new(fixture, new Shape(1, 1, middle, outputs), rectify: true);
        Shape output = depthwise.Output.WithChannels(before + outputs);
        float[] untouched = fixture.Values(output.Count);
        Tensor y = fixture.Tensor(output, untouched);
        NormalisedBranch.Forward(
            fixture.Session, depthwise, new ChannelRange(y, before), source, first?.Weight, second.Weight, third.Weight, passBy);
        float[] got = y.Download(fixture.Session.Stream);

        double[] read = [.. xs.Where((_, i) => inputs == 0 || i % 2 == 1).Select(v => (double)v)];
        double[] Chain(double[] values, bool magnitudes)
        {
            if (first != null) values = first.Pointwise(values, magnitudes);
            return third.Pointwise(second.Depthwise(values, depthwise, magnitudes), magnitudes);
        }
        double[] want = Chain(read, magnitudes: false);
        double scale = Chain([.. read.Select(Math.Abs)], magnitudes: true).Max();
        float[] results = [.. got.Where((_, i) => i % (before + outputs) >= before)];
        Close.Assert(want, results, inputs + (kernel * kernel) + middle, scale);

        // What lies beside the results: passed channels, or what was there.
        for (int i = 0; i < got.Length; i++)
        {
            (int row, int c) = (i / (before + outputs), i % (before + outputs));
            if (c < before) Assert.Equal(passBy ? xs[(row * channels) + (2 * c)] : untouched[i], got[i]);
        }

        Tensor z = first == null ? x : fixture.Own(fixture.Session.Rent(depthwise.Input)),
            d = fixture.Own(fixture.Session.Rent(depthwise.Output));
        Tensor apart = fixture.Own(fixture.Session.Rent(depthwise.Output.WithChannels(outputs)));
        if (first != null)
        {
            Shape odd = pixels.WithChannels(inputs);
            first.Forward(
                fixture, new ConvolutionShape(ConvolutionKind.Pointwise, odd, middle, 1, 1), z,
                fixture.Tensor(odd, [.. xs.Where((_, i) => i % 2 == 1)]));
        }
        second.Forward(fixture, depthwise, d, z);
        third.Forward(fixture, new ConvolutionShape(ConvolutionKind.Pointwise, depthwise.Output, outputs, 1, 1), apart, d);
        Assert.Equal(apart.Download(fixture.Session.Stream), results);
    }

    [Fact]
    public void A_GPU_runs_one_op_after_the_other()
    {
        using var test = TestDevice.Open("simt 0");
        using var session = new Session(test.Device);
        Assert.False(NormalisedBranch.Applies(
            session,
            new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(8 * test.Device.Multiprocessors, 7, 7, 320), 320, 7, 1)));
    }

    [Fact]
    public void Few_strips_are_left_to_one_op_after_the_other()
    {
        using var test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        Assert.False(
            NormalisedBranch.Applies(session, new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(1, 7, 7, 320), 320, 7, 1))
            && test.Device.Multiprocessors > 1);
        Assert.True(NormalisedBranch.Applies(
            session,
            new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(8 * test.Device.Multiprocessors, 7, 7, 320), 320, 7, 1)));
        session.UsesOneProcessor = true;
        Assert.True(
            NormalisedBranch.Applies(session, new ConvolutionShape(ConvolutionKind.Depthwise, new Shape(1, 7, 7, 320), 320, 7, 1)));
    }

    // A convolution with a batch norm that has seen something.
    private sealed class Unit
    {
        private readonly float[] _weights;
        private readonly double[] _scale, _shift;
        private readonly Shape _shape;
        private readonly bool _rectify;

        public Unit(OpFixture fixture, Shape shape, bool rectify)
        {
            (_shape, _rectify) = (shape, rectify);
            _weights = fixture.Values(shape.Count);
            BatchNormLayer layer = fixture.BatchNorm(shape.C);
            float[] mean = fixture.Values(shape.C), variance = [.. fixture.Values(shape.C).Select(v => 0.5f + (v * v))];
            layer.RunningMean.Upload(fixture.Session.Stream, mean);
            layer.RunningVariance.Upload(fixture.Session.Stream, variance);
            _scale = [.. variance.Select(v => 1 / Math.Sqrt(v + (double)BatchNormLayer.Epsilon))];
            _shift = [.. mean.Select((m, c) => -m * _scale[c])];
            Weight = new NormalisedWeight(fixture.Tensor(shape, _weights), layer);
        }

        public NormalisedWeight Weight { get; }

        public double[] Pointwise(double[] x, bool magnitudes)
        {
            int inputs = _shape.W, outputs = _shape.C;
            double[] y = new double[x.Length / inputs * outputs];
            for (int i = 0; i < y.Length; i++)
            {
                for (int k = 0; k < inputs; k++)
                {
                    y[i] += x[(i / outputs * inputs) + k] * Value(_weights[(k * outputs) + (i % outputs)], magnitudes);
                }
            }
            return Normalise(y, magnitudes);
        }

        public double[] Depthwise(double[] x, ConvolutionShape shape, bool magnitudes)
        {
            (Shape input, Shape output, int half) = (shape.Input, shape.Output, shape.Kernel / 2);
            double[] y = new double[output.Count];
            for (int i = 0; i < y.Length; i++)
            {
                (int c, int ox, int oy, int n) =
                    (i % output.C, i / output.C % output.W, i / output.C / output.W % output.H, i / output.C / output.W / output.H);
                for (int tap = 0; tap < shape.Kernel * shape.Kernel; tap++)
                {
                    int iy = (oy * shape.Stride) - half + (tap / shape.Kernel), ix = (ox * shape.Stride) - half + (tap % shape.Kernel);
                    if (iy < 0 || iy >= input.H || ix < 0 || ix >= input.W) continue;
                    y[i] += x[(((((n * input.H) + iy) * input.W) + ix) * input.C) + c] * Value(_weights[(tap * output.C) + c], magnitudes);
                }
            }
            return Normalise(y, magnitudes);
        }

        public void Forward(OpFixture fixture, ConvolutionShape shape, Tensor y, Tensor x) =>
            NormalisedConvolution.Forward(fixture.Session, shape, new ChannelRange(y), x, Weight.Weight, Weight.Layer, _rectify);

        private double[] Normalise(double[] y, bool magnitudes)
        {
            for (int i = 0; i < y.Length; i++)
            {
                int c = i % _shape.C;
                y[i] = (y[i] * _scale[c]) + (magnitudes ? Math.Abs(_shift[c]) : _shift[c]);
                if (_rectify) y[i] = Math.Max(0, y[i]);
            }
            return y;
        }

        private static double Value(float value, bool magnitudes) => magnitudes ? Math.Abs(value) : value;
    }
}
