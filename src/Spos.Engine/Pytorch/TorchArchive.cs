using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The zip archive of PyTorch 1.6 and later: NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder in newer ones. torch.save
/// stores members as they are; an archive that was packed again may have them deflated, and may have lost the folder.
/// </summary>
internal sealed class TorchArchive : TensorSource
{
    private const int MostPickleBytes = 256 << 20;
    private const string Pickle = "data.pkl";

    // Weights deflate by a tenth; only what is all zeros by far more.
    private const long MostInflation = 100, SmallInflation = 1 << 20;

    private readonly ZipArchive _archive;
    private readonly string _prefix;

    public TorchArchive(string path, FileStream file)
        : base(file)
    {
        try
        {
            _archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            _ = _archive.Entries.Count;
        }
        catch (InvalidDataException)
        {
            throw new FormatException("it is a zip archive whose list of members, which stands at the end, is missing or wrong");
        }
        ZipArchiveEntry? pickle = _archive.Entries.Where(e => e.Name == Pickle).MinBy(e => e.FullName.Length);
        string[] names = [.. _archive.Entries.Select(e => e.FullName)];
        _prefix = pickle?.FullName[..^Pickle.Length] ?? "";
        if (pickle == null || names.Contains($"{_prefix}constants.pkl")
            || names.Any(n => n.StartsWith($"{_prefix}code/", StringComparison.Ordinal)))
        {
            throw new TorchCheckpointException($"{path} {ForeignFile.DescribeArchive(names)}");
        }
        var objects = new TorchObjects();
        int position = 0;
        CheckInflation([pickle]);
        Root = Unpickler.Load(Contents(pickle, MostPickleBytes), ref position, objects);
        if (_archive.GetEntry($"{_prefix}byteorder") is { } order)
        {
            BigEndian = Encoding.ASCII.GetString(Contents(order, 16)).Trim() == "big";
        }
        CheckInflation(objects.All.Values.Select(EntryOf).OfType<ZipArchiveEntry>());
        Metadata = ExportRecord.MetadataIn(Root);
    }

    public override byte[] Read(TorchStorage storage)
    {
        ZipArchiveEntry entry = EntryOf(storage) ?? throw new FormatException($"the archive lacks storage {storage.Key}");
        if (entry.Length < storage.Length) throw new FormatException($"{entry.FullName} has {entry.Length} bytes, not {storage.Length}");
        return Contents(entry, Array.MaxLength);
    }

    public override void Dispose()
    {
        _archive.Dispose();
        base.Dispose();
    }

    private ZipArchiveEntry? EntryOf(TorchStorage storage) => _archive.GetEntry($"{_prefix}data/{storage.Key}");

    private static byte[] Contents(ZipArchiveEntry entry, int most)
    {
        if (entry.IsEncrypted) throw new FormatException($"{entry.FullName} is encrypted");
        if (entry.Length > most) throw new FormatException($"{entry.FullName} is too large");
        using Stream stream = entry.Open();
        byte[] contents = entry.Length == entry.CompressedLength ? Stored(stream, entry) : Inflated(stream, entry);
        // torch.save writes 0 where it is told not to compute checksums.
        if (entry.Crc32 != 0 && Crc32.HashToUInt32(contents) != entry.Crc32)
        {
            throw new FormatException($"the checksum of {entry.FullName} is wrong");
        }
        return contents;
    }

    private static byte[] Stored(Stream stream, ZipArchiveEntry entry)
    {
        byte[] contents = new byte[entry.Length];
        stream.ReadExactly(contents);
        return contents;
    }

    // Takes memory as it comes, since the length that an archive tells may be anything.
    private static byte[] Inflated(Stream stream, ZipArchiveEntry entry)
    {
        using var contents = new MemoryStream();
        byte[] piece = new byte[Math.Min(entry.Length + 1, 1 << 16)];
        for (int read; (read = stream.Read(piece)) > 0; contents.Write(piece, 0, read))
        {
            if (contents.Length + read > entry.Length) break;
        }
        if (contents.Length != entry.Length) throw new FormatException($"{entry.FullName} does not inflate to {entry.Length} bytes");
        return contents.ToArray();
    }

    // So a small file cannot ask for much memory.
    private void CheckInflation(IEnumerable<ZipArchiveEntry> entries)
    {
        Int128 inflated = 0;
        foreach (ZipArchiveEntry entry in entries.Where(e => e.Length != e.CompressedLength)) inflated += entry.Length;
        if (inflated > SmallInflation + MostInflation * File.Length)
        {
            throw new FormatException($"its members inflate to more than {MostInflation} times the file");
        }
    }
}
