using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>What the blocks of a stage hand on, and its gradients, against concatenation, shuffle and split done one after the other.</summary>
public sealed class StageChannelsTests
{
    [Theory]
    [OnEachDevice(1, 1, 1, 1, 1, 1, true)]
    [OnEachDevice(2, 3, 5, 7, 3, 1, false)]
    [OnEachDevice(1, 3, 3, 33, 20, 2, true)]
    [OnEachDevice(2, 5, 7, 7, 3, 4, true)]
    [OnEachDevice(3, 9, 4, 40, 16, 8, true)]
    [OnEachDevice(2, 4, 9, 6, 5, 40, false)]
    public void Each_channel_comes_to_who_takes_it(string device, int n, int h, int w, int half, int projected, int blocks, bool rectify)
    {
        using var fixture = new OpFixture(device);
        var output = new Shape(n, h, w, 2 * half);
        int rows = output.Rows;
        // Row by row and channel by channel, what is in each place of the block before: the column of a results' array.
        var taken = new List<Column[]>();
        Column[] places = [];
        var results = new List<(int Block, int Place, Result Result)>();
        using var handedOn = new StageChannels(fixture.Session, fixture.Session.Rent(output), blocks);
        for (int block = 0; block < blocks; block++)
        {
            Column[] passed = [.. places.Where((_, place) => place % 2 == 0)];
            taken.Add([.. places.Where((_, place) => place % 2 == 1)]);
            (int First, int Count)[] branches = block == 0 ? [(0, projected), (projected, (2 * half) - projected)] : [(half, half)];
            foreach ((int first, int count) in branches)
            {
                var result = new Result(fixture, output.WithChannels(count), rectify);
                handedOn.Scatter(fixture.Session, block, first, result.Pending);
                results.Add((block, first, result));
                passed = [.. passed, .. Enumerable.Range(0, count).Select(c => new Column(result, c))];
            }
            places = passed;
        }
        for (int block = 1; block < blocks; block++)
        {
            using Tensor input = handedOn.InputOf(block);
            CheckValues(taken[block], input.Download(fixture.Session.Stream));
        }
        CheckValues(places, handedOn.Outputs.Download(fixture.Session.Stream));

        // Backward.
        float[] dy = fixture.Values(output.Count);
        Tensor upstream = fixture.Session.Rent(output);
        upstream.Upload(fixture.Session.Stream, dy);
        using var handedBack = new StageChannels(fixture.Session, upstream, blocks);
        NoteGradients(places, dy);
        for (int block = 1; block < blocks; block++)
        {
            using Tensor input = handedBack.InputOf(block);
            float[] gradient = fixture.Values(input.Shape.Count);
            input.Upload(fixture.Session.Stream, gradient);
            NoteGradients(taken[block], gradient);
        }
        foreach ((int block, int place, Result result) in results)
        {
            (Tensor gradient, Tensor coefficients) = handedBack.Gather(fixture.Session, block, place, result.Pending);
            Assert.Equal(result.Gradients, fixture.Own(gradient).Download(fixture.Session.Stream));
            result.CheckCoefficients(fixture.Own(coefficients).Download(fixture.Session.Stream), rows);
        }
    }

    private static void CheckValues(Column[] columns, float[] got) =>
        Close.Assert([.. Enumerable.Range(0, got.Length).Select(i => columns[i % columns.Length].Value(i / columns.Length))], got, 2, 20);

    private static void NoteGradients(Column[] columns, float[] gradients)
    {
        for (int i = 0; i < gradients.Length; i++) columns[i % columns.Length].SetGradient(i / columns.Length, gradients[i]);
    }

    private readonly record struct Column(Result Result, int Channel)
    {
        public double Value(int row) => Result.Value(row, Channel);

        public void SetGradient(int row, float gradient) => Result.Gradients[(row * Result.Pending.Raw.Shape.C) + Channel] = gradient;
    }

    private sealed class Result
    {
        private readonly float[] _raw, _table;
        private readonly int _channels;

        public Result(OpFixture fixture, Shape shape, bool rectify)
        {
            _channels = shape.C;
            (_raw, _table) = (fixture.Values(shape.Count), fixture.Values(4L * _channels));
            Gradients = new float[shape.Count];
            var layer = new BatchNormLayer("bn", _channels, affine: false, new ParameterGroup());
            Pending = new PendingTensor(fixture.Tensor(shape, _raw), fixture.Tensor(new Shape(4, 1, 1, _channels), _table), layer, rectify);
        }

        public PendingTensor Pending { get; }

        public float[] Gradients { get; }

        public double Value(int row, int channel)
        {
            double value = Normalised(row, channel);
            return Pending.Rectify ? Math.Max(0, value) : value;
        }

        public void CheckCoefficients(float[] got, int rows)
        {
            for (int c = 0; c < _channels; c++)
            {
                double sum = 0, products = 0, magnitude = 0;
                for (int r = 0; r < rows; r++)
                {
                    int at = (r * _channels) + c;
                    double g = Pending.Rectify && Normalised(r, c) <= 0 ? 0 : Gradients[at], deviation = _raw[at] - _table[c];
                    sum += g;
                    products += g * deviation;
                    magnitude += Math.Abs(g) * (1 + Math.Abs(deviation));
                }
                double inverse = _table[_channels + c], scale = _table[(2 * _channels) + c];
                double[] want = [scale, -scale * inverse * inverse * products / rows, -scale * sum / rows];
                Close.Assert(want, [got[c], got[_channels + c], got[(2 * _channels) + c]], rows, Math.Abs(scale) * (1 + (inverse * inverse)) * (1 + (magnitude / rows)));
            }
        }

        private double Normalised(int row, int channel) =>
            ((double)_raw[(row * _channels) + channel] * _table[(2 * _channels) + channel]) + _table[(3 * _channels) + channel];
    }
}
