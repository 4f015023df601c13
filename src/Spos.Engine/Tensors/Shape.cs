namespace Spos.Engine.Tensors;

/// <summary>The extents of a tensor in NHWC order. A matrix is [N, 1, 1, C].</summary>
public readonly record struct Shape(int N, int H, int W, int C)
{
    /// <summary>A matrix of <paramref name="rows"/> by <paramref name="columns"/>.</summary>
    public static Shape Matrix(int rows, int columns) => new(rows, 1, 1, columns);

    /// <summary>A vector of <paramref name="length"/> values.</summary>
    public static Shape Vector(int length) => new(1, 1, 1, length);

    /// <summary>Pixels of all images: the rows of the matrix that a pointwise convolution sees.</summary>
    public int Rows => checked(N * H * W);

    /// <summary>Values in all.</summary>
    public long Count => (long)Rows * C;

    /// <summary>The same with another number of channels.</summary>
    public Shape WithChannels(int channels) => this with { C = channels };

    public override string ToString() => $"[{N}, {H}, {W}, {C}]";
}
