using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// The convolutions that the branches of a stage end in, in double precision; and where their results go and their gradients come from,
/// by concatenation, shuffle and split done one after the other. Of tensors of bf16 the reference rounds where the kernels do: what
/// products multiply, and what is stored.
/// </summary>
public sealed class StageConvolutionTests
{
    private const int StatisticsRows = 4, SumsRows = 2;

    [Theory]
    [OnEachDeviceInEachType(1, 1, 1, 1, 1, 1, 1)]
    [OnEachDeviceInEachType(2, 3, 5, 7, 3, 4, 1)]
    [OnEachDeviceInEachType(1, 3, 3, 33, 20, 9, 2)]
    [OnEachDeviceInEachType(2, 5, 7, 7, 3, 18, 4)]
    [OnEachDeviceInEachType(3, 19, 14, 40, 16, 40, 8)]
    [OnEachDeviceInEachType(2, 4, 9, 6, 5, 3, 40)]
    [OnEachDeviceInEachType(1, 81, 80, 6, 4, 5, 3)]
    [OnEachDeviceInEachType(1, 11, 12, 160, 64, 48, 2)]
    [InlineData("host", ElementType.Float32, 8, 56, 56, 20, 16, 24, 3)]
    [InlineData("host", ElementType.BFloat16, 8, 56, 56, 20, 16, 24, 3)]
    public void Results_come_to_who_takes_them_and_gradients_from_there(
        string device, ElementType type, int n, int h, int w, int half, int projected, int inputs, int blocks)
    {
        using var fixture = new OpFixture(device);
        var output = new Shape(n, h, w, 2 * half);
        using var handedOn = new StageChannels(fixture.Session, fixture.Session.Rent(output, type), blocks, StatisticsRows);
        // What each block takes; and what is in each place of the block before.
        var taken = new List<Column[]>();
        Column[] places = [];
        var results = new List<Result>();
        for (int block = 0; block < blocks; block++)
        {
            Column[] passed = [.. places.Where((_, place) => place % 2 == 0)];
            taken.Add([.. places.Where((_, place) => place % 2 == 1)]);
            (int First, int Count)[] branches = block == 0 ? [(0, projected), (projected, (2 * half) - projected)] : [(half, half)];
            foreach ((int first, int count) in branches)
            {
                var result = new Result(fixture, type, output.WithChannels(inputs), count, block, first);
                result.Forward(handedOn);
                results.Add(result);
                passed = [.. passed, .. Enumerable.Range(0, count).Select(c => new Column(result, c))];
            }
            places = passed;
        }
        foreach ((Column[] columns, Tensor values, Tensor table) in ArraysOf(handedOn, taken, places))
        {
            ForEach(columns, fixture.Download(values), (result, at, value) => result.Raw[at] = value);
            ForEach(columns, table.Download(fixture.Session.Stream), (result, at, value) => Assert.Equal(result.Statistics[at], value));
        }
        foreach (Result result in results) result.CheckForward();

        using var handedBack = new StageChannels(fixture.Session, fixture.Session.Rent(output, type), blocks, SumsRows);
        foreach ((Column[] columns, Tensor values, Tensor table) in ArraysOf(handedBack, taken, places))
        {
            float[] gradients = fixture.ValuesOf(type, values.Shape.Count), sums = fixture.Values(table.Shape.Count);
            fixture.Upload(values, gradients);
            table.Upload(fixture.Session.Stream, sums);
            ForEach(columns, gradients, (result, at, value) => result.Gradients[at] = value);
            ForEach(columns, sums, (result, at, value) => result.Sums[at] = value);
        }
        foreach (Result result in results) result.CheckBackward(handedOn, handedBack);
    }

    private static IEnumerable<(Column[] Columns, Tensor Values, Tensor Table)> ArraysOf(
        StageChannels channels, List<Column[]> taken, Column[] places)
    {
        for (int block = 1; block < taken.Count; block++)
        {
            using Tensor values = channels.InputOf(block);
            using Tensor table = channels.TableOf(block);
            yield return (taken[block], values, table);
        }
        yield return (places, channels.Outputs, channels.OutputTable);
    }

    // Row by row of an array of `columns`.
    private static void ForEach(Column[] columns, float[] values, Action<Result, int, float> visit)
    {
        for (int i = 0; i < values.Length; i++)
        {
            (Result result, int channel) = columns[i % columns.Length];
            visit(result, (i / columns.Length * result.Channels) + channel, values[i]);
        }
    }

    private readonly record struct Column(Result Result, int Channel);

    // What one branch ends in: y = f(x)·w, f of a pending input with ReLU.
    private sealed class Result
    {
        private readonly OpFixture _fixture;
        private readonly ElementType _type;
        private readonly ConvolutionShape _shape;
        private readonly int _block, _place;
        private readonly float[] _x, _table, _w;

        // What products take of the input, and what may change in it where it is rounded to a neighbour.
        private readonly double[] _f, _slackF;
        private readonly FusedInput _input;
        private readonly Parameter _weight;
        private readonly BatchNormLayer _layer;
        private Tensor _statistics;

        public Result(OpFixture fixture, ElementType type, Shape input, int channels, int block, int place)
        {
            (_fixture, _type, _block, _place) = (fixture, type, block, place);
            _shape = new ConvolutionShape(ConvolutionKind.Pointwise, input, channels, 1, 1);
            (_x, _table, _w) = (fixture.ValuesOf(type, input.Count), fixture.Values(4L * input.C), fixture.Values(_shape.Weight.Count));
            _input = new FusedInput(
                fixture.Tensor(input, _x, type), fixture.Tensor(new Shape(4, 1, 1, input.C), _table), Rectify: true);
            _weight = fixture.Parameter(_shape.Weight, _w);
            if (Halves) _w = [.. _w.Select(v => (float)(Bf16)v)];
            _layer = fixture.BatchNorm(channels);
            (Raw, Gradients, Sums) = (new float[_shape.Output.Count], new float[_shape.Output.Count], new float[SumsRows * channels]);
            (_f, _slackF) = (new double[_x.Length], new double[_x.Length]);
            for (int i = 0; i < _x.Length; i++)
            {
                double product = (double)_x[i] * _table[(2 * Inputs) + (i % Inputs)], shift = _table[(3 * Inputs) + (i % Inputs)];
                _f[i] = Math.Max(0, product + shift);
                // Two roundings to float.
                double error = (Math.Abs(product) + Math.Abs(shift)) * Math.ScaleB(1, -23);
                if (Halves) (_f[i], _slackF[i]) = Bf16Rounding.Operand(_f[i], error);
            }
        }

        public int Channels => _shape.OutputChannels;

        /// <summary>Of the device, [rows, channels].</summary>
        public float[] Raw { get; }

        public float[] Statistics { get; private set; } = [];

        public float[] Gradients { get; }

        public float[] Sums { get; }

        private bool Halves => _type == ElementType.BFloat16;

        private int Inputs => _shape.Input.C;

        private int Rows => _shape.Input.Rows;

        public void Forward(StageChannels handedOn)
        {
            _statistics = _fixture.Own(
                StageConvolution.Forward(_fixture.Session, handedOn, _block, _place, _shape, _input, _weight.Value, _layer));
            Statistics = _statistics.Download(_fixture.Session.Stream);
        }

        public void CheckForward()
        {
            double[] want = new double[Raw.Length], slack = new double[Raw.Length];
            ForEachProduct((x, y, weight) =>
            {
                want[y] += _f[x] * _w[weight];
                slack[y] += _slackF[x] * Math.Abs(_w[weight]);
            });
            double size = (16 * Math.Sqrt(Inputs)) + Inputs, largest = want.Max(Math.Abs);
            Close.AssertStored(_type, want, Raw, Inputs, size, slack);
            // What batch norm counts: the sums before they are rounded, or on a CPU what is stored.
            bool countsSums = Halves && !_fixture.Session.Device.BlocksAreThreads;
            double[] counted = countsSums ? want : [.. Raw.Select(v => (double)v)];
            for (int c = 0; c < Channels; c++)
            {
                double Mean(Func<int, double> value) => Enumerable.Range(0, Rows).Average(r => value((r * Channels) + c));
                double Off(int i) => countsSums ? slack[i] + Close.Tolerance(Inputs, size) : 0;
                double mean = Mean(i => counted[i]), variance = Mean(i => Math.Pow(counted[i] - mean, 2));
                double inverse = 1 / Math.Sqrt(variance + BatchNormLayer.Epsilon);
                Close.Assert([mean], [Statistics[c]], Rows, largest, [Mean(Off)]);
                // A deviation is off by what values are off by, in the mean of squares.
                double off = Math.Sqrt(Mean(i => Math.Pow(Off(i), 2))) * inverse;
                Assert.Equal(inverse, Statistics[Channels + c], inverse * ((2e-5 * (1 + largest)) + (2 * off)));
            }
        }

        public void CheckBackward(StageChannels handedOn, StageChannels handedBack)
        {
            double[] g = new double[Raw.Length], slackG = new double[Raw.Length];
            for (int i = 0; i < g.Length; i++)
            {
                int c = i % Channels;
                double mean = Statistics[c], inverse = Statistics[Channels + c],
                    scale = Statistics[(2 * Channels) + c], shift = Statistics[(3 * Channels) + c];
                double result = (Raw[i] * scale) + shift, first = result > 0 ? Gradients[i] : 0,
                    second = inverse * inverse * Sums[Channels + c] / Rows * (Raw[i] - mean), third = (double)Sums[c] / Rows;
                g[i] = scale * (first - second - third);
                if (!Halves) continue;
                // Of the three no more than six roundings to float; of batch norm's result two.
                double error = Math.Abs(scale) * (Math.Abs(Gradients[i]) + Math.Abs(second) + Math.Abs(third)) * Math.ScaleB(1, -21);
                bool isOnKink = Math.Abs(result) <= Math.Abs(shift) * Math.ScaleB(1, -22);
                double other = isOnKink ? scale * (Gradients[i] - first - second - third) : g[i];
                (g[i], slackG[i]) = Bf16Rounding.OperandOf(g[i], other, error);
            }
            double[] wantDx = new double[_x.Length], wantDw = new double[_w.Length], wantSums = new double[SumsRows * Inputs],
                slackDx = new double[_x.Length], slackDw = new double[_w.Length];
            ForEachProduct((x, y, weight) =>
            {
                wantDx[x] += g[y] * _w[weight];
                slackDx[x] += slackG[y] * Math.Abs(_w[weight]);
                wantDw[weight] += g[y] * _f[x];
                slackDw[weight] += (slackG[y] * (_f[x] + _slackF[x])) + (Math.Abs(g[y]) * _slackF[x]);
            });
            using Tensor dx = _fixture.Session.Rent(_shape.Input, _type);
            using Tensor sums = StageConvolution.Backward(
                _fixture.Session, handedOn, handedBack, _block, _place, _shape, _weight, _layer, _statistics, dx, _input)!.Value;
            float[] gotDx = _fixture.Download(dx), partials = sums.Download(_fixture.Session.Stream);
            double magnitude = 1 + g.Max(Math.Abs);
            Close.AssertStored(_type, wantDx, gotDx, Channels, magnitude * ((8 * Math.Sqrt(Channels)) + Channels), slackDx);
            Close.Assert(
                wantDw, _weight.Gradient.Download(_fixture.Session.Stream), Rows,
                magnitude * ((8 * Math.Sqrt(Rows)) + Rows) * (1 + Inputs / 4.0), slackDw);

            double deviation = 1;
            for (int i = 0; i < gotDx.Length; i++)
            {
                int c = i % Inputs;
                double gated = _f[i] > 0 ? gotDx[i] : 0;
                wantSums[c] += gated;
                wantSums[Inputs + c] += gated * (_x[i] - _table[c]);
                deviation = Math.Max(deviation, Math.Abs(_x[i] - _table[c]));
            }
            float[] gotSums = new float[wantSums.Length];
            for (int i = 0; i < partials.Length; i++) gotSums[i % gotSums.Length] += partials[i];
            Close.Assert(wantSums, gotSums, Rows, gotDx.Max(Math.Abs) * deviation * Rows);
        }

        // Calls with the places of an input, a result and the weight that joins them.
        private void ForEachProduct(Action<int, int, int> visit)
        {
            for (int row = 0; row < Rows; row++)
            {
                for (int input = 0; input < Inputs; input++)
                {
                    for (int channel = 0; channel < Channels; channel++)
                    {
                        visit((row * Inputs) + input, (row * Channels) + channel, (input * Channels) + channel);
                    }
                }
            }
        }
    }
}
