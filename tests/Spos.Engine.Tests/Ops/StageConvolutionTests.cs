using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// The convolutions that the branches of a stage end in, in double precision; and where their results go and their gradients come from,
/// by concatenation, shuffle and split done one after the other.
/// </summary>
public sealed class StageConvolutionTests
{
    private const int StatisticsRows = 4, SumsRows = 2;

    [Theory]
    [OnEachDevice(1, 1, 1, 1, 1, 1, 1)]
    [OnEachDevice(2, 3, 5, 7, 3, 4, 1)]
    [OnEachDevice(1, 3, 3, 33, 20, 9, 2)]
    [OnEachDevice(2, 5, 7, 7, 3, 18, 4)]
    [OnEachDevice(3, 19, 14, 40, 16, 40, 8)]
    [OnEachDevice(2, 4, 9, 6, 5, 3, 40)]
    [OnEachDevice(1, 81, 80, 6, 4, 5, 3)]
    [OnEachDevice(1, 11, 12, 160, 64, 48, 2)]
    [InlineData("host", 8, 56, 56, 20, 16, 24, 3)]
    public void Results_come_to_who_takes_them_and_gradients_from_there(
        string device, int n, int h, int w, int half, int projected, int inputs, int blocks)
    {
        using var fixture = new OpFixture(device);
        var output = new Shape(n, h, w, 2 * half);
        using var handedOn = new StageChannels(fixture.Session, fixture.Session.Rent(output), blocks, StatisticsRows);
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
                var result = new Result(fixture, output.WithChannels(inputs), count, block, first);
                result.Forward(handedOn);
                results.Add(result);
                passed = [.. passed, .. Enumerable.Range(0, count).Select(c => new Column(result, c))];
            }
            places = passed;
        }
        foreach ((Column[] columns, Tensor values, Tensor table) in ArraysOf(handedOn, taken, places))
        {
            ForEach(columns, values.Download(fixture.Session.Stream), (result, at, value) => result.Raw[at] = value);
            ForEach(columns, table.Download(fixture.Session.Stream), (result, at, value) => Assert.Equal(result.Statistics[at], value));
        }
        foreach (Result result in results) result.CheckForward();

        using var handedBack = new StageChannels(fixture.Session, fixture.Session.Rent(output), blocks, SumsRows);
        foreach ((Column[] columns, Tensor values, Tensor table) in ArraysOf(handedBack, taken, places))
        {
            float[] gradients = fixture.Values(values.Shape.Count), sums = fixture.Values(table.Shape.Count);
            values.Upload(fixture.Session.Stream, gradients);
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
        private readonly ConvolutionShape _shape;
        private readonly int _block, _place;
        private readonly float[] _x, _table, _w;
        private readonly FusedInput _input;
        private readonly Parameter _weight;
        private readonly BatchNormLayer _layer;
        private Tensor _statistics;

        public Result(OpFixture fixture, Shape input, int channels, int block, int place)
        {
            (_fixture, _block, _place) = (fixture, block, place);
            _shape = new ConvolutionShape(ConvolutionKind.Pointwise, input, channels, 1, 1);
            (_x, _table, _w) = (fixture.Values(input.Count), fixture.Values(4L * input.C), fixture.Values(_shape.Weight.Count));
            _input = new FusedInput(fixture.Tensor(input, _x), fixture.Tensor(new Shape(4, 1, 1, input.C), _table), Rectify: true);
            _weight = fixture.Parameter(_shape.Weight, _w);
            _layer = fixture.BatchNorm(channels);
            (Raw, Gradients, Sums) = (new float[_shape.Output.Count], new float[_shape.Output.Count], new float[SumsRows * channels]);
        }

        public int Channels => _shape.OutputChannels;

        /// <summary>Of the device, [rows, channels].</summary>
        public float[] Raw { get; }

        public float[] Statistics { get; private set; } = [];

        public float[] Gradients { get; }

        public float[] Sums { get; }

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
            double[] want = new double[Raw.Length];
            ForEachProduct(
                (row, input, channel) => want[(row * Channels) + channel] += Input(row, input) * _w[(input * Channels) + channel]);
            Close.Assert(want, Raw, Inputs, (16 * Math.Sqrt(Inputs)) + Inputs);
            double largest = want.Max(Math.Abs);
            for (int c = 0; c < Channels; c++)
            {
                double mean = Enumerable.Range(0, Rows).Average(r => (double)Raw[(r * Channels) + c]);
                double variance = Enumerable.Range(0, Rows).Average(r => Math.Pow(Raw[(r * Channels) + c] - mean, 2));
                double inverse = 1 / Math.Sqrt(variance + BatchNormLayer.Epsilon);
                Close.Assert([mean], [Statistics[c]], Rows, largest);
                Assert.Equal(inverse, Statistics[Channels + c], 2e-5 * inverse * (1 + largest));
            }
        }

        public void CheckBackward(StageChannels handedOn, StageChannels handedBack)
        {
            double[] g = new double[Raw.Length];
            for (int i = 0; i < g.Length; i++)
            {
                int c = i % Channels;
                double mean = Statistics[c], inverse = Statistics[Channels + c],
                    scale = Statistics[(2 * Channels) + c], shift = Statistics[(3 * Channels) + c];
                double upstream = (Raw[i] * scale) + shift > 0 ? Gradients[i] : 0;
                g[i] = scale * (upstream - (inverse * inverse * Sums[Channels + c] / Rows * (Raw[i] - mean)) - (Sums[c] / Rows));
            }
            double[] wantDx = new double[_x.Length], wantDw = new double[_w.Length], wantSums = new double[SumsRows * Inputs];
            ForEachProduct((row, input, channel) =>
            {
                wantDx[(row * Inputs) + input] += g[(row * Channels) + channel] * _w[(input * Channels) + channel];
                wantDw[(input * Channels) + channel] += g[(row * Channels) + channel] * Input(row, input);
            });
            using Tensor dx = _fixture.Session.Rent(_shape.Input);
            using Tensor sums = StageConvolution.Backward(
                _fixture.Session, handedOn, handedBack, _block, _place, _shape, _weight, _layer, _statistics, dx, _input)!.Value;
            float[] gotDx = dx.Download(_fixture.Session.Stream), partials = sums.Download(_fixture.Session.Stream);
            double magnitude = 1 + g.Max(Math.Abs);
            Close.Assert(wantDx, gotDx, Channels, magnitude * ((8 * Math.Sqrt(Channels)) + Channels));
            Close.Assert(
                wantDw, _weight.Gradient.Download(_fixture.Session.Stream), Rows,
                magnitude * ((8 * Math.Sqrt(Rows)) + Rows) * (1 + Inputs / 4.0));

            double deviation = 1;
            for (int i = 0; i < gotDx.Length; i++)
            {
                int c = i % Inputs;
                double gated = Input(i / Inputs, c) > 0 ? gotDx[i] : 0;
                wantSums[c] += gated;
                wantSums[Inputs + c] += gated * (_x[i] - _table[c]);
                deviation = Math.Max(deviation, Math.Abs(_x[i] - _table[c]));
            }
            float[] gotSums = new float[wantSums.Length];
            for (int i = 0; i < partials.Length; i++) gotSums[i % gotSums.Length] += partials[i];
            Close.Assert(wantSums, gotSums, Rows, gotDx.Max(Math.Abs) * deviation * Rows);
        }

        private double Input(int row, int channel) =>
            Math.Max(0, ((double)_x[(row * Inputs) + channel] * _table[(2 * Inputs) + channel]) + _table[(3 * Inputs) + channel]);

        private void ForEachProduct(Action<int, int, int> visit)
        {
            for (int row = 0; row < Rows; row++)
            {
                for (int input = 0; input < Inputs; input++)
                {
                    for (int channel = 0; channel < Channels; channel++) visit(row, input, channel);
                }
            }
        }
    }
}
