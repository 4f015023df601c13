namespace Spos.Board.Browser;

/// <summary>
/// A test that opens the board in Chromium. Where Chromium is not installed the test is left out, unless SPOS_REQUIRE_CHROMIUM is set.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        bool required = Environment.GetEnvironmentVariable("SPOS_REQUIRE_CHROMIUM") is { Length: > 0 };
        if (!required && Chromium.Find() == null) Skip = Chromium.Missing;
    }
}
