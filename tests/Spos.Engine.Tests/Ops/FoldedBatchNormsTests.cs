using System.Globalization;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class FoldedBatchNormsTests
{
    [Theory]
    [OnEachDevice("1")]
    [OnEachDevice("7 1 300")]
    [OnEachDevice("16 5 1 64 257 3 255 40 9")]
    public void All_layers_are_folded_as_in_double_precision(string device, string channels)
    {
        using var fixture = new OpFixture(device);
        BatchNormLayer[] layers =
        [
            .. channels.Split(' ').Select((count, i) => Layer(fixture, int.Parse(count, CultureInfo.InvariantCulture), affine: i % 2 == 1)),
        ];
        Check(fixture, layers);
        // What the layers hold may change from pass to pass, and so may the layers.
        Fill(fixture, layers[0]);
        Check(fixture, layers);
        Check(fixture, [.. layers.AsEnumerable().Reverse()]);
        Check(fixture, layers[..1]);
    }

    [Fact]
    public void A_layer_that_the_pass_did_not_fold_is_refused()
    {
        using var fixture = new OpFixture("host");
        BatchNormLayer one = Layer(fixture, 3, affine: false), other = Layer(fixture, 3, affine: false);
        using (FoldedBatchNorms.Begin(fixture.Session, [one]))
        {
            FoldedBatchNorms.Get(fixture.Session, one).Dispose();
            Assert.Throws<InvalidOperationException>(() => FoldedBatchNorms.Get(fixture.Session, other));
            Assert.Throws<InvalidOperationException>(() => FoldedBatchNorms.Begin(fixture.Session, [other]));
        }
        FoldedBatchNorms.Get(fixture.Session, other).Dispose();
    }

    private static BatchNormLayer Layer(OpFixture fixture, int channels, bool affine)
    {
        BatchNormLayer layer = fixture.BatchNorm(channels, affine);
        Fill(fixture, layer);
        return layer;
    }

    private static void Fill(OpFixture fixture, BatchNormLayer layer)
    {
        foreach (Tensor? tensor in new[] { layer.RunningMean, layer.Gamma?.Value, layer.Beta?.Value })
        {
            tensor?.Upload(fixture.Session.Stream, fixture.Values(layer.Channels));
        }
        layer.RunningVariance.Upload(fixture.Session.Stream, [.. fixture.Values(layer.Channels).Select(v => v * v)]);
    }

    private static void Check(OpFixture fixture, BatchNormLayer[] layers)
    {
        using FoldedBatchNorms.Values values = FoldedBatchNorms.Begin(fixture.Session, layers);
        foreach (BatchNormLayer layer in layers)
        {
            using Tensor folded = FoldedBatchNorms.Get(fixture.Session, layer);
            float[] Values(Tensor? tensor, float missing) =>
                tensor?.Download(fixture.Session.Stream) ?? [.. Enumerable.Repeat(missing, layer.Channels)];
            float[] mean = Values(layer.RunningMean, 0), variance = Values(layer.RunningVariance, 1),
                gamma = Values(layer.Gamma?.Value, 1), beta = Values(layer.Beta?.Value, 0);
            double[] scale = [.. variance.Select((v, c) => gamma[c] / Math.Sqrt((double)v + BatchNormLayer.Epsilon))];
            double[] want = [.. scale, .. scale.Select((a, c) => beta[c] - (mean[c] * a))];
            float[] got = folded.Download(fixture.Session.Stream);
            Assert.Equal(2 * layer.Channels, got.Length);
            // One rounding of each.
            for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], got[i], 1e-7 * Math.Abs(want[i]));
        }
    }
}
