using Spos.Engine.Files;
using Spos.Engine.Logs;

namespace Spos.Engine.Tests.Files;

/// <summary>What cannot be written is named, and leaves nothing.</summary>
public sealed class WriteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_failed_write_names_the_file_and_leaves_what_was_there()
    {
        string path = At("file");
        AtomicFile.WriteText(path, "before");
        WriteException error = Assert.Throws<WriteException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new IOException($"No space left on device : '{_folder}/.file.1-1.tmp'");
        }));
        Assert.Equal($"{path} could not be written: No space left on device.", error.Message);
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Single(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Files_that_belong_together_are_all_written_or_none()
    {
        (string first, string second) = (At("first"), Path.Combine(_folder, "new", "second"));
        AtomicFile.WriteText(first, "before");
        WriteException error = Assert.Throws<WriteException>(() => AtomicFile.WriteTogether(
            (first, stream => stream.Write("after"u8)), (second, _ => throw new IOException("No space left on device"))));
        Assert.Equal(second, error.Path);
        Assert.Equal("before", File.ReadAllText(first));
        Assert.Equal([first], Directory.GetFileSystemEntries(_folder));
        AtomicFile.WriteTogether((first, stream => stream.Write("one"u8)), (second, stream => stream.Write("two"u8)));
        Assert.Equal(("one", "two"), (File.ReadAllText(first), File.ReadAllText(second)));
    }

    [Fact]
    public void A_fault_in_what_is_written_is_not_taken_for_the_disk_s()
    {
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(At("file"), _ => throw new InvalidOperationException()));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Every_writer_names_what_it_was_to_write()
    {
        string file = At("file"), below = Path.Combine(file, "below");
        File.WriteAllText(file, "");
        Assert.Equal(below, Assert.Throws<WriteException>(() => JsonFile.Write(below, 1)).Path);
        Assert.Equal(below, Assert.Throws<WriteException>(() => JsonFile.Append(below, 1)).Path);
        Assert.Equal(below, Assert.Throws<WriteException>(() => AtomicFolder.Write(below, _ => { })).Path);
        string events = Assert.Throws<WriteException>(() => new EventWriter(below, 0)).Path;
        Assert.StartsWith(Path.Combine(below, "events.out.tfevents."), events, StringComparison.Ordinal);
        Assert.Equal(file, Assert.Throws<WriteException>(() => AtomicFolder.Write(file, _ => { })).Path);
        Assert.Single(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_folder_is_whole_or_not_there()
    {
        string target = At("folder");
        Assert.Throws<WriteException>(() => AtomicFolder.Write(target, folder =>
        {
            File.WriteAllText(Path.Combine(folder, "half"), "");
            throw new IOException("No space left on device");
        }));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        AtomicFolder.Write(target, folder => File.WriteAllText(Path.Combine(folder, "whole"), ""));
        Assert.Equal([Path.Combine(target, "whole")], Directory.GetFileSystemEntries(target));
        Assert.Equal([target], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void What_is_unfinished_can_be_removed_from_outside()
    {
        Assert.Throws<WriteException>(() => AtomicFile.Write(At("file"), stream =>
        {
            Assert.Single(Directory.GetFileSystemEntries(_folder));
            UnfinishedWork.Remove();
            Assert.Empty(Directory.GetFileSystemEntries(_folder));
        }));
    }

    [Fact]
    public void Numbers_that_json_does_not_have_are_null()
    {
        JsonFile.Append(At("lines"), new Dictionary<string, object> { ["a"] = double.NaN, ["b"] = double.PositiveInfinity, ["c"] = 0.1 });
        Assert.Equal("{\"a\":null,\"b\":null,\"c\":0.1}\n", File.ReadAllText(At("lines")));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
