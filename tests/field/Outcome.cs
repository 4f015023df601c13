namespace Spos.Field;

/// <summary>What a run of the program printed and how it ended.</summary>
internal sealed record Outcome(string Command, int Code, string Output, string Error)
{
    /// <summary>The lines of standard error.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Throws unless the program ended with this code.</summary>
    public Outcome Ended(int code) =>
        Code == code ? this : throw new CaseFailedException($"{Command} ended with {Code}, not {code}.\n{Output}\n{Error}");

    /// <summary>Throws unless there is one line of standard error, and it has these words.</summary>
    public Outcome Said(params string[] words)
    {
        if (ErrorLines.Length != 1)
        {
            throw new CaseFailedException($"{Command}: {ErrorLines.Length} lines on standard error, not one.\n{Error}");
        }
        string? missing = words.FirstOrDefault(w => !Error.Contains(w, StringComparison.Ordinal));
        return missing == null ? this : throw new CaseFailedException($"{Command} does not say '{missing}'.\n{Error}");
    }

    /// <summary>Throws if there is anything on standard error.</summary>
    public Outcome SaidNothing() => Error.Length == 0 ? this : throw new CaseFailedException($"{Command} says:\n{Error}");

    /// <summary>Throws unless these words are on standard output or standard error.</summary>
    public Outcome Printed(params string[] words)
    {
        string? missing = words.FirstOrDefault(
            w => !Output.Contains(w, StringComparison.Ordinal) && !Error.Contains(w, StringComparison.Ordinal));
        return missing == null ? this : throw new CaseFailedException($"{Command} does not print '{missing}'.\n{Output}\n{Error}");
    }
}
