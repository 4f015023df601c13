using System.Globalization;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>The window of FLOPs that --flops-lb and --flops-ub ask for.</summary>
/// <param name="Low">Of the least path that may be drawn.</param>
/// <param name="High">Of the largest.</param>
public readonly record struct FlopsWindow(double Low, double High)
{
    /// <param name="lower">The value of --flops-lb; null if it is not given.</param>
    /// <param name="upper">That of --flops-ub.</param>
    /// <returns>What is not given is the paper's at the official sizes, else what the network has.</returns>
    /// <exception cref="UsageException">It is none, or no path can be in it; the message names the options.</exception>
    public static FlopsWindow Of(double? lower, double? upper, NetworkSpec spec, CostTable flops)
    {
        double low = lower ?? (spec.IsOfficialSize ? NetworkFlops.OfficialLow : flops.Least);
        double high = upper ?? (spec.IsOfficialSize ? NetworkFlops.OfficialHigh : flops.Most);
        string least = $"--flops-lb {Written(low)}{(lower == null ? ", its default," : "")}";
        string most = $"--flops-ub {Written(high)}{(upper == null ? ", its default" : "")}";
        string has = $"this network's paths have {flops.Measure.TextOf(flops.Least, flops.Most)}";
        if (low > high) throw new UsageException($"{least} is above {most}: {has}.");
        if (high < flops.Least || low > flops.Most) throw new UsageException($"{least} to {most}: no path is within; {has}.");
        return new FlopsWindow(low, high);
    }

    private static string Written(double flops) => flops.ToString(CultureInfo.InvariantCulture);
}
