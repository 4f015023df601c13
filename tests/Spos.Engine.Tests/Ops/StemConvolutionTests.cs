using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class StemConvolutionTests
{
    [Theory]
    [OnEachDevice(2, 32, 32, 16)]
    [OnEachDevice(1, 6, 10, 5)]
    [OnEachDevice(3, 7, 9, 24)]
    public void Forward_and_backward_agree_with_double_precision(string device, int n, int h, int w, int channels)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, 3);
        float[] xs = fixture.Values(shape.Count), ws = fixture.Values(27L * channels);
        Tensor x = fixture.Tensor(shape, xs);
        Parameter weight = fixture.Parameter(new Shape(3, 3, 3, channels), ws);

        (float[] y, _) = fixture.Run(
            x, pass => StemConvolution.Forward(pass, x, weight), s => fixture.Values(s.Count), out float[] dy);

        int oh = (h - 1) / 2 + 1, ow = (w - 1) / 2 + 1;
        double[] wantY = new double[n * oh * ow * channels], wantDw = new double[ws.Length];
        for (int r = 0; r < n * oh * ow; r++)
        {
            (int image, int oy, int ox) = (r / (oh * ow), r / ow % oh, r % ow);
            for (int tap = 0; tap < 27; tap++)
            {
                (int iy, int ix) = (2 * oy - 1 + tap / 9, 2 * ox - 1 + tap / 3 % 3);
                if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
                double value = xs[((image * h + iy) * w + ix) * 3 + tap % 3];
                for (int c = 0; c < channels; c++)
                {
                    wantY[r * channels + c] += value * ws[tap * channels + c];
                    wantDw[tap * channels + c] += value * dy[r * channels + c];
                }
            }
        }
        Close.Assert(wantY, y, 27, 8 * Math.Sqrt(27));
        Close.Assert(wantDw, weight.Gradient.Download(fixture.Session.Stream), n * oh * ow, 8 * Math.Sqrt(n * oh * ow));
    }
}
