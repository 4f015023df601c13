using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>Changes the number of threads, so it runs alone.</summary>
[CollectionDefinition(nameof(WholeMachine), DisableParallelization = true)]
public sealed class WholeMachine;

[Collection(nameof(WholeMachine))]
public sealed class TrainingTests
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [16, 32, 48, 64],
        LastChannels = 32,
    };

    private static readonly TrainingOptions Options = new() { Epochs = 2, BatchSize = 8, LearningRate = 0.05f, WarmupSteps = 2, Seed = 3 };

    [Fact]
    public void The_same_seed_gives_the_same_bits_on_one_and_two_threads()
    {
        using var files = new TemporaryDataSet(3, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        int before = Device.Host.Threads;
        try
        {
            Device.Host.Threads = 1;
            float[] one = Train(data, Options with { Workers = 1 });
            Device.Host.Threads = 2;
            float[] two = Train(data, Options with { Workers = 3 });
            Assert.Equal(one, two);
            Assert.NotEqual(one, Train(data, Options with { Seed = 4 }));
        }
        finally
        {
            Device.Host.Threads = before;
        }
    }

    [Fact]
    public void Training_that_stops_and_goes_on_gives_the_same_bits()
    {
        using var files = new TemporaryDataSet(3, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        float[] whole = Train(data, Options);
        string path = Path.Combine(files.Root, "stopped.spos");
        using (var session = new Session(Device.Host))
        using (var network = new ShuffleNetV2OneShot(session, Spec))
        {
            Trainer trainer = NewTrainer(session, network, data, Options);
            using var cancel = new CancellationTokenSource();
            trainer.RunEpoch(
                step =>
                {
                    if (step.Step == 4) cancel.Cancel();
                },
                cancel.Token);
            Assert.Equal(4, trainer.StepsDone);
            Checkpoint.Save(path, session, network, trainer.StepsDone, new Dictionary<string, string>());
        }
        using (var session = new Session(Device.Host))
        using (var network = new ShuffleNetV2OneShot(session, Spec))
        {
            Trainer trainer = NewTrainer(session, network, data, Options);
            trainer.StepsDone = Checkpoint.Load(path, session, network).StepsDone;
            while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
            Assert.Equal(whole, Weights(session, network));
        }
    }

    [Fact]
    public void Only_the_path_moves()
    {
        using var files = new TemporaryDataSet(3, 8);
        ImageFolder data = ImageFolder.Open(files.Root);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        Architecture path = Architecture.Parse("0 1 2 3 0");
        Dictionary<string, float[]> before = network.Parameters.ToDictionary(p => p.Name, p => p.Value.Download(session.Stream));
        var trainer = new Trainer(session, network, data, Options with { Epochs = 1 }, _ => [path], new DamageReport(m => Assert.Fail(m)));
        trainer.RunEpoch(_ => { }, CancellationToken.None);
        HashSet<string> trained = [.. network.GroupsOf(path).SelectMany(g => g.Parameters).Select(p => p.Name)];
        Assert.All(
            network.Parameters,
            p => Assert.Equal(trained.Contains(p.Name), !before[p.Name].SequenceEqual(p.Value.Download(session.Stream))));
        HashSet<string> normed = [.. network.BatchNormsOf(path).Select(b => b.Name)];
        Assert.All(network.BatchNorms, b => Assert.Equal(normed.Contains(b.Name), b.RunningMean.Download(session.Stream).Any(v => v != 0)));
    }

    [Fact]
    public void Shuffles_start_alike_when_aligned()
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec with { BlockSet = BlockSet.ShuffleV2Plus });
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Aligned);
        using var images = session.Rent(new Engine.Tensors.Shape(4, 32, 32, 3));
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        float[] Logits(string path)
        {
            using var logits = network.Forward(Pass.Recalibration(session), images, Architecture.Parse(path));
            return logits.Download(session.Stream);
        }
        float[] small = Logits("0 0 0 0 0");
        float[] mixed = Logits("1 2 0 1 2");
        Assert.All(small.Zip(mixed), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.NotEqual(small, Logits("3 0 0 0 0"));
        float[] plus = Logits("4 4 4 4 4");
        Assert.All(plus.Zip(Logits("5 6 4 5 6")), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.NotEqual(plus, Logits("7 4 4 4 4"));
        Assert.NotEqual(plus, small);
    }

    [Fact]
    public void Recalibration_takes_the_mean_of_the_batches()
    {
        using var files = new TemporaryDataSet(2, 8);
        ImageFolder data = ImageFolder.Open(files.Root);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec with { Classes = 2 });
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        Architecture path = Architecture.Parse("0 1 2 3 0");
        var loader = new LoaderOptions { ImageSize = 32, BatchSize = 4 };
        using var source = new BatchSource(Device.Host, data, loader, new DamageReport(m => Assert.Fail(m)), 4, 1 << 30);
        float[] Mean(IEnumerable<Batch> batches)
        {
            Evaluator.Recalibrate(session, network, path, batches);
            return network.BatchNormsOf(path).First().RunningMean.Download(session.Stream);
        }
        float[][] single = [.. Enumerable.Range(0, 4).Select(i => Mean(source.Skip(i).Take(1)))];
        float[] all = Mean(source);
        for (int c = 0; c < all.Length; c++) Assert.Equal(single.Average(s => s[c]), all[c], 1e-5f);
        Accuracy first = Evaluator.Measure(session, network, path, source);
        Assert.Equal(first, Evaluator.Measure(session, network, path, source));
        Assert.Equal(16, first.Images);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 30)]
    public void A_measurement_that_is_stopped_leaves_the_session_as_it_was(long keep)
    {
        using var files = new TemporaryDataSet(3, 8);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        Architecture path = Architecture.Parse("0 1 2 3 0");
        var options = new LoaderOptions { ImageSize = 32, BatchSize = 4 };
        var damage = new DamageReport(m => Assert.Fail(m));
        using var source = new BatchSource(Device.Host, ImageFolder.Open(files.Root), options, damage, 6, keep);
        using var cancel = new CancellationTokenSource();
        int batches = 0;
        IEnumerable<Batch> Cancelling()
        {
            foreach (Batch batch in source.Until(cancel.Token))
            {
                if (++batches == 2) cancel.Cancel();
                yield return batch;
            }
        }
        Assert.Throws<OperationCanceledException>(() => Evaluator.Measure(session, network, path, Cancelling()));
        Assert.Equal(2, batches);
        Assert.Throws<OperationCanceledException>(() => Evaluator.Recalibrate(session, network, path, source.Until(cancel.Token)));
        Assert.Equal(0.1f, session.BatchNormMomentum);
        Assert.Equal(24, Evaluator.Measure(session, network, path, source).Images);
    }

    [Fact]
    public void The_average_follows_the_weights_and_the_statistics()
    {
        using var files = new TemporaryDataSet(3, 16);
        using var session = new Session(Device.Host);
        Architecture path = Architecture.Parse("0 1 2 3 0");
        using var network = new ShuffleNetV2OneShot(session, Spec with { Affine = true }, path);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        var trainer = new Trainer(
            session, network, ImageFolder.Open(files.Root), Options with { Mixup = 0.2f, TotalIters = 5 }, _ => [path],
            new DamageReport(m => Assert.Fail(m)));
        using var average = new WeightAverage(session, network, 0.4f);
        average.Begin(session);
        double[] want = [.. All(network).Select(v => (double)v)];
        Assert.Equal(All(network), All(average.Network));
        while (trainer.StepsDone < trainer.Steps)
        {
            trainer.RunEpoch(
                step =>
                {
                    average.Follow(session, step.Step);
                    double decay = Math.Min(0.4f, (1.0 + step.Step) / (10.0 + step.Step));
                    float[] now = All(network);
                    for (int i = 0; i < want.Length; i++) want[i] = decay * want[i] + (1 - decay) * now[i];
                },
                CancellationToken.None);
        }
        Assert.Equal(5, trainer.StepsDone);
        float[] got = All(average.Network);
        for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], got[i], 1e-5 * Math.Max(1, Math.Abs(want[i])));
        Assert.NotEqual(All(network), got);

        string file = Path.Combine(files.Root, "averaged.spos");
        Checkpoint.Save(file, session, network, 5, new Dictionary<string, string>(), average.Network);
        using var loaded = new ShuffleNetV2OneShot(session, network.Spec, path);
        using var loadedAverage = new ShuffleNetV2OneShot(session, network.Spec, path);
        Checkpoint.Load(file, session, loaded, loadedAverage);
        Assert.Equal(All(network), All(loaded));
        Assert.Equal(got, All(loadedAverage));
        Assert.True(Checkpoint.LoadAverage(file, session, loaded).IsAveraged);
        Assert.Equal(got, All(loaded));
        Checkpoint.Save(file, session, network, 5, new Dictionary<string, string>());
        Assert.Contains(
            "--ema-decay", Assert.Throws<CheckpointException>(() => Checkpoint.LoadAverage(file, session, loaded)).Message,
            StringComparison.Ordinal);

        float[] All(ShuffleNetV2OneShot n) =>
        [
            .. n.Parameters.SelectMany(p => p.Value.Download(session.Stream)),
            .. n.BatchNorms.SelectMany(b => b.RunningMean.Download(session.Stream).Concat(b.RunningVariance.Download(session.Stream))),
        ];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_that_diverges_stops_before_the_step(bool gradients)
    {
        using var files = new TemporaryDataSet(3, 24);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Trainer trainer = NewTrainer(session, network, ImageFolder.Open(files.Root), Options);
        float[] before = [];
        DivergenceException error = Assert.Throws<DivergenceException>(() => trainer.RunEpoch(
            step =>
            {
                if (step.Step != 3) return;
                if (gradients)
                {
                    // A sum that the next backward adds to, although its loss is finite.
                    network.FirstGroup.Gradients.Fill(session.Stream, float.PositiveInfinity);
                    foreach (Parameter parameter in network.FirstGroup.Parameters) parameter.HasGradient = true;
                }
                else
                {
                    network.Classifier.Value.Fill(session.Stream, float.MaxValue);
                }
                before = Moving(session, network);
            },
            CancellationToken.None));
        Assert.Equal(4, error.Step);
        Assert.Equal(3, trainer.StepsDone);
        string what = gradients ? "gradients are no longer finite" : "loss is no longer a finite";
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.Contains($"at step 4 of {trainer.Steps}", error.Message, StringComparison.Ordinal);
        Assert.Contains("--learning-rate", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Moving(session, network));
        Assert.All(network.Parameters, p => Assert.False(p.HasGradient));
        // At the first step the weights are to blame that it began with.
        Trainer anew = NewTrainer(session, network, ImageFolder.Open(files.Root), Options);
        network.Classifier.Value.Fill(session.Stream, float.NaN);
        error = Assert.Throws<DivergenceException>(() => anew.RunEpoch(_ => { }, CancellationToken.None));
        Assert.Contains("at step 1 of ", error.Message, StringComparison.Ordinal);
        Assert.Contains("another --init", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--learning-rate", error.Message, StringComparison.Ordinal);
        network.Classifier.Value.Fill(session.Stream, 0);
        trainer.RequireFiniteWeights(null);
        network.Classifier.Value.Fill(session.Stream, float.NaN);
        error = Assert.Throws<DivergenceException>(() => trainer.RequireFiniteWeights(null));
        Assert.Contains(network.Classifier.Name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_saved_of_which_an_average_or_a_statistic_is_no_finite_number()
    {
        using var files = new TemporaryDataSet(3, 24);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec with { Affine = true }, Architecture.Parse("0 1 2 3 0"));
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using var average = new WeightAverage(session, network, 0.9f);
        var trainer = new Trainer(
            session, network, ImageFolder.Open(files.Root), Options, _ => [network.Path!], new DamageReport(m => Assert.Fail(m)));
        average.Begin(session);
        trainer.RequireFiniteWeights(average.Network);
        BatchNormLayer last = average.Network.BatchNorms.Last();
        foreach ((string name, Tensor tensor) in new[]
        {
            ($"{network.Classifier.Name}.average", average.Network.Classifier.Value),
            ($"{last.Name}.running_mean.average", last.RunningMean), ($"{last.Name}.running_var.average", last.RunningVariance),
            ($"{last.Name}.running_var", network.BatchNorms.Last().RunningVariance),
        })
        {
            foreach (float value in new[] { float.NaN, float.NegativeInfinity })
            {
                tensor.Fill(session.Stream, value);
                var error = Assert.Throws<DivergenceException>(() => trainer.RequireFiniteWeights(average.Network));
                Assert.StartsWith($"{name} has values that are no longer finite numbers", error.Message, StringComparison.Ordinal);
                tensor.Fill(session.Stream, 1);
            }
        }
        trainer.RequireFiniteWeights(average.Network);
    }

    // What the optimizer moves.
    private static float[] Moving(Session session, ShuffleNetV2OneShot network) =>
        [.. network.Parameters.SelectMany(p => p.Value.Download(session.Stream).Concat(p.Momentum.Download(session.Stream)))];

    private static Trainer NewTrainer(Session session, ShuffleNetV2OneShot network, ImageFolder data, TrainingOptions options)
    {
        Initialisation.Initialise(network, session.Stream, options.Seed, InitialisationScheme.Aligned);
        var sampler = new PathSampler(NetworkFlops.Of(Spec));
        return new Trainer(
            session, network, data, options, step => sampler.Disjoint(new CounterRandom(options.Seed, RandomPurpose.Paths, (ulong)step), 3),
            new DamageReport(m => Assert.Fail(m)));
    }

    private static float[] Train(ImageFolder data, TrainingOptions options)
    {
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Trainer trainer = NewTrainer(session, network, data, options);
        while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
        return Weights(session, network);
    }

    private static float[] Weights(Session session, ShuffleNetV2OneShot network) =>
    [
        .. network.Parameters.SelectMany(p => p.Value.Download(session.Stream).Concat(p.Momentum.Download(session.Stream))),
        .. network.BatchNorms.SelectMany(b => b.RunningVariance.Download(session.Stream)),
    ];
}
