using Spos.Cli.Options;

namespace Spos.Cli.Tests.Options;

/// <summary>Help fits the terminal.</summary>
[Collection(nameof(HostileValueTests))]
public sealed class HelpPageTests : IDisposable
{
    private const string Columns = "COLUMNS";

    private readonly string? _before = Environment.GetEnvironmentVariable(Columns);

    [Theory]
    [InlineData("80", 80)]
    [InlineData("40", 80)]
    [InlineData("111", 111)]
    [InlineData("500", 120)]
    [InlineData("-1", 100)]
    [InlineData("", 100)]
    public void Lines_are_as_long_as_the_terminal_is_wide(string columns, int most)
    {
        Environment.SetEnvironmentVariable(Columns, columns);
        foreach (Type verb in Program.Verbs)
        {
            Assert.All(
                HelpPage.Of(verb).Split('\n'),
                line => Assert.True(line.Length <= most || line.StartsWith("  spos", StringComparison.Ordinal), line));
        }
        Assert.InRange(HelpPage.Of(typeof(Verbs.SupernetVerb)).Split('\n').Max(line => line.Length), most - 5, most);
    }

    [Fact]
    public void Examples_begin_with_what_is_to_be_done()
    {
        Assert.Contains(
            "\n  spos bench kernels --filter pointwise --output pointwise.json\n", HelpPage.Of(typeof(Verbs.BenchVerb)),
            StringComparison.Ordinal);
        Assert.Contains("\n  spos dataset make --", HelpPage.Of(typeof(Verbs.DatasetVerb)), StringComparison.Ordinal);
    }

    public void Dispose() => Environment.SetEnvironmentVariable(Columns, _before);
}
