namespace Spos.Engine.Kernels;

/// <summary>What one launch of a kernel has to do, whatever the kernel makes of it: what its declaration says (SPOS_WORK).</summary>
/// <param name="Shape">The sizes that it depends on.</param>
/// <param name="Bytes">Each input read once and each output written once; 0 if it depends on more than the arguments.</param>
/// <param name="Flops">Multiplications and additions, each counted as one.</param>
/// <param name="ProductFlopsBf16">Those of them that are in products of bf16; all others are of floats.</param>
public readonly record struct KernelWork(string Shape, long Bytes, long Flops, long ProductFlopsBf16 = 0)
{
    /// <summary>Of a kernel whose work depends on more than its arguments.</summary>
    internal static KernelWork OfGrid(long x, long y) => new($"{x}×{y} blocks", 0, 0);

    /// <summary>Sizes as they are shown; a matrix of one row is an array.</summary>
    internal static string ShapeOf(params ReadOnlySpan<long> sizes) =>
        sizes is [1, var length] ? $"{length}" : string.Join('×', sizes.ToArray());
}
