using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>
/// Twenty steps of SGD from the same weights on the same batches, and recalibration (tests/fixtures/make_training_golden.py).
/// </summary>
public sealed class TrainingGoldenTests
{
    private const int Batch = 16, CalibrationBatches = 3;

    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(TorchFixtures.At("training_golden.json"))).RootElement;

    private static readonly Architecture[] Paths =
        [.. Golden.GetProperty("paths").EnumerateArray().Select(p => new Architecture(p.EnumerateArray().Select(c => c.GetInt32())))];

    [Fact]
    public void The_losses_of_twenty_steps_are_pytorch_s()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        using (session)
        using (network)
        {
            var optimizer = new Sgd(0.9f, 4e-5f);
            double[] losses = [.. Paths.Select((path, step) => Step(session, network, optimizer, path, step))];
            foreach (JsonProperty precision in Golden.GetProperty("losses").EnumerateObject())
            {
                foreach ((double theirs, double ours) in TorchFixtures.Numbers(precision.Value).Zip(losses))
                {
                    Assert.InRange(ours / theirs, 1 - 1e-3, 1 + 1e-3);
                }
            }
        }
    }

    [Fact]
    public void Recalibrated_statistics_are_pytorch_s()
    {
        (Session session, ShuffleNetV2OneShot network) = TorchFixtures.Import(TorchFixtures.At("torch_supernet_legacy.pth.tar"));
        using (session)
        using (network)
        {
            foreach (BatchNormLayer layer in network.BatchNormsOf(Paths[0])) layer.ResetStatistics(session.Stream);
            for (int batch = 0; batch < CalibrationBatches; batch++)
            {
                session.BatchNormMomentum = 1f / (batch + 1);
                using Tensor images = Images(session, batch);
                network.Forward(Pass.Recalibration(session), images, Paths[0]).Dispose();
            }
            using Tensor first = Images(session, 0);
            using Tensor logits = network.Forward(Pass.Inference(session), first, Paths[0]);
            BatchNormLayer last = network.BatchNorms.Last();
            JsonElement golden = Golden.GetProperty("recalibrated");
            Assert.InRange(
                TorchFixtures.Error(TorchFixtures.Numbers(golden.GetProperty("mean")), last.RunningMean.Download(session.Stream)), 0, 1e-5);
            Assert.InRange(
                TorchFixtures.Error(TorchFixtures.Numbers(golden.GetProperty("variance")), last.RunningVariance.Download(session.Stream)),
                0, 1e-5);
            Assert.InRange(
                TorchFixtures.Error(TorchFixtures.Numbers(golden.GetProperty("logits")), logits.Download(session.Stream)), 0, 1e-5);
        }
    }

    private static double Step(Session session, ShuffleNetV2OneShot network, Sgd optimizer, Architecture path, int step)
    {
        using Tensor images = Images(session, step);
        using var labels = new DeviceArray<int>(session.Pool, Batch);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, Batch).Select(i => i % 5)]);
        var tape = new Tape();
        using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
        (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / Batch);
        tape.Backward(session, logits, gradient!.Value);
        foreach (ParameterGroup group in network.GroupsOf(path)) group.GradientCount++;
        optimizer.Step(session, network.GroupsOf(path), 0.001f);
        using (losses) return losses.Download(session.Stream).Average(l => (double)l);
    }

    private static Tensor Images(Session session, int batch)
    {
        Tensor images = session.Rent(new Shape(Batch, TorchFixtures.ImageSize, TorchFixtures.ImageSize, 3));
        images.Upload(session.Stream, TorchFixtures.Images(Batch, batch * Batch));
        return images;
    }
}
