using System.Numerics;

namespace Spos.Engine.Data;

/// <summary>What resizing some pictures to one size takes of the device (kernels/image.cu).</summary>
/// <param name="size">Of the results, in rows and columns.</param>
/// <param name="rowsPerBlock">Rows of a result that a block of image_resize makes.</param>
internal sealed class ResizeWork(int size, int rowsPerBlock)
{
    // A multiple of every kPixelGroup of native/toolchains.
    private const int TapGroup = 4;

    private double _scale = 1;

    public int Size => size;

    public int RowsPerBlock => rowsPerBlock;

    /// <summary>Pictures.</summary>
    public int Count { get; private set; }

    /// <summary>Blocks of image_resize for a picture.</summary>
    public int Blocks => (size + rowsPerBlock - 1) / rowsPerBlock;

    /// <summary>Source pixels that the filter of any picture looks at, on one axis, in whole groups.</summary>
    public int MostTaps => MostTapsOf(_scale);

    /// <summary>Pixels of the results.</summary>
    public long Outputs => OutputsOf(Count);

    /// <summary>Columns and rows of the results: each has taps.</summary>
    public long Taps => TapsOf(Count);

    /// <summary>Weights of all taps: each column and row has room for as many as any.</summary>
    public long Weights => Taps * MostTaps;

    /// <summary>Pixels of the source rows that blocks keep, resized to the results' columns.</summary>
    public long Rows { get; private set; }

    // padded() of kernels/image.cu.
    private int Padded => (size + 15) / 16 * 16;

    /// <summary>What it would take in all with one picture more.</summary>
    public long BytesWith(in ImageTransformRecord transform) =>
        (OutputsOf(Count + 1) + TapsOf(Count + 1) * MostTapsOf(ScaleWith(transform)) + Rows + RowsOf(transform)) * sizeof(int)
        + TapsOf(Count + 1) * sizeof(long);

    /// <summary>Adds a picture, and says in its transform where its rows are kept.</summary>
    public void Add(ref ImageTransformRecord transform)
    {
        transform.Slots = SlotsOf(transform);
        transform.Rows = Rows;
        Rows += RowsOf(transform);
        _scale = ScaleWith(transform);
        Count++;
    }

    private long OutputsOf(int count) => (long)count * size * size;

    private long TapsOf(int count) => 2L * count * Padded;

    private long RowsOf(in ImageTransformRecord transform) => (long)SlotsOf(transform) * Blocks * Padded;

    private double ScaleWith(in ImageTransformRecord transform) => Math.Max(_scale, Math.Max(transform.ScaleX, transform.ScaleY));

    // As many rows as an output row looks at, and one that is made with the last.
    private static int SlotsOf(in ImageTransformRecord transform) =>
        (int)BitOperations.RoundUpToPowerOf2((uint)MostTapsOf(transform.ScaleY) + 1);

    // The filter reaches as far as the scale, at least a pixel, to both sides; taps are padded to groups.
    private static int MostTapsOf(double scale) => (int)(2 * Math.Max(1, scale)) / TapGroup * TapGroup + TapGroup;
}
