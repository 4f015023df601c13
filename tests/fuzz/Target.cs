namespace Spos.Fuzz;

/// <summary>A reader that is given damaged files.</summary>
/// <param name="Name">What it reads.</param>
/// <param name="Seeds">Whole files to damage.</param>
/// <param name="Read">Reads a file; throws a <see cref="SposException"/> or FormatException for one that it refuses.</param>
/// <param name="IsText">Whether it is text, in which numbers are found and replaced.</param>
/// <param name="Mend">Makes a damaged file's checksums fit again, so that what lies behind them is reached;
/// null where there are none.</param>
/// <param name="BytesPerByte">How much it may allocate for each byte of the file, beyond what every reader may.</param>
internal sealed record Target(
    string Name, byte[][] Seeds, Action<DamagedFile> Read, bool IsText = false, Func<byte[], byte[]>? Mend = null,
    long BytesPerByte = 1000);

/// <summary>A damaged file: its bytes, and where they lie on a disk of memory.</summary>
internal sealed record DamagedFile(byte[] Bytes, string Folder)
{
    /// <summary>Writes the bytes to a file of this name and returns its path.</summary>
    public string Save(string name)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, Bytes);
        return path;
    }
}
