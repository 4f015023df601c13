using Spos.Engine.Autograd;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// The hand-written convolutions against cuDNN's interface: oneDNN on the host, the definition on the emulated GPU.
/// </summary>
public sealed class CudnnConvolutionTests
{
    // Sizes of the real network.
    [Theory]
    [InlineData("host", 1, 1, 28, 80, 96)]
    [InlineData("host", 1, 1, 7, 320, 320)]
    [InlineData("host", 3, 1, 28, 80, 80)]
    [InlineData("host", 5, 2, 28, 160, 160)]
    [InlineData("host", 7, 1, 14, 160, 160)]
    [InlineData("host", 3, 2, 64, 3, 16)]
    [OnHostAndSimtWithCudnn(1, 1, 5, 20, 33)]
    [OnHostAndSimtWithCudnn(3, 1, 6, 33, 33)]
    [OnHostAndSimtWithCudnn(5, 2, 7, 34, 34)]
    [OnHostAndSimtWithCudnn(7, 2, 7, 33, 33)]
    [OnHostAndSimtWithCudnn(3, 2, 10, 3, 16)]
    public void Own_kernels_agree_with_it(string device, int kernel, int stride, int size, int input, int output)
    {
        bool depthwise = kernel > 1 && input == output;
        Passes own = Run(device, ConvolutionPlan.Unfused, kernel, stride, size, input, output, depthwise);
        Passes other = Run(device, ConvolutionPlan.Cudnn, kernel, stride, size, input, output, depthwise);
        int taps = kernel * kernel * (depthwise ? 1 : input), sums = own.Rows;
        // Both sides round: twice the error of one.
        Close.Assert([.. other.Y], own.Y, taps, 16 * Math.Sqrt(taps) + taps * 0.2);
        if (own.Dx != null) Close.Assert([.. other.Dx!], own.Dx, taps, 16 * Math.Sqrt(taps) + taps * 0.2);
        Close.Assert([.. other.Dw], own.Dw, sums, 16 * Math.Sqrt(sums) + sums * 0.2);
    }

    [Fact]
    public void What_makes_no_sense_is_an_error()
    {
        using var fixture = new OpFixture("host");
        Session session = fixture.Session;
        using var convolutions = new CudnnConvolutions(session);
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, new Shape(1, 0, 8, 4), 4, 1, 1);
        using Tensor tensor = session.Rent(Shape.Vector(64));
        Assert.Contains(
            "BAD_PARAM", Assert.Throws<CudnnException>(() => convolutions.Forward(shape, tensor, tensor, tensor)).Message,
            StringComparison.Ordinal);
    }

    private sealed record Passes(float[] Y, float[]? Dx, float[] Dw, int Rows);

    private static Passes Run(string device, ConvolutionPlan plan, int kernel, int stride, int size, int input, int output, bool depthwise)
    {
        using var fixture = new OpFixture(device);
        ConvolutionPlanner.Of(fixture.Session).Plan = plan;
        var shape = new Shape(2, size, size, input);
        Tensor x = fixture.Tensor(shape, fixture.Values(shape.Count));
        var weightShape = new Shape(kernel, kernel, depthwise ? 1 : input, output);
        Parameter weight = fixture.Parameter(weightShape, fixture.Values(weightShape.Count));
        int rows = 0;
        (float[] y, float[]? dx) = fixture.Run(
            x,
            pass => depthwise ? DepthwiseConvolution.Forward(pass, x, weight, stride)
                : kernel == 1 ? PointwiseConvolution.Forward(pass, x, weight)
                : StemConvolution.Forward(pass, x, weight),
            s =>
            {
                rows = s.Rows;
                return fixture.Values(s.Count);
            },
            out _);
        return new Passes(y, dx, weight.Gradient.Download(fixture.Session.Stream), rows);
    }
}
