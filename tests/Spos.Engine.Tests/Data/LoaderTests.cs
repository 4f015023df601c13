using Spos.Engine.Data;
using Spos.Engine.Devices;

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
    public void A_damaged_picture_is_reported_once_and_replaced()
    {
        using var files = new TemporaryDataSet(2, 4);
        files.Add("class0/002.jpg", "damaged"u8.ToArray());
        ImageFolder data = ImageFolder.Open(files.Root);
        var messages = new List<string>();
        var damage = new DamageReport(messages.Add);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            using var loader = new BatchLoader(Device.Host, data, Options, damage, epoch);
            int images = 0;
            foreach (Batch batch in loader)
            {
                images += batch.Count;
                batch.Dispose();
            }
            Assert.Equal(8, images);
        }
        Assert.Contains("002.jpg", Assert.Single(messages), StringComparison.Ordinal);
        Assert.Equal(1, damage.Files);
    }

    [Fact]
    public void A_data_set_of_nothing_but_damage_is_an_error()
    {
        using var files = new TemporaryDataSet(0, 0);
        files.Add("a/1.jpg", "damaged"u8.ToArray());
        using var loader = new BatchLoader(Device.Host, ImageFolder.Open(files.Root), Options, new DamageReport(_ => { }));
        Assert.Throws<DataException>(() => loader.Count());
    }

    [Fact]
    public void Folders_are_read_in_order_and_errors_name_them()
    {
        using var files = new TemporaryDataSet(0, 0);
        files.Add("b/nested/deep/2.JPEG", [1]);
        files.Add("b/1.jpg", [1]);
        files.Add("a/x.JpG", [1]);
        files.Add("a/notes.txt", [1]);
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal<string>(["a", "b"], data.Classes);
        Assert.Equal([("x.JpG", 0), ("1.jpg", 1), ("2.JPEG", 1)], data.Samples.Select(s => (s.Path.Name.ToString(), s.Label)));
        Directory.CreateDirectory(Path.Combine(files.Root, "empty"));
        Assert.Contains("empty", Assert.Throws<DataException>(() => ImageFolder.Open(files.Root)).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => ImageFolder.Open(Path.Combine(files.Root, "missing")));
        Assert.Throws<DataException>(() => ImageFolder.Open(Path.Combine(files.Root, "empty")));
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

    private static List<float[]> Load(ImageFolder data, LoaderOptions options, int epoch = 0, int firstBatch = 0)
    {
        using var loader = new BatchLoader(Device.Host, data, options, new DamageReport(m => Assert.Fail(m)), epoch, firstBatch);
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
