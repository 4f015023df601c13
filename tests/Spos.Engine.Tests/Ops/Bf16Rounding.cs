namespace Spos.Engine.Tests.Ops;

/// <summary>How double-precision references round where kernels round to bf16.</summary>
internal static class Bf16Rounding
{
    // Behind the point.
    private const int Digits = 7;

    /// <summary>How far neighbours are apart where <paramref name="value"/> is: 2^-8 to 2^-7 of it.</summary>
    public static double UnitAt(double value) => value == 0 ? 0 : Math.ScaleB(1, Math.ILogB(value) - Digits);

    /// <summary>The nearest number of bf16, of two the even one.</summary>
    public static double Round(double value) =>
        value == 0 ? 0 : Math.Round(value / UnitAt(value), MidpointRounding.ToEven) * UnitAt(value);

    /// <summary>
    /// What a product takes of a value that a kernel has computed to <paramref name="error"/>; and by how much the kernel's may differ: by
    /// the distance between neighbours where the error reaches across their middle, else not at all.
    /// </summary>
    public static (double Operand, double Slack) Operand(double value, double error)
    {
        double rounded = Round(value);
        return (rounded, Math.Max(Math.Abs(Round(value + error) - rounded), Math.Abs(Round(value - error) - rounded)));
    }

    /// <summary>
    /// The same of a value that is <paramref name="one"/> or <paramref name="other"/>: where a ReLU's input is zero but for rounding.
    /// </summary>
    public static (double Operand, double Slack) OperandOf(double one, double other, double error)
    {
        ((double first, double slack), (double second, double more)) = (Operand(one, error), Operand(other, error));
        return (first, Math.Abs(first - second) + Math.Max(slack, more));
    }
}
