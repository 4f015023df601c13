using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>Inference's convolutions with their batch norms, on floats and on bf16, against double precision.</summary>
public sealed class NormalisedConvolutionTests
{
    private const ElementType F32 = ElementType.Float32, BF16 = ElementType.BFloat16;

    public static TheoryData<ElementType, int, int, int, int, int> DepthwiseCases()
    {
        var cases = new TheoryData<ElementType, int, int, int, int, int>();
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            foreach (int kernel in new[] { 3, 5, 7 })
            {
                cases.Add(type, kernel, 1, 9, 13, 17);
                cases.Add(type, kernel, 2, 7, 14, 33);
                cases.Add(type, kernel, 2, 2, 1, 5);
            }
        }
        return cases;
    }

    // Results among other channels, or alone.
    [Theory]
    [OnEachDevice(F32, 9, 7, 33, 17, 5)]
    [OnEachDevice(BF16, 9, 7, 33, 17, 5)]
    [OnEachDevice(BF16, 1, 1, 1, 1, 0)]
    [OnEachDevice(BF16, 5, 5, 2, 1, 3)]
    [OnEachDevice(BF16, 8, 8, 80, 80, 0)]
    [OnEachDevice(BF16, 31, 23, 257, 9, 0)]
    [OnEachDevice(BF16, 13, 11, 6, 131, 1)]
    [OnEachDevice(BF16, 4, 13, 24, 32, 32)]
    public void Pointwise(string device, ElementType type, int h, int w, int inputs, int outputs, int before)
    {
        foreach (bool rectify in new[] { false, true })
        {
            using var fixture = new OpFixture(device);
            var x = new Shape(2, h, w, inputs);
            new ReferenceUnit(fixture, new ConvolutionShape(ConvolutionKind.Pointwise, x, outputs, 1, 1), rectify, type)
                .Forward(fixture.Tensor(x, fixture.Values(x.Count), type), before);
        }
    }

    [Theory]
    [CasesOnEachDevice(nameof(DepthwiseCases))]
    public void Depthwise(string device, ElementType type, int kernel, int stride, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var x = new Shape(2, h, w, channels);
        new ReferenceUnit(fixture, new ConvolutionShape(ConvolutionKind.Depthwise, x, channels, kernel, stride), rectify: stride == 2, type)
            .Forward(fixture.Tensor(x, fixture.Values(x.Count), type));
    }

    // Images are floats.
    [Theory]
    [OnEachDevice(F32, 20, 34, 17)]
    [OnEachDevice(BF16, 20, 34, 17)]
    [OnEachDevice(BF16, 7, 9, 24)]
    [OnEachDevice(BF16, 2, 2, 1)]
    public void Stem(string device, ElementType type, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var x = new Shape(2, h, w, 3);
        new ReferenceUnit(fixture, new ConvolutionShape(ConvolutionKind.Stem, x, channels, 3, 2), rectify: true, type)
            .Forward(fixture.Tensor(x, fixture.Values(x.Count)));
    }

    /// <summary>
    /// The CPU's product of bf16, bit for bit: terms in pairs, the odd one of each pair first, each a fused multiply-add, and denormals are
    /// zeros. So AVX-512's VDPBF16PS is defined, and what stands for it where a CPU lacks it (or SPOS_NO_BF16=1 is set) is the same.
    /// </summary>
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(29, 2, 16)]
    [InlineData(7, 31, 17)]
    [InlineData(13, 64, 48)]
    [InlineData(25, 129, 50)]
    [InlineData(12, 4096, 33)]
    public void A_product_of_bf16_on_the_CPU_to_the_bit(int rows, int inputs, int outputs)
    {
        using var fixture = new OpFixture("host");
        Shape shape = new(1, 1, rows, inputs), weights = new(1, 1, inputs, outputs);
        float[] xs = fixture.Values(shape.Count), w = fixture.Values(weights.Count);
        // The odd terms are large, and cancel: by what is left of the others between them, the order shows.
        for (int i = 0; i < xs.Length; i++) xs[i] = (i % inputs % 4) switch { 1 => 512 * xs[i], 3 => -xs[i - 2], _ => xs[i] };
        for (int i = 0; i < w.Length; i++) w[i] = (i / outputs % 4) switch { 1 => 512 * w[i], 3 => w[i - (2 * outputs)], _ => w[i] };
        // Of rows and columns: products that are denormal, then factors that are, and would not be seen but for large ones.
        float[] tinyRows = [1e-20f, 1e-39f, 1e30f], tinyColumns = [1e-19f, 1e30f, 1e-39f];
        for (int i = 0; i < xs.Length; i++) xs[i] = i / inputs < 3 ? tinyRows[i / inputs] : xs[i];
        for (int i = 0; i < w.Length; i++) w[i] = i % outputs < 3 ? tinyColumns[i % outputs] : w[i];
        // By its bits, since rounding makes a denormal one zero.
        Bf16[] x = [.. xs.Select(v => float.IsSubnormal(v) ? new Bf16((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)) : (Bf16)v)];
        Tensor activations = fixture.Own(fixture.Session.Rent(shape, ElementType.BFloat16));
        activations.Upload(fixture.Session.Stream, x);
        Tensor y = fixture.Own(fixture.Session.Rent(shape.WithChannels(outputs), ElementType.BFloat16));
        PointwiseConvolution.ForwardNormalised(
            fixture.Session, new ChannelRange(y), activations, fixture.Tensor(weights, w), Vector(1), Vector(0), rectify: false);
        var got = new Bf16[rows * outputs];
        y.Download(fixture.Session.Stream, got);

        var want = new Bf16[rows * outputs];
        for (int i = 0; i < want.Length; i++)
        {
            (int row, int column) = (i / outputs, i % outputs);
            float Term(int k, float sum) => k >= inputs
                ? MathF.FusedMultiplyAdd(0, 0, sum)
                : Flushed(MathF.FusedMultiplyAdd(
                    Flushed((float)x[(row * inputs) + k]), (float)(Bf16)w[(k * outputs) + column], Flushed(sum)));
            float sum = 0;
            for (int k = 0; k < inputs; k += 2) sum = Term(k, Term(k + 1, sum));
            want[i] = (Bf16)MathF.FusedMultiplyAdd(sum, 1, 0);
        }
        Assert.Equal(want, got);
        for (int i = 0; i < Math.Min(3, Math.Min(rows, outputs)); i++) Assert.Equal(default, got[(i * outputs) + i]);

        Tensor Vector(float value) =>
            fixture.Tensor(Shape.Vector(outputs), [.. Enumerable.Repeat(value, outputs)]);
        static float Flushed(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;
    }

    [Fact]
    public void So_many_products_of_bf16_are_added_up()
    {
        using var fixture = new OpFixture("host");
        var x = new Shape(1, 1, 1, 4097);
        var unit = new ReferenceUnit(fixture, new ConvolutionShape(ConvolutionKind.Pointwise, x, 3, 1, 1), rectify: true, BF16);
        Tensor activations = fixture.Tensor(x, fixture.Values(x.Count), BF16);
        const string said = "bn: products of bf16 take 4096 channels, not 4097. Use --precision fp32.";
        Assert.Equal(said, Assert.Throws<LimitException>(() => unit.Forward(activations)).Message);
        // Where a branch is one kernel, its first convolution and its last.
        foreach (bool first in new[] { false, true })
        {
            (int inputs, int middle) = first ? (4097, 2) : (2, 4097);
            var depthwise = new ConvolutionShape(ConvolutionKind.Depthwise, x.WithChannels(middle), middle, 3, 1);
            NormalisedWeight Unit(ConvolutionShape shape) => new ReferenceUnit(fixture, shape, rectify: false, BF16).Weight;
            NormalisedWeight before = Unit(new ConvolutionShape(ConvolutionKind.Pointwise, x.WithChannels(inputs), middle, 1, 1)),
                between = Unit(depthwise), after = Unit(new ConvolutionShape(ConvolutionKind.Pointwise, depthwise.Output, 2, 1, 1));
            var source = new ChannelRange(first ? activations : fixture.Tensor(x.WithChannels(2), [1, 2], BF16));
            var target = new ChannelRange(fixture.Own(fixture.Session.Rent(x.WithChannels(2), BF16)));
            void Launch() => NormalisedBranch.Forward(fixture.Session, depthwise, target, source, before, between, after, passBy: false);
            Assert.Equal(said, Assert.Throws<LimitException>(Launch).Message);
        }
    }
}
