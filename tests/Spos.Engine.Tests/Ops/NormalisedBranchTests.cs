using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// Inference through a branch in one pass, against one op after the other, of which each is held against double precision.
/// </summary>
public sealed class NormalisedBranchTests
{
    // Inputs: 0 where there is no first convolution.
    public static TheoryData<ElementType, int, int, int, int, int, int, int, int, bool> Cases()
    {
        var cases = new TheoryData<ElementType, int, int, int, int, int, int, int, int, bool>();
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            cases.Add(type, 3, 1, 3, 13, 11, 5, 7, 3, true);
            cases.Add(type, 3, 1, 1, 24, 40, 3, 5, 17, true);
            cases.Add(type, 3, 1, 1, 7, 200, 3, 5, 17, true);
            cases.Add(type, 3, 1, 2, 9, 8, 0, 33, 6, false);
            cases.Add(type, 3, 2, 9, 6, 7, 4, 18, 20, false);
            cases.Add(type, 3, 2, 1, 57, 30, 0, 2, 5, false);
            cases.Add(type, 5, 1, 9, 7, 7, 20, 16, 16, true);
            cases.Add(type, 5, 2, 2, 27, 14, 6, 9, 40, false);
            cases.Add(type, 5, 2, 1, 1, 1, 1, 1, 1, false);
            cases.Add(type, 5, 2, 1, 14, 300, 2, 3, 6, false);
            cases.Add(type, 7, 1, 2, 30, 14, 2, 19, 70, true);
            cases.Add(type, 7, 1, 1, 2, 3, 260, 17, 4, true);
            cases.Add(type, 7, 2, 3, 29, 15, 3, 17, 5, false);
            cases.Add(type, 7, 2, 5, 4, 5, 0, 21, 9, false);
        }
        return cases;
    }

    // Every second channel of x is read, results are written among others.
    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void A_branch_in_one_pass(
        string device, ElementType type, int kernel, int stride, int n, int h, int w, int inputs, int middle, int outputs, bool passBy)
    {
        using var fixture = new OpFixture(device);
        Shape pixels = new(n, h, w, 1);
        int channels = inputs > 0 ? 2 * inputs : middle, before = passBy ? inputs : 2;
        Tensor x = fixture.Tensor(pixels.WithChannels(channels), fixture.Values(pixels.WithChannels(channels).Count), type);
        float[] xs = fixture.Download(x);
        ChannelRange source = inputs > 0 ? new ChannelRange(x, 1, 2) : new ChannelRange(x);
        var depthwise = new ConvolutionShape(ConvolutionKind.Depthwise, pixels.WithChannels(middle), middle, kernel, stride);
        ReferenceUnit? first = inputs > 0 ? Pointwise(pixels.WithChannels(inputs), middle) : null;
        ReferenceUnit second = new(fixture, depthwise, rectify: false, type), third = Pointwise(depthwise.Output, outputs);
        Shape output = depthwise.Output.WithChannels(before + outputs);
        Tensor y = fixture.Tensor(output, fixture.Values(output.Count), type);
        float[] untouched = fixture.Download(y);
        NormalisedBranch.Forward(
            fixture.Session, depthwise, new ChannelRange(y, before), source, first?.Weight, second.Weight, third.Weight, passBy);
        float[] got = fixture.Download(y);

        // What lies beside the results: passed channels, or what was there.
        for (int i = 0; i < got.Length; i++)
        {
            (int row, int c) = (i / (before + outputs), i % (before + outputs));
            if (c < before) Assert.Equal(passBy ? xs[(row * channels) + (2 * c)] : untouched[i], got[i]);
        }

        // One after the other, each checked on what the one before it has made.
        Tensor z = first == null
            ? x
            : first.Forward(fixture.Tensor(pixels.WithChannels(inputs), [.. xs.Where((_, i) => i % 2 == 1)], type)).Y;
        float[] apart = third.Forward(second.Forward(z).Y).Values;
        Assert.Equal(apart, got.Where((_, i) => i % (before + outputs) >= before));

        ReferenceUnit Pointwise(Shape input, int to) =>
            new(fixture, new ConvolutionShape(ConvolutionKind.Pointwise, input, to, 1, 1), rectify: true, type);
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
}
