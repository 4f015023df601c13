using System.Security.Cryptography;
using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>Caches of decoded pictures: what is read from them, how they are made, and what is refused.</summary>
public sealed class PictureCacheTests : IDisposable
{
    private static readonly LoaderOptions Options = new() { ImageSize = 32, BatchSize = 5, Seed = 4, Workers = 2 };

    private static readonly LoaderOptions Training = Options with { Shuffle = true, Augmentation = new Augmentation { Erasing = 0.5f } };

    private readonly TemporaryDataSet _files = MixedPictures();
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public void Dispose()
    {
        _files.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void At_full_size_batches_are_those_of_the_files_bit_for_bit(int workers)
    {
        ImageFolder data = ImageFolder.Open(_files.Root), cached = Cached(data);
        SpoilFiles(data);
        // What is read first fails of the files: they are spoilt.
        Assert.Throws<DataException>(() => LoaderTests.Load(data, Training, damage: Silent));
        RestoreFiles();
        LoaderOptions[] ways = [Training, Options, Options with { Preprocessing = Preprocessing.Spos, LeaveOutDamaged = true }];
        List<float[]>[] expected = [.. ways.Select((way, i) => LoaderTests.Load(data, way, i, damage: Silent))];
        SpoilFiles(data);
        for (int i = 0; i < ways.Length; i++)
        {
            Assert.Equal(expected[i], LoaderTests.Load(cached, ways[i] with { Workers = workers }, i, damage: Silent));
        }
    }

    [Fact]
    public void Subsets_read_their_own_pictures()
    {
        ImageFolder data = ImageFolder.Open(_files.Root), cached = Cached(data);
        int[] some = [7, 3, 11, 0];
        List<float[]> expected = LoaderTests.Load(data.Subset(some), Options, damage: Silent);
        SpoilFiles(data);
        Assert.Equal(expected, LoaderTests.Load(cached.Subset(some), Options, damage: Silent));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damage_is_told_of_and_counted_as_without_a_cache(bool leaveOut)
    {
        ImageFolder data = ImageFolder.Open(_files.Root), cached = Cached(data);
        (string[] expected, string counted) = DamageOf(data);
        (string[] found, string again) = DamageOf(cached);
        Assert.Equal(3, expected.Length);
        Assert.Equal(expected, found);
        Assert.Equal(("2, and 1 that could be decoded", "2, and 1 that could be decoded"), (counted, again));

        (string[] Messages, string Counted) DamageOf(ImageFolder folder)
        {
            var messages = new List<string>();
            var damage = new DamageReport(messages.Add);
            for (int pass = 0; pass < 2; pass++)
            {
                LoaderTests.Load(folder, Options with { Workers = 1, LeaveOutDamaged = leaveOut }, pass, damage: damage);
            }
            return ([.. messages.Order(StringComparer.Ordinal)], $"{damage}");
        }
    }

    [Theory]
    [OnEachDevice]
    public void Shrunk_pictures_equal_the_definition_of_shrinking(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var decoder = new PictureDecoder(session);
        using var shrinking = new CacheDecoder(test.Device);
        (int Width, int Height, int Side, int NewWidth, int NewHeight)[] sizes =
        [
            (97, 61, 32, 50, 32), (61, 97, 32, 32, 50), (64, 64, 40, 40, 40), (40, 71, 64, 40, 71), (151, 33, 17, 77, 17),
            (50, 40, 40, 50, 40),
        ];
        foreach ((int width, int height, int side, int newWidth, int newHeight) in sizes)
        {
            byte[] file = JpegTests.Encode(width, height, SKJpegEncoderDownsample.Downsample420, 90);
            using CompressedPicture picture = CompressedPicture.Decode(file, "test");
            Assert.Equal((newWidth, newHeight), CacheDecoder.SizeOf(width, height, side));
            byte[] shrunk = new byte[newWidth * newHeight * 3];
            shrinking.Decode(shrunk, picture, side);
            ImageTransformRecord transform = Transforms.Resize(0, 0, width, height, side);
            (transform.ResizedWidth, transform.ResizedHeight) = (newWidth, newHeight);
            Assert.Equal(TransformTests.Resized(decoder.DecodeWhole(picture), width, transform), shrunk);
        }
    }

    [Fact]
    public void Shrunk_to_what_the_validation_shrinks_to_it_measures_the_same_pictures()
    {
        // 32 · 256 / 224.
        const int side = 37;
        ImageFolder data = ImageFolder.Open(_files.Root), cached = Cached(data, side);
        List<float[]> validation = LoaderTests.Load(data, Options, damage: Silent);
        List<float[]> training = LoaderTests.Load(data, Training, damage: Silent);
        SpoilFiles(data);
        Assert.Equal(validation, LoaderTests.Load(cached, Options, damage: Silent));
        Assert.NotEqual(training[0], LoaderTests.Load(cached, Training, damage: Silent)[0]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(30)]
    public void The_size_is_known_beforehand(int? side)
    {
        // Of a picture that is cut short the header is right, so that it counts.
        File.Delete(Path.Combine(_files.Root, "class0/cut.jpg"));
        ImageFolder data = ImageFolder.Open(_files.Root);
        CacheEstimate estimate = PictureCache.Open(_folder, "train", side, data).Estimate(data, 2);
        Assert.False(estimate.IsSample);
        PictureCache cache = Cached(data, side).Cache!;
        Assert.Equal(new FileInfo(cache.PixelsFile).Length, estimate.Bytes(side));
        Assert.Equal(estimate.Bytes(side), estimate.MostBytes(side));
        Assert.Equal(0, cache.Estimate(data, 2).Bytes(side));
    }

    [Fact]
    public void Many_pictures_are_reckoned_from_some()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        ImageFolder many = data.Subset(Enumerable.Range(0, 3000).Select(i => i % data.Samples.Length));
        PictureCache cache = PictureCache.Open(_folder, "train", null, data);
        CacheEstimate estimate = cache.Estimate(many, 2);
        Assert.True(estimate.IsSample);
        double all = cache.Estimate(data, 1).Bytes(null) / (double)data.Samples.Length * 3000;
        Assert.InRange(all, estimate.Bytes(null) * 0.9, estimate.MostBytes(null));
    }

    [Fact]
    public void What_is_written_does_not_depend_on_workers_nor_on_stops()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache one = Cached(data, workers: 1).Cache!, many = Cached(data, workers: 5, folder: "many").Cache!;
        AssertSame(one, many);

        // Stopped after each picture, with what a killed run leaves beyond what the index tells of.
        PictureCache stopped = Open(data, folder: "stopped");
        List<float[]> expected = LoaderTests.Load(data, Options, damage: Silent);
        for (int pictures = 0; !stopped.IsWhole; pictures++)
        {
            Assert.InRange(pictures, 0, data.Samples.Length - 1);
            using var cancel = new CancellationTokenSource();
            Assert.Equal(
                pictures + 1 == data.Samples.Length,
                stopped.Make(data, Device.Host, 2, done => cancel.Cancel(), cancel.Token));
            Assert.Equal(pictures + 1, stopped.Pictures);
            if (!stopped.IsWhole)
            {
                File.WriteAllText(Path.Combine(_folder, "stopped", $".train.index.{pictures}-1.tmp"), "torn");
                using FileStream pixels = File.OpenWrite(stopped.PixelsFile);
                pixels.Seek(0, SeekOrigin.End);
                pixels.Write("torn"u8);
            }
            // An unfinished cache is not read from.
            if (pictures == 3) Assert.Equal(expected, LoaderTests.Load(data.ReadFrom(stopped), Options, damage: Silent));
            stopped = Open(data, folder: "stopped");
            Assert.Equal(stopped.IsWhole ? 0 : "torn".Length, stopped.TornBytes);
        }
        AssertSame(one, stopped);
        Assert.Equal(2, Directory.GetFileSystemEntries(Path.Combine(_folder, "stopped")).Length);
    }

    [Fact]
    public void Of_two_that_make_it_one_is_told_to_wait()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache first = Open(data), second = Open(data), third = Open(data);
        string? said = null;
        first.Make(
            data, Device.Host, 1, _ => said ??= Assert.Throws<DataException>(() => Make(second, data)).Message, CancellationToken.None);
        Assert.Contains($"{first.PixelsFile} is being written by another program", said, StringComparison.Ordinal);
        Assert.True(first.IsWhole);
        // One that comes later finds it made.
        long written = new FileInfo(first.PixelsFile).LastWriteTimeUtc.Ticks;
        Assert.True(third.Make(data, Device.Host, 1, _ => Assert.Fail("made again"), CancellationToken.None));
        Assert.Equal(written, new FileInfo(first.PixelsFile).LastWriteTimeUtc.Ticks);
    }

    [Fact]
    public async Task Making_one_is_stopped_while_files_hang()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        using var stuck = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        int reads = 0, made = 0;
        byte[] Read(FilePath path)
        {
            if (Interlocked.Increment(ref reads) > 3) stuck.Wait();
            return PictureReader.FileOf(path);
        }

        Task making = Task.Run(() =>
        {
            using var maker = new CacheMaker(data, Device.Host, null, 2, Read);
            foreach (CacheMaker.Made picture in maker.From(0, cancel.Token)) made++;
        });
        // Both threads hang, and the pictures behind them wait.
        while (Volatile.Read(ref reads) < 5) await Task.Delay(1);
        Assert.False(making.IsCompleted);
        await cancel.CancelAsync();
        await making.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(made, 1, 3);
        // What hung ends without reading the others.
        stuck.Set();
        await Task.Delay(100);
        Assert.Equal(5, reads);
    }

    [Fact]
    public void One_that_was_removed_after_it_was_opened_is_made_from_the_start()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache whole = Cached(data).Cache!, stopped = Open(data, folder: "stopped");
        using var cancel = new CancellationTokenSource();
        Assert.False(stopped.Make(data, Device.Host, 2, _ => cancel.Cancel(), cancel.Token));
        stopped = Open(data, folder: "stopped");
        File.Delete(stopped.IndexFile);
        File.Delete(stopped.PixelsFile);
        Assert.True(Make(stopped, data));
        AssertSame(whole, stopped);
    }

    [Fact]
    public void What_a_killed_run_left_of_an_index_is_removed_and_nothing_else()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        string[] others = [".val.index.71-1.tmp", ".train.index.tmp", "train.index.71-1.tmp"];
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "cache")).FullName;
        foreach (string name in others.Append(".train.index.71-1.tmp")) File.WriteAllText(Path.Combine(folder, name), "half");
        Cached(data);
        Assert.Equal(
            others.Concat(["train.index", "train.pixels"]).Order(StringComparer.Ordinal),
            Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Another_data_set_or_size_is_refused_and_named()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache cache = Cached(data).Cache!;
        string size = ErrorOf(data, 30);
        Assert.Contains($"{cache.IndexFile} is of pictures at full size, not with a short side of 30", size, StringComparison.Ordinal);
        Assert.Contains("Leave out --cache-size, choose another folder by --cache", size, StringComparison.Ordinal);
        Cached(data, side: 40, folder: "shrunk");
        string full = Assert.Throws<DataException>(() => Open(data, folder: "shrunk")).Message;
        Assert.Contains("with a short side of 40, not at full size. Give --cache-size 40, ", full, StringComparison.Ordinal);
        _files.Add("class1/new.jpg", File.ReadAllBytes(Path.Combine(_files.Root, "class1/000.jpg")));
        string other = ErrorOf(ImageFolder.Open(_files.Root));
        Assert.Contains($"{cache.IndexFile} was made of other pictures", other, StringComparison.Ordinal);
        Assert.Contains("class 'class1' had 4 pictures and has 5", other, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_damage_of_the_index_is_refused()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache cache = Cached(data).Cache!;
        byte[] index = File.ReadAllBytes(cache.IndexFile);
        for (int i = 0; i < index.Length; i++)
        {
            index[i] ^= 1;
            File.WriteAllBytes(cache.IndexFile, index);
            index[i] ^= 1;
            Refused();
            if (i % 16 != 0) continue;
            File.WriteAllBytes(cache.IndexFile, index[..i]);
            Refused();
        }
        // So short that a length which fits is negative.
        File.WriteAllBytes(cache.IndexFile, [.. index[..8], .. BitConverter.GetBytes(-24L), .. new byte[8]]);
        Refused();
        File.WriteAllBytes(cache.IndexFile, index);
        Assert.True(Open(data).IsWhole);

        void Refused()
        {
            string message = ErrorOf(data);
            Assert.StartsWith(cache.IndexFile, message, StringComparison.Ordinal);
            Assert.Contains($"Remove {cache.IndexFile} and {cache.PixelsFile}", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_index_that_leads_out_of_the_pixels_is_refused()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache cache = Cached(data).Cache!;
        CacheIndex index = CacheIndex.Read(cache.IndexFile);
        Func<CachedPicture, CachedPicture>[] changes =
        [
            p => p with { Offset = -1 }, p => p with { Offset = p.Offset + 1 }, p => p with { Offset = long.MaxValue },
            p => p with { Width = -1 }, p => p with { Width = -p.Width, Height = -p.Height },
            p => p with { Width = int.MaxValue, Height = int.MaxValue },
            p => p with { Width = 1 << 20, Height = 1 << 20 }, p => p with { Height = p.Height + 1 }, p => p with { Width = 0 },
        ];
        int last = index.Pictures.Length - 1;
        foreach (Func<CachedPicture, CachedPicture> change in changes)
        {
            foreach (int at in new[] { 0, last })
            {
                CachedPicture[] pictures = [.. index.Pictures];
                pictures[at] = change(pictures[at]);
                (index with { Pictures = pictures }).Write(cache.IndexFile);
                Assert.Contains("Remove ", ErrorOf(data), StringComparison.Ordinal);
            }
        }
        CacheIndex[] others =
        [
            index with { Data = null! }, index with { Pictures = null! }, index with { Pictures = [.. index.Pictures, default] },
            index with { Data = index.Data with { Classes = null! } }, index with { Data = index.Data with { Classes = [null!] } },
            index with { Data = index.Data with { Classes = [] }, Pictures = [] },
            index with { Data = index.Data with { Classes = [.. index.Data.Classes, index.Data.Classes[0]] } },
            index with { Version = 2 },
        ];
        foreach (CacheIndex other in others)
        {
            other.Write(cache.IndexFile);
            Assert.Contains("Remove ", ErrorOf(data), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_index_of_nothing_is_refused()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        PictureCache cache = Cached(data).Cache!;
        // The magic, a length of one byte, MessagePack's nil, and their checksum.
        byte[] nothing = [.. "SPOSPICS"u8, 1, 0, 0, 0, 0, 0, 0, 0, 0xC0];
        File.WriteAllBytes(cache.IndexFile, [.. nothing, .. SHA256.HashData(nothing)]);
        Assert.Contains($"{cache.IndexFile} is damaged. Remove ", ErrorOf(data), StringComparison.Ordinal);
    }

    [Fact]
    public void Pixels_that_are_not_those_of_the_index_are_refused()
    {
        ImageFolder data = ImageFolder.Open(_files.Root), cached = Cached(data);
        PictureCache cache = cached.Cache!;
        byte[] pixels = File.ReadAllBytes(cache.PixelsFile);
        string whole = $"has {pixels.Length - 1} bytes, not {pixels.Length}";
        File.WriteAllBytes(cache.PixelsFile, pixels[..^1]);
        Assert.Contains($"{cache.PixelsFile} {whole}", ErrorOf(data), StringComparison.Ordinal);
        // Also while it is read from: it is neither the program's end nor a damaged picture.
        File.WriteAllBytes(cache.PixelsFile, pixels[..100]);
        Assert.Contains($"{cache.PixelsFile} is cut short", LoadErrorOf(cached), StringComparison.Ordinal);
        File.WriteAllBytes(cache.PixelsFile, [.. pixels, 0]);
        Assert.Contains($"{cache.PixelsFile} has {pixels.Length + 1} bytes", ErrorOf(data), StringComparison.Ordinal);
        pixels[^1] ^= 1;
        File.WriteAllBytes(cache.PixelsFile, pixels);
        Assert.Contains($"{cache.PixelsFile} is damaged: the pixels of picture", LoadErrorOf(cached), StringComparison.Ordinal);
        File.Delete(cache.PixelsFile);
        Assert.Contains($"is there, but not {cache.PixelsFile}", ErrorOf(data), StringComparison.Ordinal);
        Directory.CreateDirectory(cache.PixelsFile);
        Assert.Contains($"{cache.PixelsFile} is no regular file", ErrorOf(data), StringComparison.Ordinal);
        Directory.Delete(cache.PixelsFile);
        File.Delete(cache.IndexFile);
        File.WriteAllText(cache.PixelsFile, "somebody's");
        Assert.Contains($"is there, but not {cache.IndexFile}", ErrorOf(data), StringComparison.Ordinal);
        Assert.Equal("somebody's", File.ReadAllText(cache.PixelsFile));
    }

    [Fact]
    public void What_cannot_be_written_is_named()
    {
        ImageFolder data = ImageFolder.Open(_files.Root);
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        PictureCache cache = Open(data, folder: "file/below");
        Assert.Equal(cache.PixelsFile, Assert.Throws<WriteException>(() => Make(cache, data)).Path);
    }

    private static DamageReport Silent => new(_ => { });

    // Of many sizes, JPEGs and PNGs, two damaged pictures and one of which damage is painted over.
    private static TemporaryDataSet MixedPictures()
    {
        var files = new TemporaryDataSet(2, 4);
        for (int i = 0; i < 6; i++)
        {
            (int width, int height) = (40 + 17 * i, 100 - 11 * i);
            files.Add($"class2/{i}.jpg", JpegTests.Encode(width, height, (SKJpegEncoderDownsample)(i % 3), 80, (ulong)i));
            using SKBitmap bitmap = SKBitmap.Decode(JpegTests.Encode(height, width, SKJpegEncoderDownsample.Downsample444, 80, (ulong)i));
            using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            files.Add($"class3/{i}.png", png.ToArray());
        }
        byte[] jpeg = JpegTests.Encode(64, 48, SKJpegEncoderDownsample.Downsample420, 80);
        files.Add("class0/cut.jpg", jpeg[..(jpeg.Length / 2)]);
        files.Add("class2/damaged.png", "damaged"u8.ToArray());
        files.Add("class3/painted.jpg", Painted(jpeg));
        return files;
    }

    // A JPEG with a fault in its scan that is decoded with a warning.
    private static byte[] Painted(byte[] jpeg)
    {
        for (int at = 620; at < jpeg.Length - 2; at++)
        {
            byte[] changed = [.. jpeg];
            changed[at] ^= 0x55;
            try
            {
                using CompressedPicture picture = CompressedPicture.Decode(changed, "test");
                if (picture.Warning != null) return changed;
            }
            catch (DataException)
            {
                // Too damaged.
            }
        }
        throw new InvalidOperationException("no fault gives a warning");
    }

    // Makes files of pictures that could be decoded unreadable as such, of the same sizes.
    private static void SpoilFiles(ImageFolder data)
    {
        foreach (ImageFolder.Sample sample in data.Samples)
        {
            string path = sample.Path.ToString();
            if (!File.Exists($"{path}.kept")) File.Copy(path, $"{path}.kept");
            if (!path.EndsWith("cut.jpg", StringComparison.Ordinal)) File.WriteAllBytes(path, new byte[new FileInfo(path).Length]);
        }
    }

    private void RestoreFiles()
    {
        foreach (string kept in Directory.GetFiles(_files.Root, "*.kept", SearchOption.AllDirectories)) File.Copy(kept, kept[..^5], true);
    }

    private static void AssertSame(PictureCache one, PictureCache other)
    {
        Assert.Equal(File.ReadAllBytes(one.IndexFile), File.ReadAllBytes(other.IndexFile));
        Assert.Equal(File.ReadAllBytes(one.PixelsFile), File.ReadAllBytes(other.PixelsFile));
    }

    private static bool Make(PictureCache cache, ImageFolder data) => cache.Make(data, Device.Host, 2, _ => { }, CancellationToken.None);

    private PictureCache Open(ImageFolder data, int? side = null, string folder = "cache") =>
        PictureCache.Open(Path.Combine(_folder, folder), "train", side, data);

    private ImageFolder Cached(ImageFolder data, int? side = null, int workers = 2, string folder = "cache")
    {
        PictureCache cache = Open(data, side, folder);
        var reported = new List<long>();
        Assert.True(cache.Make(data, Device.Host, workers, reported.Add, CancellationToken.None));
        Assert.Equal(Enumerable.Range(1, data.Samples.Length).Select(i => (long)i), reported);
        return data.ReadFrom(Open(data, side, folder));
    }

    private string ErrorOf(ImageFolder data, int? side = null) => Assert.Throws<DataException>(() => Open(data, side)).Message;

    private static string LoadErrorOf(ImageFolder cached) =>
        Assert.Throws<DataException>(() => LoaderTests.Load(cached, Options, damage: Silent)).Message;
}
