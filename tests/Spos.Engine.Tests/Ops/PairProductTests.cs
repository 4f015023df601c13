using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// A CPU's products of bf16, to the bit (native/kernels/host/gemm_bf16.h): terms are added in pairs, the odd one first, each by a
/// multiply-add that is rounded once and for which denormals are zeros. So does the CPU's own instruction, and so do the multiply-adds in
/// its place that the variable SPOS_NO_BF16=1 asks for; test.sh runs the tests with each.
/// </summary>
public sealed class PairProductTests
{
    // With every instruction set these are one panel, if channels are few; each panel's are added up by themselves.
    private const int MostRows = 120;

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 2, 2)]
    [InlineData(5, 7, 3)]
    [InlineData(37, 33, 17)]
    [InlineData(101, 64, 40)]
    [InlineData(119, 31, 130)]
    [InlineData(MostRows, 16, 64)]
    [InlineData(13, 255, 65)]
    [InlineData(3, 4096, 5)]
    [InlineData(4, 9, 4096)]
    public void Terms_are_added_in_pairs(int rows, int inputs, int outputs)
    {
        using var fixture = new OpFixture("host");
        Check(
            fixture, rows, inputs, outputs, fixture.ValuesOf(ElementType.BFloat16, (long)rows * inputs),
            fixture.Values((long)inputs * outputs), fixture.ValuesOf(ElementType.BFloat16, (long)rows * outputs));
    }

    [Theory]
    [InlineData(7, 5, 3)]
    [InlineData(26, 18, 35)]
    public void Denormals_are_zeros(int rows, int inputs, int outputs)
    {
        using var fixture = new OpFixture("host");
        // Denormal ones, and about the least that is not: sums of these are denormal on the way. No product is: CPUs without fused
        // multiply-adds would make zero of it.
        float least = MathF.ScaleB(1, -126), denormal = MathF.ScaleB(1, -130), great = MathF.ScaleB(1, 100);
        float[] values = [least, -least, 1.25f * least, -1.5f * least, denormal, -3 * denormal, 0, -0f];
        float[] weights = [1, -1, 1, great, denormal, -MathF.ScaleB(1, -140)];
        float[] Some(float[] from, long count) => [.. fixture.Values(count).Select(v => from[(int)(Math.Abs(v) * 1000) % from.Length])];
        Check(
            fixture, rows, inputs, outputs, Some(values, (long)rows * inputs), Some(weights, (long)inputs * outputs),
            Some([1, -1, denormal], (long)rows * outputs));
    }

    private static void Check(OpFixture fixture, int rows, int inputs, int outputs, float[] xs, float[] ws, float[] gs)
    {
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, new Shape(1, rows, 1, inputs), outputs, 1, 1);
        FusedInput x = new(fixture.Tensor(shape.Input, xs, ElementType.BFloat16), null, Rectify: false);
        Parameter weight = fixture.Parameter(shape.Weight, ws);
        ws = [.. ws.Select(v => (float)(Bf16)v)];
        using PendingTensor y = FusedConvolution.Forward(
            fixture.Session, shape, x, weight.Value, fixture.BatchNorm(outputs), rectify: true);
        Assert.Equal(
            Rounded(rows, outputs, (row, output) => Sum(inputs, i => (xs[(row * inputs) + i], ws[(i * outputs) + output]))),
            fixture.DownloadBf16(y.Raw));

        // The gradient of the raw results is 1·g + 0·(y - mean) + 0.
        float[] coefficients = [.. Enumerable.Repeat(1f, outputs), .. new float[2 * outputs]];
        Tensor dx = fixture.Own(fixture.Session.Rent(shape.Input, ElementType.BFloat16));
        FusedConvolution.Backward(
            fixture.Session, shape, weight, dx, y, fixture.Tensor(new Shape(3, 1, 1, outputs), coefficients),
            fixture.Tensor(shape.Output, gs, ElementType.BFloat16), gated: true, x);
        Assert.Equal(
            Rounded(rows, inputs, (row, input) => Sum(outputs, o => (gs[(row * outputs) + o], ws[(input * outputs) + o]))),
            fixture.DownloadBf16(dx));
        // Terms are rows here, and results floats; of a sum of parts, of which there is one.
        uint[] want = new uint[inputs * outputs];
        for (int i = 0; i < want.Length; i++)
        {
            (int input, int output) = (i / outputs, i % outputs);
            want[i] = BitConverter.SingleToUInt32Bits(0 + Sum(rows, row => (xs[(row * inputs) + input], gs[(row * outputs) + output])));
        }
        Assert.Equal(want, weight.Gradient.Download(fixture.Session.Stream).Select(BitConverter.SingleToUInt32Bits));
    }

    private static float Sum(int terms, Func<int, (float A, float B)> term)
    {
        float sum = 0;
        for (int i = 0; i < terms; i += 2)
        {
            sum = Add(i + 1 < terms ? term(i + 1) : (0, 0), sum);
            sum = Add(term(i), sum);
        }
        return sum;
    }

    private static float Add((float A, float B) term, float sum) =>
        Flushed(MathF.FusedMultiplyAdd(Flushed(term.A), Flushed(term.B), sum));

    private static float Flushed(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    private static Bf16[] Rounded(int rows, int columns, Func<int, int, float> sum) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => (Bf16)sum(i / columns, i % columns))];
}
