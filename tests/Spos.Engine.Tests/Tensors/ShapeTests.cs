using Spos.Engine.Kernels;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Tensors;

/// <summary>The most rows of a tensor, and what kernels and partitions count of them.</summary>
public sealed class ShapeTests
{
    public static TheoryData<string> Devices => [.. TestDevice.Two];

    [Theory]
    [InlineData(16384, 256, 256)]
    [InlineData(Shape.MostRows, 1, 1)]
    public void The_most_rows_are_taken_and_their_values_counted_in_64_bits(int images, int height, int width)
    {
        var shape = new Shape(images, height, width, 5);
        Assert.Equal(Shape.MostRows, shape.Rows);
        Assert.Equal(5L * Shape.MostRows, shape.Count);
    }

    [Theory]
    [InlineData(21400, 224, 224)]
    [InlineData(65536, 224, 224)]
    [InlineData(int.MaxValue, int.MaxValue, 1)]
    [InlineData(Shape.MostRows + 1, 1, 1)]
    public void More_rows_are_refused_by_name(int images, int height, int width)
    {
        var shape = new Shape(images, height, width, 3);
        Assert.Contains(
            $"{images} pictures of {height}×{width}", Assert.Throws<LimitException>(() => shape.Rows).Message, StringComparison.Ordinal);
        Assert.Throws<LimitException>(() => shape.Count);
    }

    /// <summary>
    /// A block's first row and the one after its last fit 32 bits, though the last block's rows may end beyond the tensor's.
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void The_most_rows_are_divided_among_blocks_that_32_bits_count(string name)
    {
        using var device = TestDevice.Open(name);
        const int rows = Shape.MostRows;
        Partition[] partitions =
        [
            Partition.Of(rows, 1), Partition.Of(rows, 64, multiple: 12), Partition.OfRows(rows, 64), Partition.OfRows(rows, rows),
            Partition.Elementwise(device.Device, rows, 5), Partition.Slices(device.Device, rows, 1024, 64, waves: 8),
            .. Enum.GetValues<ElementType>().SelectMany(type => new[]
            {
                ProductTiles.Of(type, 6).Divide(device.Device, rows, 6), ProductTiles.Chunks(device.Device, type, rows, 6, 5),
            }),
        ];
        foreach (Partition partition in partitions)
        {
            Assert.InRange((long)partition.Blocks * partition.RowsPerBlock, rows, int.MaxValue);
            Assert.True((long)(partition.Blocks - 1) * partition.RowsPerBlock < rows);
        }
    }
}
