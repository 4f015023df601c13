namespace Spos.Engine.Tests.Ops;

/// <summary>Compares float results with a double-precision reference.</summary>
internal static class Close
{
    private const double Epsilon = 1.0 / (1 << 23);

    /// <summary>
    /// Each value may be off by the rounding of a sum of <paramref name="terms"/> terms: 2·√terms units in the last place of
    /// the sum of their magnitudes, <paramref name="scale"/> (the errors of the terms are independent, hence the root).
    /// </summary>
    public static void Assert(double[] expected, float[] actual, int terms, double scale)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        double tolerance = 2 * Math.Sqrt(terms + 4) * Epsilon * scale;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Xunit.Assert.True(
                error <= tolerance, $"[{i}]: {actual[i]} instead of {expected[i]}, off by {error:e2}; allowed {tolerance:e2}");
        }
    }
}
