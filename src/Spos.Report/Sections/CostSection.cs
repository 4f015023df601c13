using Spos.Report.Chains;
using Spos.Report.Documents;

namespace Spos.Report.Sections;

/// <summary>How long runs computed, and on what.</summary>
internal static class CostSection
{
    /// <summary>Seconds of all runs that tell it; null if none does.</summary>
    public static double? TotalSeconds(RunChain chain)
    {
        double[] known = [.. chain.Runs.Select(run => run.Seconds).OfType<double>()];
        return known.Length > 0 ? known.Sum() : null;
    }

    /// <summary>" on one thing", or " on one thing and another"; nothing if that is not known.</summary>
    public static string Devices(RunChain chain)
    {
        string[] devices = [.. chain.Runs.Select(run => run.Record.DeviceName).OfType<string>().Distinct()];
        return devices.Length is > 0 and < 4 ? $" on {Figure.List(devices)}" : "";
    }

    public static Section Of(RunChain chain)
    {
        var rows = chain.Runs.Select(run => new[]
        {
            run.Name, run.Kind.Command, run.Seconds is { } seconds ? Figure.Time(seconds) : "not known", DeviceOf(run),
            ShortVersion(run.Setting?.Version),
        }).ToList();
        if (TotalSeconds(chain) is { } total)
        {
            string some = chain.Runs.Any(run => run.Seconds == null) ? ", of those that tell" : "";
            rows.Add(["all", "", $"{Figure.Time(total)}{some}", "", ""]);
        }
        return new Section("cost", "Cost", [
            new Grid(
                [
                    new Column("run"), new Column("kind"), new Column("time", true), new Column("device"), new Column("version"),
                ],
                rows),
            new Paragraph(
                "Times are from the first to the last entry of each log that a run wrote, pauses between two starts left out. What comes "
                + "before and after, such as reading the list of pictures and the last measurement, is not in them."),
        ]);
    }

    // Of the commit that follows a plus so many digits will do; the whole is told where the runs are repeated.
    private static string ShortVersion(string? version) => version == null ? "not known"
        : version.IndexOf('+', StringComparison.Ordinal) is >= 0 and var plus ? version[..Math.Min(plus + 9, version.Length)]
        : version;

    private static string DeviceOf(ReportedRun run)
    {
        string name = run.Record.DeviceName ?? "not known";
        string set = run.Setting?.InstructionSet is { Length: > 0 } instructions ? $", {instructions}" : "";
        return $"{name}{set}{(run.Setting?.Threads is { } threads ? $", {Figure.Count(threads, "thread")}" : "")}";
    }
}
