namespace Spos.Engine.Tensors;

/// <summary>The extents of a tensor in NHWC order. A matrix is [N, 1, 1, C].</summary>
public readonly record struct Shape(int N, int H, int W, int C)
{
    /// <summary>
    /// Rows that a tensor may have: kernels count them in 32 bits, and the number where a block's rows would end, beyond the last one,
    /// must fit too. What is counted row times channels takes 64 bits.
    /// </summary>
    public const int MostRows = 1 << 30;

    /// <summary>A matrix of <paramref name="rows"/> by <paramref name="columns"/>.</summary>
    public static Shape Matrix(int rows, int columns) => new(rows, 1, 1, columns);

    /// <summary>A vector of <paramref name="length"/> values.</summary>
    public static Shape Vector(int length) => new(1, 1, 1, length);

    /// <summary>Pixels of all images: the rows of the matrix that a pointwise convolution sees.</summary>
    /// <exception cref="LimitException">There are more than kernels can count.</exception>
    public int Rows => (long)N * H * W is var rows and <= MostRows
        ? (int)rows
        : throw new LimitException($"{N} pictures of {H}×{W} are more pixels than a batch can have, {MostRows}: lower the batch size.");

    /// <summary>Values in all.</summary>
    public long Count => (long)Rows * C;

    /// <summary>The same with another number of channels.</summary>
    public Shape WithChannels(int channels) => this with { C = channels };

    public override string ToString() => $"[{N}, {H}, {W}, {C}]";
}
