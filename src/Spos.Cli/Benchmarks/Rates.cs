namespace Spos.Cli.Benchmarks;

/// <summary>Images a second over several runs: the median and the quartiles.</summary>
internal sealed record Rates(double Median, double Low, double High)
{
    /// <summary>Sorts <paramref name="rates"/>.</summary>
    public static Rates Of(double[] rates)
    {
        Array.Sort(rates);
        return new Rates(rates[rates.Length / 2], rates[rates.Length / 4], rates[3 * rates.Length / 4]);
    }

    public double[] Quartiles => [Low, High];

    /// <summary>How many threads that each have the median come to <paramref name="rate"/>.</summary>
    public int ThreadsFor(double rate) => (int)Math.Ceiling(rate / Median);

    /// <summary>The median and the quartiles for two columns of a table.</summary>
    public string[] Columns => [$"{Median:0.0}", $"{Low:0.0} to {High:0.0}"];
}
