using Spos.Space;

namespace Spos.Cli.Tests;

/// <summary>What is thrown and nobody expected.</summary>
[Collection(nameof(Options.HostileValueTests))]
public sealed class FaultTests
{
    [Fact]
    public void A_fault_of_the_program_is_called_that_and_its_trace_kept()
    {
        TextWriter before = Console.Error;
        using var error = new StringWriter();
        Console.SetError(error);
        int code;
        try
        {
            code = Program.Explain(new AggregateException(Thrown()));
        }
        finally
        {
            Console.SetError(before);
        }
        Assert.Equal(70, code);
        string line = Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith(
            "spos: this is a fault in Spos: InvalidOperationException in Spos.Cli.Tests.FaultTests.Thrown: one two", line,
            StringComparison.Ordinal);
        string file = line[(line.LastIndexOf(' ') + 1)..^1];
        Assert.Contains("   at Spos.Cli.Tests.FaultTests.Thrown", File.ReadAllText(file), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Theory]
    [InlineData(0.5, 0.5, 0.5, "in the supernet")]
    [InlineData(0.5, 0.6, 0.7, "from scratch")]
    public void A_ranking_that_is_undefined_says_why(double first, double second, double third, string where)
    {
        var nothing = new Estimate(double.NaN, double.NaN, double.NaN);
        Assert.Equal($"undefined: all architectures have the same top-1 {where}", Verbs.RankVerb.Shown(nothing, [first, second, third]));
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("one\ntwo");
        }
        catch (InvalidOperationException error)
        {
            return error;
        }
    }
}
