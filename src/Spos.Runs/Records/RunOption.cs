namespace Spos.Runs.Records;

/// <summary>What of a run depends on an option.</summary>
public enum Influence
{
    /// <summary>Nothing that the run comes to: how fast it goes, what it tells, where things are.</summary>
    None,

    /// <summary>What is still to come, but nothing that the run keeps: it may be another one when the run goes on.</summary>
    Later,

    /// <summary>What the run keeps, such as weights and scores: the run goes on with the same value only.</summary>
    Kept,
}

/// <summary>
/// An option that a run was asked for, as its records tell it: by the name and with the value that the command line takes.
/// </summary>
/// <param name="Value">Null if it was not given.</param>
/// <param name="Default">The value that it has if it is not given; null if there is none.</param>
public sealed record RunOption(string Name, string? Value, string? Default, Influence Influence);
