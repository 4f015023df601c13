using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Data;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>Training of batches that are divided into shards.</summary>
[Collection(nameof(WholeMachine))]
public sealed class ShardTests : IDisposable
{
    internal static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 2, 1, 1],
        StageChannels = [16, 32, 48, 64],
        LastChannels = 32,
        Dropout = 0.2f,
    };

    internal static readonly Architecture[] Paths = [Architecture.Parse("0 1 2 3 0"), Architecture.Parse("1 2 3 0 1")];

    internal static readonly TrainingOptions Options =
        new() { Epochs = 1, BatchSize = 12, Shards = 3, LearningRate = 0.05f, Seed = 3 };

    private readonly TemporaryDataSet _files = new(3, 16);
    private readonly Session _session = new(Device.Host);
    private readonly ImageFolder _data;

    public ShardTests() => _data = ImageFolder.Open(_files.Root);

    public void Dispose()
    {
        _session.Dispose();
        _files.Dispose();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(8, 3)]
    [InlineData(8, 8)]
    [InlineData(13, 5)]
    public void Ranges_of_workers_are_whole_nodes_of_the_tree_and_hold_each_shard_once(int shards, int workers)
    {
        var all = new ShardRange(0, shards);
        ShardRange[] own = [.. Enumerable.Range(0, workers).Select(worker => ShardRange.Of(shards, worker, workers))];
        Assert.Equal(shards, own.Sum(range => range.Count));
        Assert.True(own.Max(range => range.Count) - own.Min(range => range.Count) <= 1);
        var nodes = new HashSet<ShardRange>();
        void Walk(ShardRange node)
        {
            nodes.Add(node);
            if (node.IsLeaf) return;
            Assert.Equal((node.First, node.Left.End, node.End), (node.Left.First, node.Right.First, node.Right.End));
            Walk(node.Left);
            Walk(node.Right);
        }

        Walk(all);
        Assert.Equal(2 * shards - 1, nodes.Count);
        ShardRange[] parts = [.. own.SelectMany(range => all.Within(range))];
        Assert.All(parts, part => Assert.Contains(part, nodes));
        Assert.Equal(Enumerable.Range(0, shards), parts.SelectMany(part => Enumerable.Range(part.First, part.Count)));
    }

    // A step against what its definition says: each shard by itself from the same network, and then the mean.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_step_takes_the_mean_of_what_each_shard_leaves_by_itself(int paths)
    {
        using ShuffleNetV2OneShot network = New();
        Architecture[] chosen = Paths[..paths];
        float[] before = Values(network);
        List<float[]> gradients = [], statistics = [];
        double loss = 0;
        using (var loader = new BatchLoader(Device.Host, _data, Options.Loader(32), new DamageReport(m => Assert.Fail(m))))
        {
            var work = new ShardWork(_session, network, Options);
            foreach ((int shard, Batch batch) in loader.Take(3).Index())
            {
                using Batch own = batch;
                Assert.Equal(4, own.Count);
                float[] start = Statistics(network);
                loss += work.Run(own, 0, shard, chosen, null).Loss / 3.0;
                gradients.Add([.. Groups(network, chosen).SelectMany(group => group.Gradients.Download(_session.Stream))]);
                statistics.Add(Statistics(network));
                PutStatistics(network, start);
                foreach (ParameterGroup group in Groups(network, chosen)) group.ClearGradients();
            }
        }
        Assert.Equal(before, Values(network));
        StepReport? report = null;
        Trainer trainer = NewTrainer(network, Options with { TotalIters = 1, Momentum = 0, WeightDecay = 0 }, chosen);
        trainer.RunEpoch(step => report = step, CancellationToken.None);
        Assert.Equal(loss, report!.Value.Loss, 1e-6);
        // By the tree: the first two shards, then the third.
        float[] sum = Add(Add(gradients[0], gradients[1]), gradients[2]), mean = Add(Add(statistics[0], statistics[1]), statistics[2]);
        float[] got = Statistics(network);
        for (int i = 0; i < mean.Length; i++) Assert.Equal(mean[i] * (1f / 3), got[i]);
        using ShuffleNetV2OneShot fresh = New();
        float[] was = Values(fresh, chosen), now = Values(network, chosen);
        int at = 0;
        foreach (ParameterGroup group in Groups(network, chosen))
        {
            // What both paths use moves by the mean of both.
            int uses = chosen.Count(path => network.GroupsOf(path).Contains(group));
            for (int i = 0; i < group.Length; i++, at++)
            {
                float moved = 0.05f * (sum[at] * (1f / (3 * uses)));
                Assert.Equal(was[at] - moved, now[at], 1e-7f + Math.Abs(moved) * 1e-5f);
            }
        }
    }

    [Fact]
    public void The_number_of_shards_changes_the_bits_and_neither_threads_nor_workers_do()
    {
        float[] three = Train(Options);
        Assert.Equal(three, Train(Options with { Workers = 3 }));
        Assert.NotEqual(three, Train(Options with { Shards = 2 }));
        Assert.NotEqual(three, Train(Options with { Shards = 1 }));
        int before = Device.Host.Threads;
        try
        {
            Device.Host.Threads = 1;
            Assert.Equal(three, Train(Options));
        }
        finally
        {
            Device.Host.Threads = before;
        }
    }

    [Fact]
    public void Shards_have_dropout_of_their_own()
    {
        TrainingOptions options = Options with { Shards = 1 };
        using ShuffleNetV2OneShot network = New();
        var work = new ShardWork(_session, network, options);
        using var loader = new BatchLoader(Device.Host, _data, options.Loader(32), new DamageReport(m => Assert.Fail(m)));
        using Batch batch = loader.First();
        float[] losses = [.. new[] { 0, 1, 0 }.Select(shard => work.Run(batch, 0, shard, Paths[..1], null).Loss)];
        Assert.NotEqual(losses[0], losses[1]);
        Assert.Equal(losses[0], losses[2]);
    }

    [Fact]
    public void A_step_that_is_stopped_leaves_no_trace()
    {
        using ShuffleNetV2OneShot network = New(), other = New();
        using var cancel = new CancellationTokenSource();
        int asked = 0;
        // Whether the second step is done depends on whether its pictures are there.
        Trainer trainer = NewTrainer(network, Options, Paths, paths =>
        {
            if (++asked == 2) cancel.Cancel();
            return paths;
        });
        trainer.RunEpoch(_ => { }, cancel.Token);
        Assert.InRange(trainer.StepsDone, 1, 2);
        using var enough = new CancellationTokenSource();
        NewTrainer(other, Options, Paths).RunEpoch(
            step =>
            {
                if (step.Step == trainer.StepsDone) enough.Cancel();
            },
            enough.Token);
        Assert.Equal([.. Values(other), .. Statistics(other)], (float[])[.. Values(network), .. Statistics(network)]);
        Assert.Equal(other.BatchNorms.Select(layer => layer.BatchesTracked), network.BatchNorms.Select(layer => layer.BatchesTracked));
        Assert.All(network.Parameters, parameter => Assert.False(parameter.HasGradient));
    }

    [Fact]
    public void A_sum_that_is_stopped_between_shards_is_undone()
    {
        using ShuffleNetV2OneShot network = New();
        float[] before = Statistics(network);
        var sum = new ShardSum(_session, network, Paths, 4);
        Assert.Throws<OperationCanceledException>(() => sum.Of([new ShardRange(0, 4)], (shard, _) =>
        {
            foreach (BatchNormLayer layer in network.BatchNorms)
            {
                layer.RunningMean.Fill(_session.Stream, shard + 1);
                layer.BatchesTracked++;
            }
            foreach (Parameter parameter in network.Parameters) parameter.HasGradient = true;
            if (shard == 2) throw new OperationCanceledException();
        }));
        sum.Rewind();
        HashSet<string> own = [.. Paths.SelectMany(path => network.BatchNormsOf(path)).Select(layer => layer.Name)];
        Assert.All(
            network.BatchNorms.Where(layer => own.Contains(layer.Name)),
            layer => Assert.Equal((0, 0), (layer.BatchesTracked, layer.RunningMean.Download(_session.Stream).Sum())));
        Assert.All(network.GroupsOf(Paths[0]).SelectMany(g => g.Parameters), parameter => Assert.False(parameter.HasGradient));
        Assert.NotEqual(before, Statistics(network));
    }

    [Theory]
    [InlineData(12, 5, "--batch-size 12 cannot be divided into --shards 5 equal parts: take a multiple of 5, such as 10.")]
    [InlineData(12, 12, "batch norm needs at least 2 pictures of each shard")]
    [InlineData(3, 2, "such as 4.")]
    public void Batches_that_cannot_be_divided_are_refused(int batch, int shards, string message)
    {
        TrainingOptions options = Options with { BatchSize = batch, Shards = shards };
        Assert.Contains(message, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    [InlineData(3, 1)]
    [InlineData(4, 0)]
    public void Shares_of_a_pass_are_together_the_pass(int workers, int firstStep)
    {
        LoaderOptions whole = Options.Loader(32) with { BatchSize = 2, Share = new BatchShare(4, 0, 4), Workers = 2 };
        List<string> want = Read(whole), got = [];
        // 48 pictures are 6 whole rounds of 4 batches of 2.
        Assert.Equal(4 * (6 - firstStep), want.Count);
        List<string>[] shares =
        [
            .. Enumerable.Range(0, workers).Select(worker =>
            {
                ShardRange own = ShardRange.Of(4, worker, workers);
                return Read(whole with { Share = new BatchShare(4, own.First, own.Count) });
            }),
        ];
        for (int step = firstStep; step < 6; step++)
        {
            foreach (List<string> share in shares)
            {
                int count = share.Count / (6 - firstStep);
                got.AddRange(share.Skip((step - firstStep) * count).Take(count));
            }
        }
        Assert.Equal(want, got);

        List<string> Read(LoaderOptions options)
        {
            using var loader = new BatchLoader(
                Device.Host, _data, options, new DamageReport(m => Assert.Fail(m)), epoch: 1, firstBatch: firstStep * 4);
            var read = new List<string>();
            foreach (Batch batch in loader)
            {
                using Batch own = batch;
                own.ReadOn(_session.Stream);
                read.Add(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
                    System.Runtime.InteropServices.MemoryMarshal.AsBytes(own.Images.Download(_session.Stream).AsSpan()))));
            }
            return read;
        }
    }

    private ShuffleNetV2OneShot New()
    {
        var network = new ShuffleNetV2OneShot(_session, Spec);
        Initialisation.Initialise(network, _session.Stream, 1, InitialisationScheme.Official);
        return network;
    }

    private Trainer NewTrainer(
        ShuffleNetV2OneShot network, TrainingOptions options, Architecture[] paths, Func<Architecture[], Architecture[]>? asked = null) =>
        new(_session, network, _data, options, _ => asked == null ? paths : asked(paths), new DamageReport(m => Assert.Fail(m)));

    private float[] Train(TrainingOptions options)
    {
        using ShuffleNetV2OneShot network = New();
        Trainer trainer = NewTrainer(network, options, Paths);
        while (trainer.StepsDone < trainer.Steps) trainer.RunEpoch(_ => { }, CancellationToken.None);
        return [.. Values(network), .. Statistics(network)];
    }

    private static ParameterGroup[] Groups(ShuffleNetV2OneShot network, Architecture[] paths) =>
        [.. paths.SelectMany(network.GroupsOf).Distinct().Where(group => group.Length > 0)];

    private float[] Values(ShuffleNetV2OneShot network) => Values(_session, network);

    internal static float[] Values(Session session, ShuffleNetV2OneShot network) =>
        [.. network.Parameters.SelectMany(p => p.Value.Download(session.Stream))];

    private float[] Values(ShuffleNetV2OneShot network, Architecture[] paths) =>
        [.. Groups(network, paths).SelectMany(group => group.Values.Download(_session.Stream))];

    private float[] Statistics(ShuffleNetV2OneShot network) => Statistics(_session, network);

    internal static float[] Statistics(Session session, ShuffleNetV2OneShot network) =>
    [
        .. network.BatchNorms.SelectMany(
            layer => layer.RunningMean.Download(session.Stream).Concat(layer.RunningVariance.Download(session.Stream))),
    ];

    private void PutStatistics(ShuffleNetV2OneShot network, float[] values)
    {
        int at = 0;
        foreach (BatchNormLayer layer in network.BatchNorms)
        {
            layer.RunningMean.Upload(_session.Stream, values.AsSpan(at, layer.Channels));
            layer.RunningVariance.Upload(_session.Stream, values.AsSpan(at + layer.Channels, layer.Channels));
            at += 2 * layer.Channels;
        }
    }

    private static float[] Add(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
