namespace Spos.Space;

/// <summary>The median of figures.</summary>
public static class Median
{
    /// <summary>The one in the middle; of an even number the mean of the two in the middle.</summary>
    /// <param name="values">At least one.</param>
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }
}
