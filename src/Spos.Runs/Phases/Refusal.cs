namespace Spos.Runs.Phases;

/// <summary>Checks of the engine's and of the search's that are of options here.</summary>
internal static class Refusal
{
    /// <summary>Runs a check.</summary>
    /// <param name="options">What its message follows, such as the options that are checked.</param>
    /// <exception cref="UsageException">It refuses.</exception>
    public static void Of(Action check, string options = "")
    {
        try
        {
            check();
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            throw new UsageException(options + error.Message);
        }
    }
}
