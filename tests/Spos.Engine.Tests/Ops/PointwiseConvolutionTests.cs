using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class PointwiseConvolutionTests
{
    [Theory]
    [OnEachDevice(1, 1, 1, 1, 1)]
    [OnEachDevice(1, 1, 1, 1024, 10)]
    [OnEachDevice(3, 5, 7, 16, 48)]
    [OnEachDevice(2, 9, 9, 33, 17)]
    [OnEachDevice(5, 8, 8, 80, 80)]
    [OnEachDevice(1, 31, 23, 257, 9)]
    [OnEachDevice(7, 13, 11, 6, 131)]
    [OnEachDevice(1, 112, 113, 3, 5)]
    [OnEachDevice(1, 21, 16, 48, 200)]
    [OnEachDevice(1, 9, 29, 160, 36)]
    public void Forward_and_backward_agree_with_double_precision(string device, int n, int h, int w, int input, int output)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(n, h, w, input);
        int rows = shape.Rows;
        float[] xs = fixture.Values(shape.Count), ws = fixture.Values((long)input * output);
        Tensor x = fixture.Tensor(shape, xs);
        Parameter weight = fixture.Parameter(new Shape(1, 1, input, output), ws);

        (float[] y, float[]? dx) = fixture.Run(
            x, pass => PointwiseConvolution.Forward(pass, x, weight), s => fixture.Values(s.Count), out float[] dy);

        double[] wantY = new double[rows * output], wantDx = new double[rows * input], wantDw = new double[input * output];
        for (int m = 0; m < rows; m++)
        {
            for (int i = 0; i < input; i++)
            {
                for (int o = 0; o < output; o++)
                {
                    wantY[m * output + o] += (double)xs[m * input + i] * ws[i * output + o];
                    wantDx[m * input + i] += (double)dy[m * output + o] * ws[i * output + o];
                    wantDw[i * output + o] += (double)xs[m * input + i] * dy[m * output + o];
                }
            }
        }
        // Terms are products of values of magnitude about 1; 8 covers their largest partial sums.
        Close.Assert(wantY, y, input, 8 * Math.Sqrt(input) + input * 0.1);
        Close.Assert(wantDx, dx!, output, 8 * Math.Sqrt(output) + output * 0.1);
        Close.Assert(wantDw, weight.Gradient.Download(fixture.Session.Stream), rows, 8 * Math.Sqrt(rows) + rows * 0.1);
    }

    // Few rows are multiplied by weights as they lie, or threads share their columns.
    [Theory]
    [OnEachDevice(1, 1)]
    [OnEachDevice(3, 17)]
    [OnEachDevice(257, 65)]
    [OnEachDevice(600, 131)]
    public void A_row_comes_to_the_same_bits_among_any_number_of_rows(string device, int input, int output)
    {
        using var fixture = new OpFixture(device);
        float[] xs = fixture.Values(800L * input), ws = fixture.Values((long)input * output);
        Tensor weight = fixture.Tensor(new Shape(1, 1, input, output), ws);
        Tensor scale = fixture.Tensor(Shape.Vector(output), fixture.Values(output));
        Tensor shift = fixture.Tensor(Shape.Vector(output), fixture.Values(output));
        float[] Product(int rows, bool normalised)
        {
            Tensor x = fixture.Tensor(new Shape(rows, 1, 1, input), xs[..(rows * input)]);
            Tensor y = fixture.Own(fixture.Session.Rent(new Shape(rows, 1, 1, output)));
            if (normalised) PointwiseConvolution.ForwardNormalised(fixture.Session, new ChannelRange(y), x, weight, scale, shift, true);
            else PointwiseConvolution.Forward(fixture.Session, y, x, weight);
            return y.Download(fixture.Session.Stream);
        }
        foreach (bool normalised in new[] { false, true })
        {
            float[] many = Product(800, normalised);
            foreach (int rows in new[] { 1, 2, 3, 4, 5, 12, 49, 196, 767 })
            {
                Assert.Equal(many[..(rows * output)], Product(rows, normalised));
            }
        }
    }

    [Theory]
    [OnEachDevice]
    public void A_second_backward_adds_to_the_gradient(string device)
    {
        using var fixture = new OpFixture(device);
        var shape = new Shape(2, 3, 3, 5);
        Tensor x = fixture.Tensor(shape, fixture.Values(shape.Count));
        Parameter weight = fixture.Parameter(new Shape(1, 1, 5, 4), fixture.Values(20));
        float[] ones = [.. Enumerable.Repeat(1f, 18 * 4)];
        fixture.Run(x, pass => PointwiseConvolution.Forward(pass, x, weight), _ => ones, out _);
        float[] once = weight.Gradient.Download(fixture.Session.Stream);
        fixture.Run(x, pass => PointwiseConvolution.Forward(pass, x, weight), _ => ones, out _);
        Assert.Equal(once.Select(v => v + v), weight.Gradient.Download(fixture.Session.Stream));
    }
}
