namespace Spos.Report.Writing;

/// <summary>Where an axis is marked: at round numbers.</summary>
internal static class Ticks
{
    private static readonly double[] Steps = [1, 2, 2.5, 5, 10];

    /// <summary>The range from one value to another, widened where they are as good as equal.</summary>
    public static (double Low, double High) Range(double low, double high)
    {
        if (high - low > 1e-9 * Math.Max(Math.Abs(low), Math.Abs(high))) return (low, high);
        double half = low.Equals(0.0) ? 0.5 : Math.Abs(low) / 20;
        return (low - half, high + half);
    }

    /// <summary>About so many round numbers of a range.</summary>
    public static IReadOnlyList<double> Of(double low, double high, int about)
    {
        double rough = (high - low) / about, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = Steps.FirstOrDefault(one => one * power >= rough * 0.999, Steps[^1]) * power;
        var ticks = new List<double>();
        // Counted and not added up, so that 0.3 is not 0.30000000000000004.
        for (double number = Math.Ceiling(low / step - 1e-9); number * step <= high + step * 1e-9 && ticks.Count < 4 * about; number++)
        {
            ticks.Add(Math.Round(number * step, 12));
        }
        return ticks;
    }
}
