using Spos.Engine.Autograd;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Ops;

/// <summary>The hand-written convolutions against cuDNN's interface (oneDNN on the host), at sizes of the real network.</summary>
public sealed class CudnnConvolutionTests
{
    [Theory]
    [InlineData(1, 1, 28, 80, 96)]
    [InlineData(1, 1, 7, 320, 320)]
    [InlineData(3, 1, 28, 80, 80)]
    [InlineData(5, 2, 28, 160, 160)]
    [InlineData(7, 1, 14, 160, 160)]
    [InlineData(7, 2, 7, 33, 33)]
    [InlineData(3, 2, 64, 3, 16)]
    public void Own_kernels_agree_with_it(int kernel, int stride, int size, int input, int output)
    {
        using var fixture = new OpFixture("host");
        bool depthwise = kernel > 1 && input == output;
        var shape = new Shape(2, size, size, input);
        float[] xs = fixture.Values(shape.Count), ws = fixture.Values((long)kernel * kernel * (depthwise ? 1 : input) * output);
        Tensor x = fixture.Tensor(shape, xs);
        Parameter weight = fixture.Parameter(new Shape(kernel, kernel, depthwise ? 1 : input, output), ws);
        (float[] y, float[]? dx) = fixture.Run(
            x,
            () => depthwise ? DepthwiseConvolution.Forward(fixture.Session, x, weight, stride)
                : kernel == 1 ? PointwiseConvolution.Forward(fixture.Session, x, weight)
                : StemConvolution.Forward(fixture.Session, x, weight),
            s => fixture.Values(s.Count), out float[] dys);

        Session session = fixture.Session;
        using var convolution = new CudnnConvolution(session, shape, output, kernel, stride, depthwise ? input : 1);
        Tensor w = fixture.Tensor(Shape.Vector(ws.Length), Transpose(ws, output));
        Tensor dy = fixture.Tensor(convolution.Output, dys);
        using Tensor theirY = session.Rent(convolution.Output), theirDx = session.Rent(shape), theirDw = session.Rent(Shape.Vector(ws.Length));
        convolution.Forward(theirY, x, w);
        convolution.BackwardData(theirDx, dy, w);
        convolution.BackwardFilter(theirDw, dy, x);

        int taps = kernel * kernel * (depthwise ? 1 : input), sums = convolution.Output.Rows;
        // Both sides round: twice the error of one.
        Close.Assert([.. theirY.Download(session.Stream)], y, taps, 16 * Math.Sqrt(taps) + taps * 0.2);
        if (dx != null) Close.Assert([.. theirDx.Download(session.Stream)], dx, taps, 16 * Math.Sqrt(taps) + taps * 0.2);
        float[] dw = Transpose(weight.Gradient.Download(session.Stream), output);
        Close.Assert([.. theirDw.Download(session.Stream)], dw, sums, 16 * Math.Sqrt(sums) + sums * 0.2);
    }

    [Fact]
    public void What_makes_no_sense_is_an_error()
    {
        using var fixture = new OpFixture("host");
        Assert.Throws<CudnnException>(() => new CudnnConvolution(fixture.Session, new Shape(1, 8, 8, 4), 4, 3, 0, 1));
    }

    // [taps][out] to [out][taps].
    private static float[] Transpose(float[] values, int output)
    {
        int taps = values.Length / output;
        return [.. Enumerable.Range(0, values.Length).Select(i => values[i % taps * output + i / taps])];
    }
}
