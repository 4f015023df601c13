using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Tests.Files;

namespace Spos.Engine.Tests.Data;

/// <summary>Folders as people have them.</summary>
public sealed class ImageFolderTests
{
    private const string OddFiles =
        "cd class0; mkfifo pipe.jpg; ln -s /dev/zero zero.jpg; ln -s nowhere.jpg gone.jpg; ln -s self.jpg self.jpg";

    [Fact]
    public void Folders_are_read_in_order_and_errors_name_them()
    {
        using var files = new TemporaryDataSet(0, 0);
        foreach (string name in new[] { "b/nested/deep/2.JPEG", "b/1.jpg", "a/x.JpG", "a/notes.txt" }) files.Add(name, [1]);
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal<string>(["a", "b"], data.Classes);
        Assert.Equal(["x.JpG", "1.jpg", "2.JPEG"], Names(data));
        Assert.Equal([0, 1, 1], data.Samples.Select(s => s.Label));
        Assert.Empty(data.Remarks);
        Directory.CreateDirectory(Path.Combine(files.Root, "empty"));
        Assert.Contains("empty: this class has no pictures", ErrorOf(files.Root), StringComparison.Ordinal);
        Assert.Contains("missing: no such folder", ErrorOf(Path.Combine(files.Root, "missing")), StringComparison.Ordinal);
        Assert.Contains("no class folders", ErrorOf(Path.Combine(files.Root, "empty")), StringComparison.Ordinal);
        Assert.Contains("no such folder", ErrorOf(files.Root + "\0"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_lies_in_a_folder_is_known_also_behind_links()
    {
        using TemporaryDataSet files = new(2, 1), elsewhere = new(0, 0);
        ImageFolder data = ImageFolder.Open(files.Root);
        string link = Path.Combine(elsewhere.Root, "link");
        Directory.CreateSymbolicLink(link, files.Root);
        string[] inside = [files.Root, Path.Combine(files.Root, "new/er"), Path.Combine(files.Root, "class0"), link, $"{link}/new/er"];
        string[] outside = [elsewhere.Root, Path.Combine(elsewhere.Root, "new"), $"{files.Root}-new", Path.GetDirectoryName(files.Root)!];
        Assert.All(inside, folder => Assert.True(data.Holds(folder), folder));
        Assert.All(outside, folder => Assert.False(data.Holds(folder), folder));
        Assert.True(ImageFolder.Open(link).Holds(Path.Combine(files.Root, "class0")));
    }

    [Fact]
    public void Pictures_are_what_torchvision_takes_and_more_and_others_are_told_of()
    {
        using var files = new TemporaryDataSet(0, 0);
        string[] pictures = ["a.jpg", "b.jpeg", "c.jpe", "d.JFIF", "e.png", "f.WebP", "g.bmp", "h.gif"];
        foreach (string name in (string[])[.. pictures, "i.heic", "j.TIFF", "k.txt", "jpg"]) files.Add($"c/{name}", [1]);
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal(pictures, Names(data));
        Assert.Equal(
            $"{files.Root}: passed over 2 pictures of formats that are not read (such as i.heic). "
            + "To use them, convert them to JPEG or PNG.",
            Assert.Single(data.Remarks));
        files.Add("heic only/1.heic", [1]);
        Assert.Contains("heic only: this class has no pictures", ErrorOf(files.Root), StringComparison.Ordinal);
        Assert.Contains("1 picture of a format that is not read (1.heic)", ErrorOf(files.Root), StringComparison.Ordinal);
    }

    [Fact]
    public void Hidden_files_and_companions_are_passed_over_and_counted()
    {
        using var files = new TemporaryDataSet(0, 0);
        string[] hidden =
        [
            "c/._a.jpg", "c/.DS_Store", "c/.ipynb_checkpoints/a-checkpoint.jpg", "c/Thumbs.db", "c/@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
            "__MACOSX/c/._a.jpg", ".ipynb_checkpoints/a.jpg", ".DS_Store",
        ];
        foreach (string name in hidden) files.Add(name, [1]);
        files.Add("c/a.jpg", [1]);
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal<string>(["c"], data.Classes);
        Assert.Equal(["a.jpg"], Names(data));
        Assert.Equal($"{files.Root}: passed over 8 hidden files or folders (such as .DS_Store).", Assert.Single(data.Remarks));
    }

    [Fact]
    public void Classes_and_pictures_are_in_the_order_of_code_points()
    {
        using var files = new TemporaryDataSet(0, 0);
        // By UTF-16 units the emoji (D83D DE00) would come before U+FF21.
        string[] ordered = ["A", "Z", "a", "é", "Ａ", "😀"];
        foreach (string name in ordered.Reverse()) files.Add($"{name}/{name}.jpg", [1]);
        Assert.Equal(ordered, ImageFolder.Open(files.Root).Classes);
        foreach (string name in ordered) files.Add($"A/{name}.jpg", [1]);
        Assert.Equal(ordered.Select(n => $"{n}.jpg"), Names(ImageFolder.Open(files.Root)).Take(ordered.Length));
    }

    [Fact]
    public void Names_that_are_not_UTF_8_are_read_and_written_so_that_they_can_be_shown()
    {
        using var files = new TemporaryDataSet(2, 2);
        Shell.Run(files.Root, "mv class1 \"$(printf 'caf\\351')\"; mv class0/000.jpg \"class0/$(printf '\\377\\033[31m.jpg')\"");
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal<string>([@"caf\xe9", "class0"], data.Classes);
        Assert.Equal(["000.jpg", "001.jpg", "001.jpg", @"\xff\x1b[31m.jpg"], Names(data));
        Assert.All(data.Samples, s => Assert.NotEmpty(RegularFile.Read(s.Path, 1 << 20)));
        Assert.Equal(data.Identity.Digest, ImageFolder.Open(files.Root).Identity.Digest);
        // .NET cannot remove them.
        Shell.Run(files.Root, "rm -r class0 caf*");
    }

    [Fact]
    public void Only_regular_files_are_pictures()
    {
        using var files = new TemporaryDataSet(1, 1);
        Shell.Run(files.Root, $"{OddFiles}; mkfifo notes.txt; ln -s /dev/tty tty.png; ln -s 000.jpg link.jpg");
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal(["000.jpg", "gone.jpg", "link.jpg", "self.jpg"], Names(data));
        Assert.Equal($"{files.Root}: passed over 3 pipes, sockets or devices (such as pipe.jpg).", Assert.Single(data.Remarks));
    }

    [Theory]
    [InlineData("class0/000.jpg", null)]
    [InlineData("class0/pipe.jpg", "not a regular file")]
    [InlineData("class0/zero.jpg", "not a regular file")]
    [InlineData("class0", "not a regular file")]
    [InlineData("class0/gone.jpg", "No such file")]
    [InlineData("class0/self.jpg", "Too many levels")]
    [InlineData("class0/endless.jpg", "larger than")]
    public void What_is_opened_is_checked_again(string name, string? error)
    {
        using var files = new TemporaryDataSet(1, 1);
        Shell.Run(files.Root, $"{OddFiles}; truncate -s 1T endless.jpg");
        FilePath path = FilePath.Of(files.Root).Join(FilePath.Of(name));
        if (error == null)
        {
            Assert.Equal(File.ReadAllBytes(path.ToString()), RegularFile.Read(path, 1 << 20));
        }
        else
        {
            Assert.Contains(
                error, Assert.Throws<UnreadableFileException>(() => RegularFile.Read(path, 1 << 20)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Links_are_followed_and_circles_are_walked_once()
    {
        using var files = new TemporaryDataSet(2, 2);
        Shell.Run(
            files.Root,
            "ln -s class1 linked; ln -s . circle; cd class0; ln -s ../class1 others; ln -s others zothers; mkdir deep; cd deep; ln -s .. "
            + "up; ln -s ../.. top; ln -s / root");
        ImageFolder data = ImageFolder.Open(files.Root);
        Assert.Equal<string>(["class0", "class1", "linked"], data.Classes);
        Assert.Equal([4, 2, 2], data.Samples.CountBy(s => s.Label).Select(g => g.Value));
        Assert.Equal($"{files.Root}: passed over 5 links to folders that were read already (such as circle).", Assert.Single(data.Remarks));
    }

    private static IEnumerable<string> Names(ImageFolder data) => data.Samples.Select(s => s.Path.Name.ToString());

    private static string ErrorOf(string folder) => Assert.Throws<DataException>(() => ImageFolder.Open(folder)).Message;
}
