using System.Globalization;
using System.Text;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>Tells what a file is that is given for a checkpoint and is none: the end of a sentence that begins with its name.</summary>
internal static class ForeignFile
{
    /// <summary>How many of a file's first bytes are looked at: tar's mark is at 257.</summary>
    public const int HeadLength = 512;

    private const int MostPickleBytes = 16 << 20, MostText = 40, MostNames = 5;

    private static readonly string[] WebPages = ["<!doctype", "<html", "<?xml"];

    // What a file begins with, and what it then is.
    private static readonly (byte[] Start, string Is)[] Kinds =
    [
        ("SPOSCKPT"u8.ToArray(), "is a checkpoint of this program already: name it as --checkpoint of the other commands"),
        ([0x1f, 0x8b], "is compressed by gzip: unpack it with gunzip, or tar xzf, first"),
        ([0xfd, .. "7zXZ\0"u8], "is compressed by xz: unpack it with unxz, or tar xJf, first"),
        ("BZh"u8.ToArray(), "is compressed by bzip2: unpack it with bunzip2, or tar xjf, first"),
        ([0x28, 0xb5, 0x2f, 0xfd], "is compressed by zstd: unpack it with unzstd first"),
        ([.. "7z"u8, 0xbc, 0xaf, 0x27, 0x1c], "is a 7z archive: unpack it first"),
        ("Rar!"u8.ToArray(), "is a RAR archive: unpack it first"),
        ("PK\u0005\u0006"u8.ToArray(), "is an empty zip archive"),
        ([0x93, .. "NUMPY"u8], "is an array of NumPy's (npy), not a checkpoint of PyTorch's"),
        ([0x89, .. "HDF"u8], "is an HDF5 file, as Keras writes them, not a checkpoint of PyTorch's"),
        ([0xff, 0xd8, 0xff], "is a JPEG picture"),
        ([0x89, .. "PNG"u8], "is a PNG picture"),
        ([0x7f, .. "ELF"u8], "is a program or library"),
        ("%PDF"u8.ToArray(), "is a PDF document"),
    ];

    /// <summary>What a file is by its first bytes, and what to do.</summary>
    public static string Describe(ReadOnlySpan<byte> head, FileStream file)
    {
        if (head.IsEmpty) return "is empty: copy or download it again.";
        foreach ((byte[] start, string what) in Kinds)
        {
            if (head.StartsWith(start)) return $"{what}.";
        }
        if (head.Length > 262 && head[257..262].SequenceEqual("ustar"u8))
        {
            return "is a tar archive (many checkpoints are named .pth.tar without being one): unpack it with tar xf first.";
        }
        if (head.StartsWith("version https://git-lfs.github.com/spec/"u8))
        {
            return $"is a pointer of git-lfs to a file{SizeIn(head)}, not that file: fetch it with git lfs pull.";
        }
        if (head is [0x08, > 0 and < 32, 0x12 or 0x1a or 0x22 or 0x32 or 0x3a or 0x42, ..])
        {
            return "looks like an ONNX model: weights are read from PyTorch's files (pth, safetensors).";
        }
        if (!head.ContainsAnyExcept((byte)0))
        {
            return $"begins with {head.Length} zeros, as a download does that was broken off: download it again.";
        }
        string text = Encoding.UTF8.GetString(head).TrimStart('\ufeff').TrimStart();
        if (WebPages.Any(start => text.StartsWith(start, StringComparison.OrdinalIgnoreCase)))
        {
            return "is a web page, as a download gives that needs a log-in or a confirmation: download the file itself.";
        }
        if (PickleIn(file) is { } pickled) return $"is a pickle of {pickled}, but not a file that torch.save wrote; nothing in it was run.";
        if (text.Length > 0 && !text.Take(MostText).Any(c => (char.IsControl(c) && !char.IsWhiteSpace(c)) || c == '\ufffd'))
        {
            string line = text.Split('\n')[0].TrimEnd();
            return $"is a text that begins with '{line[..Math.Min(MostText, line.Length)]}', not a checkpoint of PyTorch's.";
        }
        string first = Convert.ToHexString(head[..Math.Min(8, head.Length)]);
        return $"is no checkpoint of PyTorch's: it begins with neither a zip archive's nor torch.save's earlier mark, but with {first} (hexadecimal).";
    }

    /// <summary>What a zip archive is that is not one of torch.save's.</summary>
    public static string DescribeArchive(string[] names)
    {
        if (names.Any(n => n.EndsWith("/constants.pkl", StringComparison.Ordinal) || n.Contains("/code/", StringComparison.Ordinal)))
        {
            return "is a TorchScript program (torch.jit.save): load it with torch.jit.load, and save its state_dict() with torch.save.";
        }
        if (names.Length > 0 && names.All(n => n.EndsWith(".npy", StringComparison.Ordinal)))
        {
            return "is an archive of NumPy's arrays (npz), not a checkpoint of PyTorch's.";
        }
        string? inside = names.FirstOrDefault(n => Path.GetExtension(n) is ".pth" or ".pt" or ".tar" or ".ckpt" or ".safetensors" or ".bin");
        if (inside != null) return $"is a zip archive that holds {inside}: unpack it first.";
        if (names.Length == 0) return "is an empty zip archive.";
        string more = names.Length > MostNames ? ", …" : "";
        return $"is a zip archive, but not one that torch.save wrote: it holds {string.Join(", ", names.Take(MostNames))}{more}.";
    }

    private static string SizeIn(ReadOnlySpan<byte> head)
    {
        string? line = Encoding.ASCII.GetString(head).Split('\n').FirstOrDefault(l => l.StartsWith("size ", StringComparison.Ordinal));
        bool told = long.TryParse(line.AsSpan(line == null ? 0 : 5), NumberStyles.None, CultureInfo.InvariantCulture, out long size);
        return told ? $" of {size} bytes" : "";
    }

    // What a plain pickle holds; null if it is none.
    private static string? PickleIn(FileStream file)
    {
        if (file.Length > MostPickleBytes) return null;
        byte[] data = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(data);
        try
        {
            int position = 0;
            object? value = Unpickler.Load(data, ref position, new PickleObjects());
            bool holds = value is PickleDictionary or PickleOpaque or PickleTuple or PickleSet or List<object?>;
            return holds ? Unpickler.Describe(value) : null;
        }
        catch (PickleException)
        {
            return null;
        }
    }
}
