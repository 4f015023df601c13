namespace Spos.Engine.Data;

/// <summary>How large a cache becomes: reckoned from the sizes of some of its pictures, or of all where they are few.</summary>
public sealed class CacheEstimate
{
    // Sizes spread by about as much as their mean is: the mean of so many is right to some per cent.
    private const int Measured = 500;

    // So many standard errors of the mean are allowed for.
    private const double Doubt = 3;

    private readonly (int Width, int Height)[] _sizes;
    private readonly int _pictures;

    /// <summary>Reads the headers of pictures. One that cannot be decoded takes nothing.</summary>
    /// <param name="first">The first picture that is not in the cache yet.</param>
    /// <param name="workers">Files that are read at once.</param>
    internal CacheEstimate(ImageFolder data, int first, int workers)
    {
        _pictures = data.Samples.Length - first;
        _sizes = PictureSizes.Of(data, first, Measured, workers);
    }

    /// <summary>Whether some pictures stand for all.</summary>
    public bool IsSample => _sizes.Length < _pictures;

    /// <summary>What is still to be written, about, if pictures are shrunk to a short side, or not.</summary>
    public long Bytes(int? shortSide) => (long)(MeanOf(shortSide) * _pictures);

    /// <summary>The same with as much more as it may be wrong by.</summary>
    public long MostBytes(int? shortSide)
    {
        if (!IsSample) return Bytes(shortSide);
        double mean = MeanOf(shortSide), deviation = Math.Sqrt(_sizes.Average(s => Math.Pow(BytesOf(s, shortSide) - mean, 2)));
        return (long)((mean + Doubt * deviation / Math.Sqrt(_sizes.Length)) * _pictures);
    }

    private double MeanOf(int? shortSide) => _sizes.Length == 0 ? 0 : _sizes.Average(s => BytesOf(s, shortSide));

    private static double BytesOf((int Width, int Height) size, int? shortSide)
    {
        (int width, int height) = CacheDecoder.SizeOf(size.Width, size.Height, shortSide);
        return (double)width * height * PackedPixels.BytesPerPixel;
    }
}
