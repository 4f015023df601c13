using System.Numerics;
using Spos.Cli.Options;

namespace Spos.Cli.Tests.Options;

public sealed class NumberTests
{
    [Theory]
    [InlineData("330M", 330e6)]
    [InlineData("0.33G", 330e6)]
    [InlineData("330e6", 330e6)]
    [InlineData("330E+6", 330e6)]
    [InlineData("64k", 64e3)]
    [InlineData("1.5T", 1.5e12)]
    [InlineData("-.5", -0.5)]
    [InlineData("+5.", 5)]
    [InlineData("1e-3", 0.001)]
    public void Points_exponents_and_units_are_read(string text, double value)
    {
        Assert.Equal(value, Number.Real(text));
        Assert.Equal(value, double.Parse(Number.Plain(text)!, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1\n")]
    [InlineData("0,5")]
    [InlineData("1,000")]
    [InlineData("1_000")]
    [InlineData("1 000")]
    [InlineData("nan")]
    [InlineData("NaN")]
    [InlineData("inf")]
    [InlineData("-Infinity")]
    [InlineData("∞")]
    [InlineData("0x10")]
    [InlineData("1e")]
    [InlineData("1e400")]
    [InlineData("1e99999")]
    [InlineData("1e3k")]
    [InlineData("1m")]
    [InlineData(".")]
    [InlineData("--1")]
    [InlineData("1.2.3")]
    [InlineData("(1)")]
    [InlineData("$1")]
    [InlineData("١٢")]
    [InlineData("１２")]
    public void Nothing_else_is_a_number(string text)
    {
        Assert.Null(Number.Real(text));
        Assert.Null(Number.Whole(text));
    }

    [Theory]
    [InlineData("1e3", "1000")]
    [InlineData("1.5k", "1500")]
    [InlineData("1500e-2", "15")]
    [InlineData("18446744073709551615", "18446744073709551615")]
    [InlineData("9007199254740993", "9007199254740993")]
    [InlineData("-0", "0")]
    public void Whole_numbers_are_exact(string text, string value) =>
        Assert.Equal(BigInteger.Parse(value, System.Globalization.CultureInfo.InvariantCulture), Number.Whole(text));

    [Theory]
    [InlineData("1.5")]
    [InlineData("1e-1")]
    [InlineData("1e-9999")]
    public void Parts_are_no_whole_numbers(string text) => Assert.Null(Number.Whole(text));
}
