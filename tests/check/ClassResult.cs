namespace Spos.Check;

/// <summary>What came of one class of tests, as its process tells the one that started it.</summary>
/// <param name="Times">How often each case was run.</param>
/// <param name="Kernels">The kernels that were loaded.</param>
internal sealed record ClassResult(int Passed, int Failed, int Times, IReadOnlyList<string> Kernels)
{
    /// <summary>How the line begins that holds it.</summary>
    public const string Mark = "=result ";
}
