using Spos.Engine.Data;

namespace Spos.Engine.Tests.Data;

/// <summary>Folders of classes that are divided into train and val.</summary>
public sealed class SplitFolderTests
{
    [Fact]
    public void Of_each_class_a_fifth_goes_to_val_and_no_picture_is_lost_or_there_twice()
    {
        using var data = new TemporaryDataSet(2, 10);
        data.Add("class1/below/é 1.jpg", File.ReadAllBytes(Path.Combine(data.Root, "class1/000.jpg")));
        using var other = new TemporaryDataSet(0, 0);
        string first = Path.Combine(other.Root, "first"), second = Path.Combine(other.Root, "second");
        Assert.Equal(0, SplitFolder.Write(ImageFolder.Open(data.Root), first, Assert.Fail));
        SplitFolder.Write(ImageFolder.Open(data.Root), second, Assert.Fail);
        string[] train = Names(Path.Combine(first, "train")), val = Names(Path.Combine(first, "val"));
        Assert.Equal(Names(data.Root), train.Concat(val).Order(StringComparer.Ordinal));
        Assert.Equal([2, 2], new[] { "class0", "class1" }.Select(c => val.Count(name => name.StartsWith(c, StringComparison.Ordinal))));
        Assert.Equal(train, Names(Path.Combine(second, "train")));
        foreach ((string split, string name) in train.Select(name => ("train", name)).Concat(val.Select(name => ("val", name))))
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(data.Root, name)), File.ReadAllBytes(Path.Combine(first, split, name)));
        }
    }

    [Fact]
    public void Pictures_that_are_links_are_there_when_the_links_are_gone()
    {
        using var data = new TemporaryDataSet(2, 3);
        string picture = Path.Combine(data.Root, "class0/000.jpg"), kept = Path.Combine(data.Root, "kept.jpg");
        byte[] bytes = File.ReadAllBytes(picture);
        File.Move(picture, kept);
        File.CreateSymbolicLink(picture, "../kept.jpg");
        using var other = new TemporaryDataSet(0, 0);
        string target = Path.Combine(other.Root, "set");
        SplitFolder.Write(ImageFolder.Open(data.Root), target, Assert.Fail);
        File.Delete(kept);
        Assert.Equal(bytes, File.ReadAllBytes(Directory.GetFiles(target, "000.jpg", SearchOption.AllDirectories)
            .Single(path => path.Contains("class0", StringComparison.Ordinal))));
    }

    // /dev/shm is another file system than the temporary folder where both are there.
    [Fact]
    public void Pictures_of_another_file_system_are_copied()
    {
        using var data = new TemporaryDataSet(2, 3);
        string target = $"/dev/shm/spos-test-{Guid.NewGuid():N}";
        try
        {
            int copied = SplitFolder.Write(ImageFolder.Open(data.Root), target, Assert.Fail);
            Assert.True(copied == 6 || data.Root.StartsWith("/dev/shm", StringComparison.Ordinal), $"{copied} were copied.");
            Assert.Equal(6, Names(target).Length);
        }
        finally
        {
            if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        }
    }

    [Theory]
    [InlineData(1, "a class of one picture cannot be divided")]
    [InlineData(2, "a class of 2 pictures cannot be divided")]
    public void A_class_that_is_too_small_is_named_and_nothing_is_written(int pictures, string named)
    {
        using var data = new TemporaryDataSet(2, pictures);
        using var other = new TemporaryDataSet(0, 0);
        string target = Path.Combine(other.Root, "set");
        DataException refused = Assert.Throws<DataException>(() => SplitFolder.Write(ImageFolder.Open(data.Root), target, Assert.Fail));
        Assert.Contains($"class0: {named}", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(other.Root));
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_told_and_left_out()
    {
        using var data = new TemporaryDataSet(2, 5);
        using var other = new TemporaryDataSet(0, 0);
        string dangling = Path.Combine(data.Root, "class0", "gone.png"), target = Path.Combine(other.Root, "set");
        File.CreateSymbolicLink(dangling, "nowhere.png");
        var warnings = new List<string>();
        Assert.Equal(0, SplitFolder.Write(ImageFolder.Open(data.Root), target, warnings.Add));
        Assert.Contains(dangling, Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(10, Names(target).Length);
    }

    private static string[] Names(string folder) =>
    [
        .. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal),
    ];
}
