using Spos.Engine.Files;

namespace Spos.Engine.Tests.Files;

public sealed class SmallFileTests : IDisposable
{
    private const int Most = 64;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-small-").FullName;

    private sealed record Contents(string Name, int[]? Numbers);

    [Theory]
    [InlineData("mkfifo file", "not a regular file")]
    [InlineData("ln -s /dev/zero file", "not a regular file")]
    [InlineData("mkdir file", "a folder")]
    [InlineData("truncate -s 1T file", "larger than 64")]
    [InlineData("true", "No such file or directory")]
    [InlineData("ln -s file file", "cannot be read")]
    public void What_may_hang_or_have_no_end_is_refused_at_once(string script, string says)
    {
        Shell.Run(_folder, script);
        string file = Path.Combine(_folder, "file");
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (Action read in new Action[] { () => SmallFile.ReadBytes(file, Most), () => SmallFile.ReadText(file, Most) })
        {
            Assert.Contains(says, Assert.Throws<FormatException>(read).Message, StringComparison.Ordinal);
        }
        string message = Assert.Throws<UnreadableFileException>(() => JsonFile.Read<Contents>(file, Most)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Links_to_files_and_marks_of_UTF_8_are_all_right()
    {
        File.WriteAllText(Path.Combine(_folder, "real"), "\ufeff{\"Name\": \"a\", \"Numbers\": [1]}");
        Shell.Run(_folder, "ln -s real file");
        string file = Path.Combine(_folder, "file");
        Assert.Equal("{\"Name\"", SmallFile.ReadText(file, Most)[..7]);
        Assert.Equal("a", JsonFile.Read<Contents>(file, Most).Name);
        JsonFile.Write(file, new Contents("b", null));
        Assert.Equal("b", JsonFile.Read<Contents>(file, Most).Name);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
