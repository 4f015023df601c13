using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Ops;

/// <summary>Compares results with a double-precision reference.</summary>
internal static class Close
{
    private const double Epsilon = 1.0 / (1 << 23);

    /// <summary>
    /// How far the rounding of a sum of <paramref name="terms"/> terms may put it off: 2·√terms units in the last place of the sum of
    /// their magnitudes, <paramref name="scale"/> (the errors of the terms are independent, hence the root).
    /// </summary>
    public static double Tolerance(int terms, double scale) => 2 * Math.Sqrt(terms + 4) * Epsilon * scale;

    /// <summary>Each value may be off by <see cref="Tolerance"/>, and by its own of <paramref name="besides"/>.</summary>
    public static void Assert(double[] expected, float[] actual, int terms, double scale, double[]? besides = null) =>
        AssertAll(expected, actual, i => Tolerance(terms, scale) + (besides?[i] ?? 0));

    /// <summary>
    /// The same of sums that are stored as values of <paramref name="type"/>: to bf16 they are rounded, by half of the distance to the next
    /// one at most. (Floats have been rounded by the last addition.)
    /// </summary>
    public static void AssertStored(ElementType type, double[] expected, float[] actual, int terms, double scale, double[] besides) =>
        AssertAll(
            expected, actual,
            i => Tolerance(terms, scale) + besides[i] + (type == ElementType.BFloat16 ? Bf16Rounding.UnitAt(actual[i]) / 2 : 0));

    /// <summary>The same, of sums that may be off by nothing else.</summary>
    public static void Assert(double[] expected, float[] actual, int terms, double scale, ElementType type) =>
        AssertStored(type, expected, actual, terms, scale, new double[expected.Length]);

    private static void AssertAll(double[] expected, float[] actual, Func<int, double> tolerance)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]), allowed = tolerance(i);
            Xunit.Assert.True(
                error <= allowed, $"[{i}]: {actual[i]} instead of {expected[i]}, off by {error:e2}; allowed {allowed:e2}");
        }
    }
}
