using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// A convolution with a batch norm that has seen something, in inference, and what they make in double precision of the same inputs. In
/// bf16 a pointwise convolution's weights are rounded as its kernels do.
/// </summary>
internal sealed class ReferenceUnit
{
    private readonly OpFixture _fixture;
    private readonly ConvolutionShape _shape;
    private readonly bool _rectify;
    private readonly ElementType _type;
    private readonly float[] _weights;
    private readonly double[] _scale, _shift;

    public ReferenceUnit(OpFixture fixture, ConvolutionShape shape, bool rectify, ElementType type)
    {
        (_fixture, _shape, _rectify, _type) = (fixture, shape, rectify, type);
        _weights = fixture.Values(shape.Weight.Count);
        int channels = shape.OutputChannels;
        BatchNormLayer layer = fixture.BatchNorm(channels);
        float[] mean = fixture.Values(channels), variance = [.. fixture.Values(channels).Select(v => 0.5f + (v * v))];
        layer.RunningMean.Upload(fixture.Session.Stream, mean);
        layer.RunningVariance.Upload(fixture.Session.Stream, variance);
        _scale = [.. variance.Select(v => 1 / Math.Sqrt(v + (double)BatchNormLayer.Epsilon))];
        _shift = [.. mean.Select((m, c) => -m * _scale[c])];
        Weight = new NormalisedWeight(fixture.Tensor(shape.Weight, _weights), layer);
        if (type == ElementType.BFloat16 && shape.Kind == ConvolutionKind.Pointwise)
        {
            _weights = [.. _weights.Select(weight => (float)(Bf16)weight)];
        }
    }

    public NormalisedWeight Weight { get; }

    /// <summary>What the kernel of one unit makes of x, checked against double precision.</summary>
    /// <param name="before">Channels of the result that others have written, before the unit's: they stay.</param>
    /// <returns>The result, and its values.</returns>
    public (Tensor Y, float[] Values) Forward(Tensor x, int before = 0)
    {
        int channels = before + _shape.OutputChannels;
        Shape output = _shape.Output.WithChannels(channels);
        float[] untouched = _fixture.Values(output.Count);
        Tensor y = before > 0 ? _fixture.Tensor(output, untouched, _type) : _fixture.Own(_fixture.Session.Rent(output, _type));
        if (before > 0) untouched = _fixture.Download(y);
        NormalisedConvolution.Forward(
            _fixture.Session, _shape, new ChannelRange(y, before), x, Weight.Weight, Weight.Layer, _rectify);
        float[] all = _fixture.Download(y), values = [.. all.Where((_, i) => i % channels >= before)];
        Assert.All(all.Index().Where(v => v.Index % channels < before), v => Assert.Equal(untouched[v.Index], v.Item));

        double[] read = [.. _fixture.Download(x).Select(v => (double)v)];
        int terms = checked((int)(_weights.Length / _shape.OutputChannels));
        double scale = Run([.. read.Select(Math.Abs)], magnitudes: true).Max();
        Close.Assert(Run(read, magnitudes: false), values, terms, scale, _type);
        return (y, values);
    }

    // With magnitudes, what the terms' magnitudes sum to, for inputs that are none below zero.
    private double[] Run(double[] x, bool magnitudes)
    {
        (Shape input, Shape output, Shape weight, int half) = (_shape.Input, _shape.Output, _shape.Weight, _shape.Kernel / 2);
        bool isDepthwise = _shape.Kind == ConvolutionKind.Depthwise;
        double[] y = new double[output.Count];
        for (int i = 0; i < y.Length; i++)
        {
            (int c, int ox, int oy, int n) =
                (i % output.C, i / output.C % output.W, i / output.C / output.W % output.H, i / output.C / output.W / output.H);
            for (int tap = 0; tap < _shape.Kernel * _shape.Kernel; tap++)
            {
                int iy = (oy * _shape.Stride) - half + (tap / _shape.Kernel), ix = (ox * _shape.Stride) - half + (tap % _shape.Kernel);
                if (iy < 0 || iy >= input.H || ix < 0 || ix >= input.W) continue;
                int pixel = ((((n * input.H) + iy) * input.W) + ix) * input.C;
                for (int k = 0; k < weight.W; k++)
                {
                    double factor = _weights[(((tap * weight.W) + k) * output.C) + c];
                    y[i] += x[pixel + (isDepthwise ? c : k)] * (magnitudes ? Math.Abs(factor) : factor);
                }
            }
            y[i] = (y[i] * _scale[c]) + (magnitudes ? Math.Abs(_shift[c]) : _shift[c]);
            if (_rectify) y[i] = Math.Max(0, y[i]);
        }
        return y;
    }
}
