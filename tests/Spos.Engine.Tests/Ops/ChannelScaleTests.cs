using Spos.Engine.Autograd;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class ChannelScaleTests
{
    [Theory]
    [OnEachDevice(1, 1, 1, 1)]
    // More parts than slices that take them.
    [OnEachDevice(700, 1, 2, 5)]
    [OnEachDevice(3, 7, 7, 97)]
    [OnEachDevice(2, 1, 1, 1030)]
    // Images of several parts, the last of which is shorter.
    [OnEachDevice(2, 45, 43, 19)]
    [OnEachDevice(1, 112, 111, 3)]
    public void Products_and_gradients_agree_with_double_precision(string device, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        float[] xs = fixture.Values(shape.Count), factors = fixture.Values((long)n * channels), dy = fixture.Values(shape.Count);
        Tensor x = fixture.Tensor(shape, xs), s = fixture.Tensor(Shape.Matrix(n, channels), factors);
        Tensor Forward(Pass pass) => ChannelScale.Forward(pass, x, s);
        (float[] y, float[]? dx) = fixture.Run(x, Forward, _ => dy, out _);
        (_, float[]? ds) = fixture.Run(s, Forward, _ => dy, out _);

        double[] wantDs = new double[factors.Length], magnitudes = new double[factors.Length];
        int Factor(int i) => i / (h * w * channels) * channels + i % channels;
        for (int i = 0; i < xs.Length; i++)
        {
            wantDs[Factor(i)] += (double)dy[i] * xs[i];
            magnitudes[Factor(i)] += Math.Abs((double)dy[i] * xs[i]);
        }
        // Products are rounded once.
        Assert.Equal(xs.Select((v, i) => v * factors[Factor(i)]), y);
        Assert.Equal(dy.Select((v, i) => v * factors[Factor(i)]), dx!);
        Close.Assert(wantDs, ds!, h * w, magnitudes.Max());
    }

    [Fact]
    public void Factors_of_another_shape_are_refused()
    {
        using var fixture = new OpFixture("host");
        Tensor x = fixture.Tensor(new Shape(1, 1, 2, 3), fixture.Values(6)), s = fixture.Tensor(new Shape(1, 1, 2, 3), fixture.Values(6));
        Assert.Throws<ArgumentException>(() => ChannelScale.Forward(Pass.Inference(fixture.Session), x, s));
    }
}
