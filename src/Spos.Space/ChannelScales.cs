namespace Spos.Space;

/// <summary>
/// The scales of a search for channels: 0.2 to 1.6 times the channels that a block has inside, in steps of 0.2 (arXiv 1904.00420,
/// section 3.3). They are numbered from 0, as in the authors' networks (megvii-model/ShuffleNet-Series, OneShot/network.py).
/// </summary>
public static class ChannelScales
{
    /// <summary>How many there are.</summary>
    public const int Count = 8;

    /// <summary>The widest.</summary>
    public const int Widest = Count - 1;

    /// <summary>The one of all channels as they are, 1.0.</summary>
    public const int Plain = 4;

    // Plain + 1 steps are the whole.
    private const int Whole = Plain + 1;

    /// <summary>A scale as people write it, such as "0.6".</summary>
    public static string NameOf(int scale) => $"{(scale + 1) * 2 / 10}.{(scale + 1) * 2 % 10}";

    /// <summary>So many times the channels, rounded down as the authors' code does; at least 1.</summary>
    public static int Of(int scale, int channels) => Math.Max(1, (int)((long)channels * (scale + 1) / Whole));
}
