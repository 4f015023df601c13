using Spos.Engine.Data;
using Spos.Runs.Proposals;

namespace Spos.Runs.Tests;

/// <summary>Options that are proposed for a data set.</summary>
public sealed class ProposalTests
{
    private static readonly DataFacts Photos = new([60, 50, 50], 40, 333, 500);

    [Theory]
    [InlineData(28, new[] { 32 })]
    [InlineData(5, new[] { 32 })]
    [InlineData(63, new[] { 32 })]
    [InlineData(64, new[] { 64 })]
    [InlineData(150, new[] { 64, 96, 128 })]
    [InlineData(3000, new[] { 64, 96, 128, 160, 192, 224 })]
    public void Pictures_are_not_enlarged_beyond_what_the_network_needs(int side, int[] sizes) =>
        Assert.Equal(sizes, Proposal.ImageSizes(Photos with { ShortSide = side }));

    [Fact]
    public void Small_sets_are_seen_more_often_in_smaller_batches()
    {
        Proposal photos = Proposal.Of(Photos, 96), more = Proposal.Of(new DataFacts([.. Enumerable.Repeat(800, 9), 804], 1996, 64, 64), 64);
        Assert.Equal((120, 240, 32), (photos.Epochs, photos.ScratchEpochs, photos.BatchSize));
        Assert.Equal((0.05f, 0.2f), (photos.LearningRate, photos.HeldOut));
        Assert.Equal((160, 128), photos.Pictures);
        // 4 steps an epoch.
        Assert.Equal(48, photos.WarmupSteps);
        Assert.Equal((128, 1), (photos.CalibrationBatch, photos.CalibrationBatches));
        Assert.Equal(110, photos.CacheSize);
        // The recipe of docs/imagenet.md.
        Assert.Equal((20, 40, 64, 0.1f, 0.1f), (more.Epochs, more.ScratchEpochs, more.BatchSize, more.LearningRate, more.HeldOut));
        Assert.Equal((4, 100), (more.PathsPerStep, more.WarmupSteps));
        Assert.Equal((50, 10, 8), (more.Population, more.Generations, more.CalibrationBatches));
        Assert.Null(more.CacheSize);
    }

    [Fact]
    public void Large_sets_have_the_official_options()
    {
        Proposal imagenet = Proposal.Of(new DataFacts([.. Enumerable.Repeat(1281, 1000)], 50_000, 375, 500), 224);
        Assert.True(imagenet.Network.IsOfficialSize);
        Assert.Equal((120, 240, 768), (imagenet.Epochs, imagenet.ScratchEpochs, imagenet.BatchSize));
        Assert.Equal((0.5f, 1), (imagenet.LearningRate, imagenet.PathsPerStep));
        Assert.Equal((1024, 0.5f), (imagenet.ScratchBatchSize, imagenet.ScratchLearningRate));
        Proposal halved = imagenet with { BatchSize = 384 };
        Assert.Equal((0.25f, 384, 0.1875f), (halved.LearningRate, halved.ScratchBatchSize, halved.ScratchLearningRate));
        Assert.Equal((50, 20, 200), (imagenet.Population, imagenet.Generations, imagenet.CalibrationBatches));
    }

    // As many as the split makes, class by class: a batch of more could not be filled.
    [Fact]
    public void What_is_held_out_of_each_class_is_not_trained_on()
    {
        Proposal few = Proposal.Of(Photos with { ClassSizes = [13, 13, 13] }, 64);
        Assert.Equal((39, 30), few.Pictures);
        Assert.Equal((8, 30), (few.BatchSize, few.CalibrationBatch));
        Assert.Equal((11, 8), Proposal.Of(Photos with { ClassSizes = [7, 2, 2] }, 64).Pictures);
    }

    [Fact]
    public void Damaged_pictures_of_train_and_of_val_are_counted_and_left_out()
    {
        string folder = Directory.CreateTempSubdirectory("spos-new-").FullName;
        foreach (string split in new[] { "train", "val" })
        {
            foreach (string path in Directory.GetFiles(Path.Combine(TinyRuns.Data.Folder, split), "*", SearchOption.AllDirectories))
            {
                string copy = Path.Combine(folder, Path.GetRelativePath(TinyRuns.Data.Folder, path));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(path, copy);
            }
        }
        DataFacts whole = Facts();
        foreach ((string split, int count) in new[] { ("train", 1), ("val", 2) })
        {
            string[] files = Directory.GetFiles(Path.Combine(folder, split), "*", SearchOption.AllDirectories);
            Array.Sort(files, StringComparer.Ordinal);
            foreach (string file in files.Take(count)) File.WriteAllText(file, "no picture");
        }
        DataFacts damaged = Facts();
        Directory.Delete(folder, recursive: true);
        Assert.Equal((0, whole.Train - 1, whole.Val - 2, 3), (whole.Damaged, damaged.Train, damaged.Val, damaged.Damaged));

        DataFacts Facts() =>
            DataFacts.Of(ImageFolder.Open(Path.Combine(folder, "train")), ImageFolder.Open(Path.Combine(folder, "val")), workers: 2);
    }

    [Fact]
    public void Too_few_pictures_are_refused() => Assert.Throws<DataException>(() => Proposal.Of(Photos with { ClassSizes = [5, 4] }, 64));

    // Seconds by hand: of 1 s a path, half of that an inference, and a tenth a picture that is loaded.
    [Fact]
    public void Times_are_those_of_all_pictures_that_go_through_the_network()
    {
        Proposal options = Proposal.Of(Photos with { ShortSide = 64 }, 64);
        PhaseTimes times = PhaseTimes.Of(options, Photos with { ShortSide = 64 }, new PictureSeconds(1, 0.5, 0.1));
        Assert.Equal(120 * 128 * 4.1 + 32 * (0.75 * 128 + 0.5 * 40), times.Supernet.TotalSeconds, 1e-6);
        Assert.Equal(24 * 5 * (0.75 * 128 + 0.5 * 32), times.Search.TotalSeconds, 1e-6);
        Assert.Equal(240 * 160 * 1.1 + 20 * 40 * 0.6, times.Scratch.TotalSeconds, 1e-6);
        Assert.Equal(times.Supernet + times.Search + times.Scratch, times.Total);
    }

    [Fact]
    public void The_largest_pictures_that_fit_are_chosen()
    {
        (Proposal options, PhaseTimes times) = ProposalChoice.Of(Photos, TimeSpan.FromMinutes(10), Measured(0.001));
        Assert.Equal(128, options.Network.ImageSize);
        Assert.InRange(times.Total, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10));
        Assert.Equal(224, ProposalChoice.Of(Photos, TimeSpan.FromDays(1), Measured(0.001)).Options.Network.ImageSize);
        Assert.Equal(224, ProposalChoice.Of(Photos, null, Measured(10)).Options.Network.ImageSize);
    }

    [Theory]
    [InlineData(0.5, 60)]
    [InlineData(0.01, 30)]
    public void Where_nothing_fits_there_are_fewer_epochs_but_not_too_few(double share, int epochs)
    {
        DataFacts data = Photos with { ShortSide = 64 };
        TimeSpan all = ProposalChoice.Of(data, TimeSpan.FromDays(1), Measured(0.01)).Times.Total;
        (Proposal options, PhaseTimes times) = ProposalChoice.Of(data, share * all, Measured(0.01));
        Assert.Equal((64, epochs), (options.Network.ImageSize, options.Epochs));
        Assert.True(times.Total < all);
    }

    [Fact]
    public void Batches_are_halved_until_they_have_room()
    {
        PictureSeconds? OfRoom(Proposal options, int room) =>
            options.BatchSize * options.Network.ImageSize <= room ? new PictureSeconds(1e-6, 1e-6, 1e-6) : null;
        Proposal halved = ProposalChoice.Of(Photos, TimeSpan.FromHours(1), options => OfRoom(options, 16 * 96)).Options;
        // Pictures of 192 pixels have room in batches of 8, and larger ones have none.
        Assert.Equal((192, 8, 0.0125f), (halved.Network.ImageSize, halved.BatchSize, halved.LearningRate));
        Assert.Throws<DataException>(() => ProposalChoice.Of(Photos, TimeSpan.FromHours(1), options => OfRoom(options, 8 * 63)));
        Assert.Throws<DataException>(() => ProposalChoice.Of(Photos, null, _ => null));
    }

    [Theory]
    [InlineData(20, "less than a minute")]
    [InlineData(61, "about 1 min")]
    [InlineData(5400, "about 1.5 h")]
    [InlineData(500_000, "about 5.8 days")]
    public void Times_are_told_as_exactly_as_they_are_known(double seconds, string words) =>
        Assert.Equal(words, PhaseTimes.Words(TimeSpan.FromSeconds(seconds)));

    // Costs go by the pixels; a picture of 64×64 costs so many seconds in training.
    private static Func<Proposal, PictureSeconds?> Measured(double seconds) => options =>
    {
        double cost = seconds * Math.Pow(options.Network.ImageSize / 64.0, 2);
        return new PictureSeconds(cost, cost / 4, cost / 10);
    };
}
