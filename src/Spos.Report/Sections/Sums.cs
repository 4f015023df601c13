using MathNet.Numerics.Distributions;

namespace Spos.Report.Sections;

/// <summary>Intervals of accuracies.</summary>
internal static class Sums
{
    private const double Confidence = 0.95;

    /// <summary>
    /// The interval that holds a share with 95% confidence, of which so many of so many pictures are a sample (Wilson's score interval).
    /// </summary>
    public static (double Low, double High) OfPictures(double share, double pictures)
    {
        double z = Normal.InvCDF(0, 1, (1 + Confidence) / 2), square = z * z / pictures;
        double middle = (share + square / 2) / (1 + square);
        double half = z / (1 + square) * Math.Sqrt(share * (1 - share) / pictures + square / (4 * pictures));
        return (Math.Max(middle - half, 0), Math.Min(middle + half, 1));
    }

    /// <summary>The mean of several trainings, their standard deviation, and Student's interval of the mean, of 95% confidence.</summary>
    /// <param name="values">Two at least.</param>
    public static (double Mean, double Deviation, double Low, double High) OfTrainings(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        double deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
        double half = StudentT.InvCDF(0, 1, values.Count - 1, (1 + Confidence) / 2) * deviation / Math.Sqrt(values.Count);
        return (mean, deviation, Math.Max(mean - half, 0), Math.Min(mean + half, 1));
    }
}
