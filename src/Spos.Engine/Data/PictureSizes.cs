using System.Runtime.ExceptionServices;
using Spos.Engine.Files;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>Widths and heights of pictures, from their headers where those tell.</summary>
public static class PictureSizes
{
    /// <summary>The sizes of some pictures of a data set, evenly spread, or of all where there are no more.</summary>
    /// <param name="first">Pictures before this one are left out.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="workers">Files that are read at once.</param>
    /// <returns>0×0 of a picture that cannot be decoded.</returns>
    public static (int Width, int Height)[] Of(ImageFolder data, int first, int most, int workers)
    {
        int pictures = data.Samples.Length - first, count = Math.Min(pictures, most);
        var sizes = new (int, int)[count];
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = workers }, i =>
                sizes[i] = Of(data.Samples[first + (int)((long)i * pictures / count)].Path));
        }
        catch (AggregateException error)
        {
            // The file system is gone, for one or for all.
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
        return sizes;
    }

    private static (int Width, int Height) Of(FilePath path)
    {
        try
        {
            byte[] file = PictureReader.FileOf(path);
            if (FileContent.Of(file) == FileFormat.Jpeg)
            {
                JpegHeader? header = JpegFile.TryReadHeader(file, CompressedPicture.MostPixelsOf(file));
                return (header?.Width ?? 0, header?.Height ?? 0);
            }
            using CompressedPicture picture = CompressedPicture.Decode(file, path.ToString());
            return (picture.Width, picture.Height);
        }
        catch (SposException error) when (error is DataException or UnreadableFileException)
        {
            return default;
        }
    }
}
