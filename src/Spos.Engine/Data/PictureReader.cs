using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>
/// Reads the pictures of a data set for one worker. Where one cannot be decoded, the next of its class that can be stands in, or
/// nothing does.
/// </summary>
internal sealed class PictureReader(ImageFolder data, bool leaveOutDamaged, DamageReport damage)
{
    private volatile bool _isReading;

    /// <summary>What decodes JPEGs on the device, as far as it can; null for none.</summary>
    public NvJpegDecoder? OnDevice { get; set; }

    /// <summary>Whether a file is being read, which may never end where a file system hangs.</summary>
    public bool IsReading => _isReading;

    /// <summary>The bytes of a picture's file.</summary>
    /// <exception cref="UnreadableFileException">It cannot be read, for a reason of its own.</exception>
    public static byte[] FileOf(FilePath path) => RegularFile.Read(path, ImageFolder.MostPictureBytes);

    /// <param name="viewOf">What will be read of it, or of what stands in; null for all.</param>
    /// <returns>Null if the picture is to be left out.</returns>
    /// <exception cref="DataException">No picture of its class can be decoded.</exception>
    public CompressedPicture? Read(int sample, ViewOf? viewOf = null)
    {
        if (TryRead(sample, viewOf) is { } own) return own;
        if (leaveOutDamaged) return null;
        int count = data.Samples.Length, label = data.Samples[sample].Label, tried = 1;
        for (int i = 1; i < count; i++)
        {
            int other = (sample + i) % count;
            if (data.Samples[other].Label != label) continue;
            if (TryRead(other, viewOf) is { } picture) return picture;
            tried++;
        }
        throw new DataException(
            $"{data.Root}: class '{data.Classes[label]}' has no picture that can be decoded (of {tried}). "
            + "Replace them, or remove the class from train and val.");
    }

    private CompressedPicture? TryRead(int sample, ViewOf? viewOf)
    {
        (FilePath path, _, int number) = data.Samples[sample];
        // What fails of the cache is no damage of a picture.
        if (ReadCached(number) is { } cached) return Told(cached, path);
        string? cause = damage.CauseOf(path);
        if (cause == null)
        {
            try
            {
                byte[] file = Bytes(path);
                CompressedPicture? decoded = OnDevice?.TryDecode(file);
                CompressedPicture picture = decoded ?? CompressedPicture.Decode(file, path.ToString(), viewOf);
                if (OnDevice != null && decoded == null && FileContent.Of(file) == FileFormat.Jpeg) damage.AddRefused(path);
                return Told(picture, path);
            }
            catch (SposException error) when (error is DataException or UnreadableFileException)
            {
                cause = error.Message;
            }
        }
        damage.Add(path, cause, leaveOutDamaged ? "It is left out." : "Another picture of its class stands in.");
        return null;
    }

    private CompressedPicture Told(CompressedPicture picture, FilePath path)
    {
        if (picture.Warning is { } warning) damage.Warn(path, $"{path}: damaged: {warning.TrimEnd('.')}.");
        return picture;
    }

    private CompressedPicture? ReadCached(int number) => data.Cache is { } cache ? Reading(() => cache.Read(number)) : null;

    private byte[] Bytes(FilePath path) => Reading(() => FileOf(path));

    private T Reading<T>(Func<T> read)
    {
        _isReading = true;
        try
        {
            return read();
        }
        finally
        {
            _isReading = false;
        }
    }
}
