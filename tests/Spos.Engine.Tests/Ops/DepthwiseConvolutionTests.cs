using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class DepthwiseConvolutionTests
{
    public static TheoryData<int, int, int, int, int, int> Cases()
    {
        var cases = new TheoryData<int, int, int, int, int, int>();
        foreach (int kernel in new[] { 3, 5, 7 })
        {
            foreach (int stride in new[] { 1, 2 })
            {
                cases.Add(kernel, stride, 2, 8, 8, 16);
                cases.Add(kernel, stride, 1, 7, 9, 5);
                cases.Add(kernel, stride, 3, 2, 2, 33);
                cases.Add(kernel, stride, 1, 1, 13, 1);
                cases.Add(kernel, stride, 2, 11, 4, 24);
            }
        }
        return cases;
    }

    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void Forward_and_backward_agree_with_double_precision(string device, int kernel, int stride, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, channels);
        float[] xs = fixture.Values(shape.Count), ws = fixture.Values((long)kernel * kernel * channels);
        Tensor x = fixture.Tensor(shape, xs);
        Parameter weight = fixture.Parameter(new Shape(kernel, kernel, 1, channels), ws);

        (float[] y, float[]? dx) = fixture.Run(
            x, pass => DepthwiseConvolution.Forward(pass, x, weight, stride), s => fixture.Values(s.Count), out float[] dy);

        int oh = (h - 1) / stride + 1, ow = (w - 1) / stride + 1, pad = kernel / 2;
        double[] wantY = new double[n * oh * ow * channels], wantDx = new double[xs.Length], wantDw = new double[ws.Length];
        for (int r = 0; r < n * oh * ow; r++)
        {
            (int image, int oy, int ox) = (r / (oh * ow), r / ow % oh, r % ow);
            for (int tap = 0; tap < kernel * kernel; tap++)
            {
                (int iy, int ix) = (oy * stride - pad + tap / kernel, ox * stride - pad + tap % kernel);
                if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
                for (int c = 0; c < channels; c++)
                {
                    int xi = ((image * h + iy) * w + ix) * channels + c, wi = tap * channels + c, yi = r * channels + c;
                    wantY[yi] += (double)xs[xi] * ws[wi];
                    wantDx[xi] += (double)dy[yi] * ws[wi];
                    wantDw[wi] += (double)dy[yi] * xs[xi];
                }
            }
        }
        int taps = kernel * kernel, sums = n * oh * ow;
        Close.Assert(wantY, y, taps, 8 * Math.Sqrt(taps));
        Close.Assert(wantDx, dx!, taps, 8 * Math.Sqrt(taps));
        Close.Assert(wantDw, weight.Gradient.Download(fixture.Session.Stream), sums, 8 * Math.Sqrt(sums));
    }
}
