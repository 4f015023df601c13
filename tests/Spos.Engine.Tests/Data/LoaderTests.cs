using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Training;

namespace Spos.Engine.Tests.Data;

public sealed class LoaderTests
{
    private static readonly LoaderOptions Options = new()
    {
        ImageSize = 32,
        BatchSize = 5,
        Seed = 4,
        Shuffle = true,
        Augmentation = new Augmentation(),
    };

    [Fact]
    public void Any_number_of_workers_makes_the_same_batches()
    {
        using var files = new TemporaryDataSet(3, 9);
        ImageFolder data = ImageFolder.Open(files.Root);
        List<float[]> one = Load(data, Options with { Workers = 1 });
        Assert.Equal(6, one.Count);
        Assert.Equal(one, Load(data, Options with { Workers = 2 }));
        Assert.Equal(one, Load(data, Options with { Workers = 5 }));
        Assert.NotEqual(one[0], Load(data, Options with { Seed = 5 })[0]);
        Assert.NotEqual(one[0], Load(data, Options, epoch: 1)[0]);
    }

    [Fact]
    public void Starting_at_a_later_batch_goes_on_with_the_same_batches()
    {
        using var files = new TemporaryDataSet(2, 8);
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal(Load(data, Options)[2..], Load(data, Options, firstBatch: 2));
    }

    [Fact]
    public void A_damaged_picture_is_reported_once_and_another_of_its_class_stands_in()
    {
        using var files = new TemporaryDataSet(2, 4);
        files.Add("class0/003.jpg", "damaged"u8.ToArray());
        ImageFolder data = ImageFolder.Open(files.Root);
        var messages = new List<string>();
        var damage = new DamageReport(messages.Add);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            List<float[]> batches = Load(data, Options, epoch, damage: damage);
            Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], Labels(batches).Order());
        }
        Assert.Contains("003.jpg", Assert.Single(messages), StringComparison.Ordinal);
        Assert.Equal(1, damage.Files);
    }

    [Fact]
    public void A_measurement_leaves_damaged_pictures_out_whatever_the_workers()
    {
        using var files = new TemporaryDataSet(3, 4);
        foreach (string name in new[] { "class0/001.jpg", "class1/000.jpg", "class1/001.jpg", "class1/002.jpg" })
        {
            files.Add(name, "damaged"u8.ToArray());
        }
        ImageFolder data = ImageFolder.Open(files.Root);
        LoaderOptions options = new() { ImageSize = 32, BatchSize = 3, LeaveOutDamaged = true, Workers = 1 };
        List<float[]> batches = Load(data, options, damage: new DamageReport(_ => { }));
        // Of the second batch there is 003 of class 0 alone, of the third nothing but class 1's last.
        Assert.Equal([2, 1, 2, 3], batches.Select(b => b.Length / ValuesPerPicture));
        Assert.Equal([0, 0, 0, 1, 2, 2, 2, 2], Labels(batches));
        Assert.Equal(batches, Load(data, options with { Workers = 3 }, damage: new DamageReport(_ => { })));
        files.Add("class1/003.jpg", []);
        files.Add("class2/000.jpg", []);
        options = options with { BatchSize = 2 };
        batches = Load(data, options, damage: new DamageReport(_ => { }));
        Assert.Equal([1, 2, 1, 2], batches.Select(b => b.Length / ValuesPerPicture));
        using var source = new BatchSource(Device.Host, data, options, new DamageReport(_ => { }), int.MaxValue, 0);
        Assert.Equal((6, 6), (source.Pictures, source.LeftOut));
    }

    [Fact]
    public void A_class_of_nothing_but_damage_is_an_error_that_names_it()
    {
        using var files = new TemporaryDataSet(2, 4);
        foreach (string name in new[] { "a b/1.jpg", "a b/2.jpg" }) files.Add(name, "damaged"u8.ToArray());
        ImageFolder data = ImageFolder.Open(files.Root);
        DataException error = Assert.Throws<DataException>(() => Load(data, Options, damage: new DamageReport(_ => { })));
        Assert.Contains("'a b' has no picture that can be decoded (of 2)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_measurement_of_nothing_but_damage_is_an_error()
    {
        using var files = new TemporaryDataSet(0, 0);
        files.Add("a/1.jpg", "damaged"u8.ToArray());
        LoaderOptions options = new() { ImageSize = 32, BatchSize = 3, LeaveOutDamaged = true };
        DataException error = Assert.Throws<DataException>(
            () => Load(ImageFolder.Open(files.Root), options, damage: new DamageReport(_ => { })));
        Assert.Contains($"{files.Root}: none of its 1 picture", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void What_a_worker_fails_of_is_thrown_as_it_was_after_the_batches_before(int workers)
    {
        using var files = new TemporaryDataSet(1, 12);
        files.Add("class0/007.jpg", "damaged"u8.ToArray());
        var bug = new InvalidOperationException("a bug");
        using var loader = new BatchLoader(
            Device.Host, ImageFolder.Open(files.Root), new LoaderOptions { ImageSize = 32, BatchSize = 2, Workers = workers },
            new DamageReport(_ => Fail(bug)));
        int batches = 0;
        Exception thrown = Assert.ThrowsAny<Exception>(() =>
        {
            foreach (Batch batch in loader)
            {
                batch.Dispose();
                batches++;
            }
        });
        Assert.Same(bug, thrown);
        Assert.Contains(nameof(Fail), thrown.StackTrace!, StringComparison.Ordinal);
        Assert.Equal(3, batches);
    }

    [Fact]
    public async Task Waiting_for_a_batch_can_be_cancelled()
    {
        using var files = new TemporaryDataSet(1, 2);
        files.Add("class0/000.jpg", "damaged"u8.ToArray());
        using var stuck = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        using var loader = new BatchLoader(
            Device.Host, ImageFolder.Open(files.Root), Options, new DamageReport(_ => stuck.Wait()), cancel: cancel.Token);
        Task waiting = Task.Run(() => loader.First());
        await Task.Delay(100);
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(60)));
        stuck.Set();
    }

    [Fact]
    public void Warnings_are_counted_and_not_all_told()
    {
        var messages = new List<string>();
        var damage = new DamageReport(messages.Add);
        for (int i = 0; i < 100; i++) damage.Warn(FilePath.Of($"{i / 2}.jpg"), $"{i / 2}.jpg: its end is missing.");
        Assert.Equal((50, 0, 20), (damage.Warnings, damage.Files, messages.Count));
        Assert.Equal("0, and 50 that could be decoded", $"{damage}");
    }

    [Fact]
    public void The_held_out_part_is_disjoint_and_of_every_class()
    {
        using var files = new TemporaryDataSet(3, 10, 16);
        ImageFolder data = ImageFolder.Open(files.Root);
        (ImageFolder train, ImageFolder held) = HeldOutSplit.Divide(data, 0.2f);
        Assert.Equal(24, train.Samples.Length);
        Assert.Equal([2, 2, 2], held.Samples.CountBy(s => s.Label).OrderBy(g => g.Key).Select(g => g.Value));
        Assert.Empty(train.Samples.Intersect(held.Samples));
    }

    private const int ValuesPerPicture = 32 * 32 * 3 + 1;

    private static void Fail(Exception bug) => throw bug;

    private static IEnumerable<float> Labels(List<float[]> batches) => batches.SelectMany(b => b[^(b.Length / ValuesPerPicture)..]);

    /// <summary>Of each batch the pictures, then the labels.</summary>
    [Theory]
    [InlineData(16, 8)]
    [InlineData(800, 1)]
    [InlineData(800, 8)]
    public void No_more_memory_is_taken_than_was_said_before(int width, int batch)
    {
        using var files = new TemporaryDataSet(2, 4, width);
        ImageFolder data = ImageFolder.Open(files.Root);
        LoaderOptions options = Options with { BatchSize = batch, Workers = 1, Augmentation = null };
        using var stream = new DeviceStream(Device.Host);
        using var pool = new BufferPool(Device.Host, stream);
        long said = new LoaderMemory(pool, data, options, CancellationToken.None).Bytes(batch);
        using var loader = new BatchLoader(Device.Host, data, options, new DamageReport(m => Assert.Fail(m)), 0, 0);
        foreach (Batch made in loader) made.Dispose();
        Assert.InRange(loader.PeakDeviceBytes, 1, said);
    }

    internal static List<float[]> Load(
        ImageFolder data, LoaderOptions options, int epoch = 0, int firstBatch = 0, DamageReport? damage = null)
    {
        using var loader = new BatchLoader(Device.Host, data, options, damage ?? new DamageReport(m => Assert.Fail(m)), epoch, firstBatch);
        using var stream = new DeviceStream(Device.Host);
        var batches = new List<float[]>();
        foreach (Batch batch in loader)
        {
            batch.ReadOn(stream);
            int[] labels = new int[batch.Count];
            batch.Labels.Download(stream, labels);
            batches.Add([.. batch.Images.Download(stream), .. labels.Select(l => (float)l)]);
            batch.Dispose();
        }
        return batches;
    }
}
