using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Training;

namespace Spos.Engine.Tests.Ops;

/// <summary>Ops that move, select or scale values: their results are exact or off by one rounding.</summary>
public sealed class ElementwiseOpTests
{
    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(77)]
    [OnEachDevice(100_003)]
    public void Relu_passes_what_is_positive(string device, int length)
    {
        using var fixture = new OpFixture(device);
        float[] xs = fixture.Values(length);
        Tensor x = fixture.Tensor(Shape.Vector(length), xs);
        (float[] y, float[]? dx) = fixture.Run(x, pass => Relu.Forward(pass, x), s => fixture.Values(s.Count), out float[] dy);
        Assert.Equal(xs.Select(v => Math.Max(v, 0)), y);
        Assert.Equal(dy.Zip(xs, (g, v) => v > 0 ? g : 0), dx!);
    }

    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(77)]
    [OnEachDevice(100_003)]
    public void Hard_swish_and_its_gradient_agree_with_double_precision(string device, int length)
    {
        using var fixture = new OpFixture(device);
        float[] xs = AroundThree(fixture, length);
        Tensor x = fixture.Tensor(Shape.Vector(length), xs);
        (float[] y, float[]? dx) = fixture.Run(
            x, pass => HardSwish.Forward(pass, x), s => fixture.Values(s.Count), out float[] dy);
        // Each result is a product of four roundings at most; between -3 and 3, |y| is below 3 and the slope below 1.5.
        Close.Assert([.. xs.Select(v => v * Math.Clamp(v + 3.0, 0, 6) / 6)], y, 1, 3);
        double[] wantDx = [.. dy.Zip(xs, (g, v) => v <= -3 ? 0 : v >= 3 ? g : g * (2.0 * v + 3) / 6)];
        Close.Assert(wantDx, dx!, 1, 1.5 * dy.Max(Math.Abs));
    }

    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(77)]
    [OnEachDevice(100_003)]
    public void Hard_sigmoid_and_its_gradient_agree_with_double_precision(string device, int length)
    {
        using var fixture = new OpFixture(device);
        float[] xs = AroundThree(fixture, length);
        Tensor x = fixture.Tensor(Shape.Vector(length), xs);
        (float[] y, float[]? dx) = fixture.Run(
            x, pass => HardSigmoid.Forward(pass, x), s => fixture.Values(s.Count), out float[] dy);
        // Each result is a product of three roundings at most, of values up to 1 and up to a sixth of a gradient.
        Close.Assert([.. xs.Select(v => Math.Clamp(v + 3.0, 0, 6) / 6)], y, 1, 1);
        Close.Assert([.. dy.Zip(xs, (g, v) => v is > -3 and < 3 ? g / 6.0 : 0)], dx!, 1, dy.Max(Math.Abs) / 6);
    }

    [Theory]
    [OnEachDevice(2, 3, 5, 2)]
    [OnEachDevice(1, 7, 7, 34)]
    [OnEachDevice(4, 8, 8, 64)]
    public void Shuffle_splits_even_from_odd_channels_and_concat_joins(string device, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        float[] xs = fixture.Values(shape.Count);
        Tensor x = fixture.Tensor(shape, xs);
        (float[] y, float[]? dx) = fixture.Run(
            x,
            pass =>
            {
                (Tensor even, Tensor odd) = ChannelShuffle.Forward(pass, x);
                Tensor joined = ChannelConcat.Forward(pass, even, odd);
                even.Dispose();
                odd.Dispose();
                return joined;
            },
            s => fixture.Values(s.Count), out float[] dy);
        int half = channels / 2;
        int Source(int i) => i / channels * channels + (i % channels < half ? 2 * (i % channels) : 2 * (i % channels - half) + 1);
        Assert.Equal(Enumerable.Range(0, xs.Length).Select(i => xs[Source(i)]), y);
        float[] want = new float[xs.Length];
        for (int i = 0; i < want.Length; i++) want[Source(i)] = dy[i];
        Assert.Equal(want, dx!);
    }

    // The even half becomes a part of wider rows, whose other channels stay.
    [Theory]
    [OnEachDevice(ElementType.Float32, 3, 5, 34, 20)]
    [OnEachDevice(ElementType.BFloat16, 3, 5, 34, 20)]
    [OnEachDevice(ElementType.BFloat16, 1, 1, 2, 1)]
    [OnEachDevice(ElementType.BFloat16, 8, 7, 66, 33)]
    public void Split_halves_channels_of_either_type(string device, ElementType type, int h, int w, int channels, int evenStride)
    {
        using var fixture = new OpFixture(device);
        Shape shape = new(2, h, w, channels), wide = shape.WithChannels(evenStride), half = shape.WithChannels(channels / 2);
        Tensor x = fixture.Tensor(shape, fixture.Values(shape.Count), type), even = fixture.Tensor(wide, fixture.Values(wide.Count), type);
        Tensor odd = fixture.Own(fixture.Session.Rent(half, type));
        float[] xs = fixture.Download(x), untouched = fixture.Download(even);
        ChannelShuffle.Split(fixture.Session, even, odd, x);
        Assert.Equal(xs.Where((_, i) => i % 2 == 1), fixture.Download(odd));
        Assert.Equal(
            untouched.Select((v, i) => i % evenStride < half.C ? xs[(i / evenStride * channels) + (2 * (i % evenStride))] : v),
            fixture.Download(even));
    }

    // What the hard functions bend at first, then values on all of their pieces.
    private static float[] AroundThree(OpFixture fixture, int length)
    {
        float[] ends = [-3, 3, MathF.BitIncrement(-3), MathF.BitDecrement(3), MathF.BitDecrement(-3), MathF.BitIncrement(3)];
        return [.. ends.Concat(fixture.Values(length).Select(v => 5 * v)).Take(length)];
    }

    [Theory]
    [OnEachDeviceInEachType(1)]
    [OnEachDeviceInEachType(77)]
    [OnEachDeviceInEachType(100_003)]
    public void Gradients_are_added_in_place(string device, ElementType type, int length)
    {
        using var fixture = new OpFixture(device);
        // As far apart as that sums of bf16 need all digits of a float, and more.
        float[] Values() => [.. fixture.ValuesOf(type, length).Select((v, i) => MathF.ScaleB(v, i % 21))];
        (float[] first, float[] second) = (Values(), [.. Values().Reverse()]);
        if (length > 9)
        {
            (first[2], second[2]) = (float.PositiveInfinity, 1);
            (first[4], second[4]) = (1, float.NaN);
            (first[5], second[5]) = (float.NegativeInfinity, float.PositiveInfinity);
            // The greatest number of bf16.
            first[7] = second[7] = BitConverter.UInt32BitsToSingle(0x7F7F_0000);
        }
        Tensor sum = fixture.Tensor(Shape.Vector(length), first, type), source = fixture.Tensor(sum.Shape, second, type);
        GradientTable.AddInPlace(fixture.Session, sum, source);
        float[] want = [.. first.Zip(second, (a, b) => a + b)];
        if (type == ElementType.BFloat16) want = [.. want.Select(v => (float)(Bf16)v)];
        Assert.Equal(want, fixture.Download(sum));
    }

    [Theory]
    [OnEachDevice(3, 7, 7, 20)]
    [OnEachDevice(1, 1, 1, 3)]
    [OnEachDevice(2, 2, 5, 1024)]
    public void Global_average_pool_takes_the_mean(string device, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        float[] xs = fixture.Values(shape.Count);
        Tensor x = fixture.Tensor(shape, xs);
        (float[] y, float[]? dx) = fixture.Run(
            x, pass => GlobalAveragePool.Forward(pass, x), s => fixture.Values(s.Count), out float[] dy);
        double[] wantY = new double[n * channels], wantDx = new double[xs.Length];
        for (int i = 0; i < xs.Length; i++)
        {
            int target = i / (h * w * channels) * channels + i % channels;
            wantY[target] += xs[i] / (double)(h * w);
            wantDx[i] = dy[target] / (double)(h * w);
        }
        Close.Assert(wantY, y, h * w, 8);
        Close.Assert(wantDx, dx!, 1, 4);
    }

    [Theory]
    [OnEachDevice(3, 7, 7, 20)]
    [OnEachDevice(1, 1, 1, 3)]
    [OnEachDevice(2, 2, 5, 1025)]
    public void The_mean_of_each_images_pixels_of_bf16_is_a_float(string device, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        Tensor x = fixture.Tensor(shape, fixture.Values(shape.Count), ElementType.BFloat16);
        double[] want = new double[n * channels];
        foreach ((int i, float value) in fixture.Download(x).Index())
        {
            want[(i / (h * w * channels) * channels) + (i % channels)] += value / (double)(h * w);
        }
        Tensor y = fixture.Own(GlobalAveragePool.Forward(Pass.Inference(fixture.Session), x));
        Close.Assert(want, y.Download(fixture.Session.Stream), h * w, 8);
    }

    [Theory]
    [OnEachDevice]
    public void Dropout_drops_the_given_share_alike_forward_and_backward(string device)
    {
        using var fixture = new OpFixture(device);
        const int length = 40_001;
        Dropout.UseKey(fixture.Session, 3, 5);
        Tensor x = fixture.Tensor(Shape.Vector(length), [.. Enumerable.Repeat(1f, length)]);
        float[] ones = [.. Enumerable.Repeat(1f, length)];
        (float[] y, float[]? dx) = fixture.Run(x, pass => Dropout.Forward(pass, x, 0.25f), _ => ones, out _);
        Assert.Equal(y, dx!);
        Assert.All(y, v => Assert.True(v == 0 || v == 1 / 0.75f));
        // Four deviations of a binomial distribution.
        double deviation = Math.Sqrt(0.25 * 0.75 / length);
        Assert.InRange(y.Count(v => v == 0) / (double)length, 0.25 - 4 * deviation, 0.25 + 4 * deviation);
        Dropout.UseKey(fixture.Session, 3, 6);
        (float[] other, _) = fixture.Run(x, pass => Dropout.Forward(pass, x, 0.25f), _ => ones, out _);
        Assert.NotEqual(y, other);
    }

    [Theory]
    [OnEachDevice(1, 2, 0f, 1f)]
    [OnEachDevice(33, 10, 0.1f, 1f)]
    [OnEachDevice(5, 1000, 0.1f, 1f)]
    [OnEachDevice(7, 3, 0.1f, 0.3f)]
    [OnEachDevice(34, 100, 0f, 0.75f)]
    public void Cross_entropy_and_its_gradient_agree_with_double_precision(
        string device, int rows, int classes, float smoothing, float share)
    {
        using var fixture = new OpFixture(device);
        float[] logits = [.. fixture.Values((long)rows * classes).Select(v => v * 10)];
        int[] labels = [.. Enumerable.Range(0, rows).Select(r => r * 7 % classes)];
        Tensor x = fixture.Tensor(Shape.Matrix(rows, classes), logits);
        (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(
            fixture.Session, x, fixture.Labels(labels), smoothing, 1f / rows, share);
        double[] wantLoss = new double[rows], wantGradient = new double[logits.Length];
        for (int r = 0; r < rows; r++)
        {
            double[] row = [.. logits.Skip(r * classes).Take(classes).Select(v => (double)v)];
            double total = Math.Log(row.Sum(v => Math.Exp(v - row.Max()))) + row.Max();
            for (int k = 0; k < classes; k++)
            {
                double own = k == labels[r] ? (double)share : 0, partners = k == labels[rows - 1 - r] ? 1 - (double)share : 0;
                double target = (1 - (double)smoothing) * (own + partners) + (double)smoothing / classes;
                wantLoss[r] -= target * (row[k] - total);
                wantGradient[r * classes + k] = (Math.Exp(row[k] - total) - target) / rows;
            }
        }
        Close.Assert(wantLoss, loss.Download(fixture.Session.Stream), 1, 100);
        Close.Assert(wantGradient, gradient!.Value.Download(fixture.Session.Stream), 1, 1);
        loss.Dispose();
        gradient!.Value.Dispose();
    }

    [Theory]
    [OnEachDevice(4, 5)]
    [OnEachDevice(7, 3)]
    [OnEachDevice(1, 2)]
    public void Mixup_mixes_each_picture_with_its_partner(string device, int images, int size)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(images, size, size, 3);
        float[] xs = fixture.Values(shape.Count);
        Tensor x = fixture.Tensor(shape, xs);
        Mixup.Apply(fixture.Session, x, 0.3f);
        int length = size * size * 3;
        double[] want =
        [
            .. xs.Select((v, i) => i / length == images - 1 - i / length
                ? v
                : 0.3f * (double)v + (1 - 0.3f) * (double)xs[(images - 1 - i / length) * length + i % length]),
        ];
        Close.Assert(want, x.Download(fixture.Session.Stream), 1, 8);
    }

    [Theory]
    [OnEachDevice]
    public void Rank_counts_what_is_placed_before_the_label(string device)
    {
        using var fixture = new OpFixture(device);
        float[] logits = [1, 3, 2, 3, /**/ 5, 5, 5, 5, /**/ float.NaN, 1, 2, 0, /**/ 1, 2, float.NaN, 0];
        Tensor x = fixture.Tensor(Shape.Matrix(4, 4), logits);
        using DeviceArray<int> ranks = TopK.Ranks(fixture.Session, x, fixture.Labels([3, 2, 2, 2]));
        int[] values = new int[4];
        ranks.Download(fixture.Session.Stream, values);
        Assert.Equal([1, 2, 1, 4], values);
    }

    [Theory]
    [OnEachDevice]
    public void Sgd_moves_as_pytorch_does(string device)
    {
        using var fixture = new OpFixture(device);
        const int length = 1003;
        float[] w = fixture.Values(length), g = fixture.Values(length);
        Parameter parameter = fixture.Parameter(Shape.Vector(length), w);
        double[] want = [.. w.Select(v => (double)v)], velocity = new double[length];
        var sgd = new Sgd(0.9f, 0.01f);
        for (int step = 0; step < 3; step++)
        {
            parameter.Gradient.Upload(fixture.Session.Stream, g);
            parameter.Group.GradientCount = 2;
            sgd.Step(fixture.Session, [parameter.Group], 0.1f);
            for (int i = 0; i < length; i++)
            {
                velocity[i] = 0.9f * velocity[i] + g[i] / 2.0 + 0.01f * want[i];
                want[i] -= 0.1f * velocity[i];
            }
        }
        Close.Assert(want, parameter.Value.Download(fixture.Session.Stream), 9, 8);
    }

    [Theory]
    [OnEachDevice(1)]
    [OnEachDevice(70_001)]
    public void A_moving_average_goes_towards_the_value(string device, int length)
    {
        using var fixture = new OpFixture(device);
        float[] start = fixture.Values(length), values = fixture.Values(length);
        Tensor average = fixture.Tensor(Shape.Vector(length), start);
        WeightAverage.Move(fixture.Session, average, fixture.Tensor(Shape.Vector(length), values), 0.3f);
        double[] want = [.. start.Zip(values, (a, v) => a + 0.3f * ((double)v - a))];
        Close.Assert(want, average.Download(fixture.Session.Stream), 2, 8);
    }
}
