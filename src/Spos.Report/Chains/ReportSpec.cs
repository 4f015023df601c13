using Spos.Runs.Records;

namespace Spos.Report.Chains;

/// <summary>What a report is of.</summary>
public sealed record ReportSpec
{
    /// <summary>Folders of runs, or folders that hold such folders.</summary>
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>
    /// What a run was asked for, by its kind and its options, as run.json has them; null where no command has such runs.
    /// </summary>
    public Func<string, IReadOnlyDictionary<string, string?>, AskedCommand?> Command { get; init; } = (_, _) => null;
}

/// <summary>What a run was asked for.</summary>
/// <param name="Line">The command line that runs it again; null if this version cannot.</param>
public sealed record AskedCommand(string? Line, IReadOnlyList<AskedOption> Options);

/// <summary>An option of a run.</summary>
/// <param name="IsDefault">Whether it has the value that it has if nobody asks.</param>
public sealed record AskedOption(string Name, string? Value, string? Default, bool IsDefault, Influence Influence);
