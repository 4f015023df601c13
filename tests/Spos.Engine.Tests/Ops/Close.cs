using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Ops;

/// <summary>Compares float results with a double-precision reference.</summary>
internal static class Close
{
    private const double Epsilon = 1.0 / (1 << 23);

    // Of a value that is rounded to its 8 bits: half a unit in the last place.
    private const double HalfUnitOfBf16 = 1.0 / (1 << 8);

    /// <summary>
    /// Each value may be off by the rounding of a sum of <paramref name="terms"/> terms: 2·√terms units in the last place of
    /// the sum of their magnitudes, <paramref name="scale"/> (the errors of the terms are independent, hence the root). A result of bf16
    /// may be off by its own rounding besides.
    /// </summary>
    public static void Assert(double[] expected, float[] actual, int terms, double scale, ElementType type = ElementType.Float32)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        double ofSum = 2 * Math.Sqrt(terms + 4) * Epsilon * scale;
        for (int i = 0; i < expected.Length; i++)
        {
            double tolerance = type == ElementType.BFloat16 ? ofSum + (HalfUnitOfBf16 * (Math.Abs(expected[i]) + ofSum)) : ofSum;
            double error = Math.Abs(expected[i] - actual[i]);
            Xunit.Assert.True(
                error <= tolerance, $"[{i}]: {actual[i]} instead of {expected[i]}, off by {error:e2}; allowed {tolerance:e2}");
        }
    }
}
