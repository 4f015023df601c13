using System.Globalization;
using System.Text;
using System.Text.Json;
using Spos.Runs.Reading;

namespace Spos.Runs.Tests;

/// <summary>Numbers of lines that are like the one before are those that a reader of any JSON finds, to the bit.</summary>
public sealed class LikeLineTests
{
    public static TheoryData<string> Numbers { get; } =
    [
        "0", "-0", "1", "1.5", "-1.50", "16777216", "16777217", "1.6777217", "123456789.125", "1e3", "1E-3", "1e+3", "1e10", "1e11",
        "1e-10", "1e-11", "1e999", "-1e-999", "1e9999", "0.1", "6.543210", "2.302585092994046", "3.4028236e38",
        "1.1754944e-38", "1e-45", "7e-46",
    ];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_number_is_read(string number) => RequireSame(number);

    [Fact]
    public void Any_number_is_read()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            RequireSame(random.NextDouble().ToString("R", CultureInfo.InvariantCulture));
            RequireSame((random.Next(1 << 25) * Math.Pow(10, random.Next(-12, 12))).ToString("G8", CultureInfo.InvariantCulture));
        }
    }

    [Theory]
    [InlineData("01")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1e")]
    [InlineData("1e-")]
    [InlineData("nul")]
    [InlineData("1 ")]
    [InlineData("NaN")]
    [InlineData("\"1\"")]
    [InlineData("1,\"top1\":2")]
    public void What_is_no_number_or_unlike_is_left_to_others(string value) => Assert.Null(Read(value));

    private static void RequireSame(string number)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(number));
        Assert.True(reader.Read());
        float expected = reader.GetSingle();
        Assert.True(Read(number) is { } read && BitConverter.SingleToInt32Bits(read) == BitConverter.SingleToInt32Bits(expected), number);
    }

    // Null if the line is left to others.
    private static float? Read(string number)
    {
        (Series, float)[] row = [(new Series("loss"), 0)];
        byte[] line = Encoding.UTF8.GetBytes($"{{\"step\":3,\"epoch\":2,\"loss\":{number}}}");
        if (!LikeLine.TryRead(line, row, out long step, out long epoch, out int values)) return null;
        Assert.Equal((3, 2, 1), (step, epoch, values));
        return row[0].Item2;
    }
}
