using System.Globalization;
using System.Text;
using Spos.Engine.Files;
using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>Tells what a file is that is given for a checkpoint and is none: the end of a sentence that begins with its name.</summary>
internal static class ForeignFile
{
    private const int MostPickleBytes = 16 << 20, MostText = 40, MostNames = 5;

    private const string WebPage = "is a web page, as a download gives that needs a log-in or a confirmation: download the file itself";

    // Where there is something to do, or a usual reason for such a file.
    private static readonly Dictionary<FileFormat, string> Kinds = new()
    {
        [FileFormat.Empty] = "is empty: copy or download it again",
        [FileFormat.SposCheckpoint] = "is a checkpoint of this program already: name it as --checkpoint of the other commands",
        [FileFormat.Gzip] = "is compressed by gzip: unpack it with gunzip, or tar xzf, first",
        [FileFormat.Xz] = "is compressed by xz: unpack it with unxz, or tar xJf, first",
        [FileFormat.Bzip2] = "is compressed by bzip2: unpack it with bunzip2, or tar xjf, first",
        [FileFormat.Zstd] = "is compressed by zstd: unpack it with unzstd first",
        [FileFormat.SevenZip] = "is a 7z archive: unpack it first",
        [FileFormat.Rar] = "is a RAR archive: unpack it first",
        [FileFormat.Tar] = "is a tar archive (many checkpoints are named .pth.tar without being one): unpack it with tar xf first",
        [FileFormat.Onnx] = "looks like an ONNX model: weights are read from PyTorch's files (pth, safetensors)",
        [FileFormat.Html] = WebPage,
        [FileFormat.Xml] = WebPage,
    };

    /// <summary>What a file is by its content, and what to do.</summary>
    public static string Describe(FileFormat format, ReadOnlySpan<byte> head, FileStream file)
    {
        if (Kinds.TryGetValue(format, out string? what)) return $"{what}.";
        if (format is FileFormat.Text or FileFormat.Unknown && PickleIn(file) is { } pickled)
        {
            return $"is a pickle of {pickled}, but not a file that torch.save wrote; nothing in it was run.";
        }
        return format switch
        {
            FileFormat.LfsPointer => $"is a pointer of git-lfs to a file{SizeIn(head)}, not that file: fetch it with git lfs pull.",
            FileFormat.Zeros => $"begins with {head.Length} zeros, as a download does that was broken off: download it again.",
            FileFormat.Text => $"is a text that begins with '{BeginningOf(head)}', not a checkpoint of PyTorch's.",
            FileFormat.Unknown => "is no checkpoint of PyTorch's: "
                + $"it begins with neither a zip archive's nor torch.save's earlier mark, but with {MarkIn(head)} (hexadecimal).",
            _ => $"is {FileContent.Describe(format)}, not a checkpoint of PyTorch's.",
        };
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
        string? inside = names.FirstOrDefault(
            n => Path.GetExtension(n) is ".pth" or ".pt" or ".tar" or ".ckpt" or ".safetensors" or ".bin");
        if (inside != null) return $"is a zip archive that holds {inside}: unpack it first.";
        if (names.Length == 0) return "is an empty zip archive.";
        return $"is a zip archive, but not one that torch.save wrote: it holds {Shown.Few(names, MostNames)}.";
    }

    private static string BeginningOf(ReadOnlySpan<byte> head) =>
        Shown.Excerpt(FileContent.TextOf(head).Split('\n')[0].TrimEnd(), MostText);

    private static string MarkIn(ReadOnlySpan<byte> head) => Convert.ToHexString(head[..Math.Min(8, head.Length)]);

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
