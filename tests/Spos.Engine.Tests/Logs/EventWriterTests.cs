using Spos.Engine.Logs;

namespace Spos.Engine.Tests.Logs;

public sealed class EventWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    [Fact]
    public void Scalars_are_read_back()
    {
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1e3;
        string path;
        using (var writer = new EventWriter(_folder, 0))
        {
            path = writer.Path;
            writer.Scalars(1, ("loss/train", 2.5), ("acc1/train", 0.125));
            writer.Scalars(1L << 40, ("größe", -1e-3));
            // What is written is there at once.
            Assert.Equal(3, EventFile.Read(path).Count);
        }
        List<Event> events = EventFile.Read(path);
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal([("loss/train", 2.5f), ("acc1/train", 0.125f)], events[1].Scalars);
        Assert.Equal([("größe", -1e-3f)], events[2].Scalars);
        Assert.Equal([0, 1, 1L << 40], events.Select(e => e.Step));
        Assert.All(events, e => Assert.InRange(e.WallTime, before, before + 3600));
        Assert.StartsWith("events.out.tfevents.", Path.GetFileName(path), StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_page_HPARAMS_compares_is_read_back()
    {
        string path;
        using (var writer = new EventWriter(_folder, 0))
        {
            path = writer.Path;
            writer.SessionBegins(new Dictionary<string, string>
            {
                ["learning-rate"] = "0.5",
                ["seed"] = "42",
                ["spos-preprocessing"] = "False",
                ["uniform"] = "True",
                ["lr-decay"] = "cosine",
                ["architecture"] = "0 1 2 3",
                ["größe"] = "NaN",
            });
            writer.SessionEnds(120);
        }
        HyperparameterReader read = HyperparameterReader.Of(EventFile.Read(path));
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["learning-rate"] = 0.5,
                ["seed"] = 42.0,
                ["spos-preprocessing"] = false,
                ["uniform"] = true,
                ["lr-decay"] = "cosine",
                ["architecture"] = "0 1 2 3",
                ["größe"] = "NaN",
            },
            read.Options!);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - read.StartTime!.Value, -1, 3600);
        Assert.Equal([(120, 1)], read.Ends);
    }

    [Fact]
    public void A_picture_is_read_back()
    {
        byte[] png = [0x89, (byte)'P', (byte)'N', (byte)'G', 0, 255];
        string path;
        using (var writer = new EventWriter(_folder, 0))
        {
            path = writer.Path;
            writer.Picture(7, "most wrong/1", 3, 2, png);
        }
        Event read = EventFile.Read(path)[1];
        Summarised picture = Assert.Single(read.Others);
        Assert.Equal((7, "most wrong/1"), (read.Step, picture.Tag));
        Assert.Equal((2, 3, 3), (picture.Image!.Value.Height, picture.Image.Value.Width, picture.Image.Value.Colours));
        Assert.Equal(png, picture.Image.Value.Encoded);
    }

    [Fact]
    public void A_resumed_run_tells_where_it_starts()
    {
        using var first = new EventWriter(_folder, 0);
        using var second = new EventWriter(_folder, 17);
        Assert.NotEqual(first.Path, second.Path);
        Event start = EventFile.Read(second.Path)[1];
        Assert.Equal((17, 1), (start.Step, start.SessionStatus));
    }

    [Fact]
    public void The_checksum_is_that_of_the_standard()
    {
        // RFC 3720, appendix B.4, and the usual check value.
        Assert.Equal(0xE3069283, EventFile.Crc32C("123456789"u8));
        Assert.Equal(0x8A9136AA, EventFile.Crc32C(new byte[32]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
