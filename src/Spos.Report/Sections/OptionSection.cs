using Spos.Report.Chains;
using Spos.Report.Documents;

namespace Spos.Report.Sections;

/// <summary>With which options runs were made, and how to make them again.</summary>
internal static class OptionSection
{
    // Far more than a run has.
    private const int MostOptions = 500;

    public static Section Of(RunChain chain)
    {
        var parts = new List<Part>();
        foreach (ReportedRun run in chain.Runs)
        {
            parts.Add(new Heading(run.Name));
            IEnumerable<AskedOption> all = run.Asked?.Options ?? Recorded(run);
            AskedOption[] options = [.. all.OrderBy(option => option.Name, StringComparer.Ordinal).Take(MostOptions)];
            AskedOption[] others = [.. options.Where(option => !option.IsDefault)];
            parts.Add(others.Length > 0
                ? new Grid(
                    [new Column("option"), new Column("value"), new Column("default")],
                    [.. others.Select(option => new[] { $"--{option.Name}", option.Value ?? "", option.Default ?? "" })])
                : new Paragraph("All options have their defaults."));
            parts.Add(new Folded(
                $"All {options.Length} options of {run.Name}",
                [
                    new Grid(
                        [new Column("option"), new Column("value")],
                        [.. options.Select(option => new[] { $"--{option.Name}", option.Value ?? "(not given)" })]),
                ]));
        }
        return new Section("options", "Options", parts);
    }

    public static Section Repeat(RunChain chain)
    {
        var parts = new List<Part>
        {
            new Paragraph(
                "With the same version, pictures and seeds these commands come to the same figures on the same kind of device and the same "
                + "instruction set, whatever the number of threads. They are written for the folder in which the runs were started."),
        };
        string[] lines = [.. chain.Runs.Select(run => run.Asked?.Line).OfType<string>()];
        if (lines.Length > 0) parts.Add(new Commands(lines));
        foreach (ReportedRun run in chain.Runs.Where(run => run.Asked?.Line == null))
        {
            parts.Add(new Paragraph(run.Kind.IsPart
                ? $"{run.Name} is a part of another run, which makes it again."
                : $"{run.Name} has options that this version does not have, so that it cannot be made again by it."));
        }
        string[] versions = [.. chain.Runs.Select(run => run.Setting?.Version).OfType<string>().Distinct()];
        if (versions.Length > 0) parts.Add(new Paragraph($"Version: {string.Join(", ", versions)}."));
        return new Section("repeat", "How to repeat it", parts);
    }

    // Of a run that no command of this version makes.
    private static IEnumerable<AskedOption> Recorded(ReportedRun run) => run.Record.Options.Select(option =>
        new AskedOption(option.Key, option.Value, null, string.IsNullOrEmpty(option.Value), Runs.Records.Influence.None));
}
