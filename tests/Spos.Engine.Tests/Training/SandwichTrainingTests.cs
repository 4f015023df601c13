using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>Steps whose paths share operations, and learn from the first of them.</summary>
public sealed class SandwichTrainingTests
{
    internal static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 6,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [12, 16, 20, 24],
        LastChannels = 16,
        BlockSet = BlockSet.ShuffleV2Channels,
        Dropout = 0,
    };

    private static readonly TrainingOptions Options = new()
    {
        Epochs = 1,
        TotalIters = 1,
        BatchSize = 6,
        LearningRate = 0.5f,
        Momentum = 0,
        WeightDecay = 0.01f,
        Workers = 1,
        Distillation = Divergence.Kl,
    };

    // The widest one, one that shares operations with it at other scales and one of its scales, and the narrowest, which is there twice.
    internal static readonly Architecture[] Paths =
    [
        .. new[] { "3 3 2 3 / 7 7 7 7", "3 0 2 1 / 4 0 7 5", "0 0 0 0 / 0 0 0 0", "0 0 0 0 / 0 0 0 0" }
            .Select(text => Architecture.Parse(text)),
    ];

    [Theory]
    [InlineData("host", null)]
    [InlineData("host", Divergence.Kl)]
    [InlineData("host", Divergence.Alpha)]
    [InlineData("simt 1", Divergence.Alpha)]
    public void What_paths_share_moves_once_by_the_mean_of_their_gradients(string name, Divergence? distillation)
    {
        using TestDevice test = TestDevice.Open(name);
        using var files = new TemporaryDataSet(3, 4);
        ImageFolder data = ImageFolder.Open(files.Root);
        var damage = new DamageReport(m => Assert.Fail(m));
        TrainingOptions options = Options with { Distillation = distillation };
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        Parameter[] parameters = [.. network.Parameters];
        float[][] before = [.. parameters.Select(p => p.Value.Download(session.Stream))];
        // Each path's gradients by themselves.
        var sums = parameters.ToDictionary(p => p, p => new double[p.Shape.Count]);
        var counts = new Dictionary<Parameter, int>();
        using (var loader = new BatchLoader(test.Device, data, options.Loader(Spec.ImageSize), damage, 0, 0, CancellationToken.None))
        using (Batch batch = loader.First())
        {
            batch.ReadOn(session.Stream);
            Tensor? teacher = null;
            foreach (Architecture path in Paths)
            {
                LossTarget target = teacher == null
                    ? LossTarget.Labels(options.LabelSmoothing, leavesLogits: distillation != null)
                    : LossTarget.Teacher(distillation!.Value);
                using var plan = new NetworkPlan(session, network, PlanKind.Training, batch.Count, target);
                Predictions left = plan.Run(batch.Images, batch.Labels, path, teacher: teacher);
                teacher ??= left.Logits;
                (left with { Logits = null }).Dispose();
                foreach (Parameter parameter in network.GroupsOf(path).SelectMany(group => group.Parameters))
                {
                    counts[parameter] = counts.GetValueOrDefault(parameter) + 1;
                    foreach ((int i, float value) in parameter.Gradient.Download(session.Stream).Index()) sums[parameter][i] += value;
                }
                foreach (ParameterGroup group in network.GroupsOf(path)) group.ClearGradients();
            }
            teacher?.Dispose();
        }
        var trainer = new Trainer(session, network, data, options, _ => Paths, damage);
        trainer.RunEpoch(_ => { }, CancellationToken.None);
        Assert.Equal(1, trainer.StepsDone);
        Assert.Null(test.Device.Report);
        Assert.Contains(counts.Values, count => count == 1);
        Assert.Contains(counts.Values, count => count == 2);
        foreach ((Parameter parameter, float[] old) in parameters.Zip(before))
        {
            float[] now = parameter.Value.Download(session.Stream);
            if (!counts.TryGetValue(parameter, out int count))
            {
                Assert.Equal(old, now);
                continue;
            }
            double most = sums[parameter].Max(Math.Abs) + old.Max(MathF.Abs);
            for (int i = 0; i < now.Length; i++)
            {
                double step = sums[parameter][i] / count + (parameter.Decays ? options.WeightDecay * old[i] : 0);
                // Sums in another order: of single precision's last place some tens.
                Assert.Equal(old[i] - options.LearningRate * step, now[i], 1e-5 * most);
            }
        }
        Assert.All(parameters, p => Assert.False(p.HasGradient));
    }

    [Fact]
    public void A_step_reports_the_mean_of_the_teacher_s_loss_and_of_the_divergences_from_it()
    {
        using var files = new TemporaryDataSet(3, 4);
        ImageFolder data = ImageFolder.Open(files.Root);
        float Loss(Divergence? distillation, params Architecture[] paths)
        {
            using var session = new Session(Device.Host);
            using var network = new ShuffleNetV2OneShot(session, Spec);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
            float loss = 0;
            var trainer = new Trainer(
                session, network, data, Options with { Distillation = distillation }, _ => paths, new DamageReport(m => Assert.Fail(m)));
            trainer.RunEpoch(step => loss = step.Loss, CancellationToken.None);
            return loss;
        }
        float labels = Loss(null, Paths[0]);
        Assert.Equal(labels, Loss(Divergence.Kl, Paths[0]));
        // A path is no way from itself.
        Assert.Equal(labels / 2, Loss(Divergence.Kl, Paths[0], Paths[0]), 1e-6f);
        Assert.Equal(labels / 2, Loss(Divergence.Alpha, Paths[0], Paths[0]), 1e-6f);
        float kl = Loss(Divergence.Kl, Paths[0], Paths[2]);
        Assert.InRange(kl, labels / 2 + 1e-4f, float.MaxValue);
        Assert.InRange(Loss(Divergence.Alpha, Paths[0], Paths[2]), kl, float.MaxValue);
        Assert.Equal((labels + Loss(null, Paths[2])) / 2, Loss(null, Paths[0], Paths[2]), 1e-5f);
    }

    // Dropout has numbers of its own for each of many paths.
    [Fact]
    public void No_two_paths_of_a_step_drop_the_same()
    {
        using var files = new TemporaryDataSet(3, 4);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec with { Dropout = 0.5f });
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        const int paths = 6;
        var losses = new List<double>();
        for (int count = 1; count <= paths; count++)
        {
            float loss = 0;
            var trainer = new Trainer(
                session, network, ImageFolder.Open(files.Root), Options with { Distillation = null, LearningRate = 1e-30f },
                _ => [.. Enumerable.Repeat(Paths[0], count)], new DamageReport(m => Assert.Fail(m)));
            trainer.RunEpoch(step => loss = step.Loss, CancellationToken.None);
            // The last path's.
            losses.Add(count * (double)loss - losses.Sum());
        }
        Assert.Equal(paths, losses.Select(loss => Math.Round(loss, 4)).Distinct().Count());
    }
}
