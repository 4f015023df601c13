using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Kernels;

/// <summary>Launchers refuse arrays that are too short before anything is launched.</summary>
public sealed class LaunchGridTests : IDisposable
{
    private readonly Session _session = new(Device.Host);

    public void Dispose() => _session.Dispose();

    [Fact]
    public void An_array_that_is_too_short()
    {
        using Tensor x = Filled(64), y = Filled(63);
        Refused("relu_forward takes 64 values of y, and got 63.", () => _session.Grid(1).ReluForward(y, x, 64, 64));
        Refused("relu_forward takes 64 values of x, and got 63.", () => _session.Grid(1).ReluForward(x, y, 64, 64));
        _session.Grid(1).ReluForward(y, x, 63, 64);
        _session.Stream.Synchronize();
    }

    [Fact]
    public void A_part_of_a_tensor_is_as_long_as_what_is_left_of_it()
    {
        using Tensor x = Filled(64), y = Filled(64);
        Refused("relu_forward takes 64 values of y, and got 63.", () => _session.Grid(1).ReluForward(y.From(1), x, 64, 64));
        using var labels = new DeviceArray<int>(_session.Pool, 4);
        Refused("label_rank takes 4 values of labels, and got 3.", () => _session.Grid(1).LabelRank(labels, x, labels.From(1), 4, 16, 4));
        Assert.Equal(3 * sizeof(int), labels.From(1).Cast<byte>().Length);
    }

    [Fact]
    public void A_pointer_that_may_be_null_is_checked_where_it_is_given()
    {
        using Tensor logits = Filled(4 * 16), loss = Filled(4), gradient = Filled((4 * 16) - 1);
        using var labels = new DeviceArray<int>(_session.Pool, 4);
        labels.Upload(_session.Stream, [0, 1, 2, 3]);
        Refused(
            "softmax_cross_entropy takes 64 values of dlogits, and got 63.",
            () => _session.Grid(1).SoftmaxCrossEntropy(loss, gradient, logits, labels, 4, 16, 0.1f, 1, 1, 4));
        _session.Grid(1).SoftmaxCrossEntropy(loss, null, logits, labels, 4, 16, 0.1f, 1, 1, 4);
        Assert.All(loss.Download(_session.Stream), value => Assert.True(value > 0));
    }

    [Fact]
    public void Rows_that_lie_apart_need_what_is_between()
    {
        using Tensor x = Filled(3 * 8), w = Filled(8 * 4), channels = Filled(4), y = Filled((2 * 6) + 4);
        void Launch(int yStride) => _session.Grid(1).PointwiseNormalised(
            y, x, w, channels, channels, rows: 3, @in: 8, @out: 4, yStride, rectify: true, rowsPerBlock: 3);
        Launch(6);
        Refused("pointwise_normalised takes 18 values of y, and got 16.", () => Launch(7));
        _session.Stream.Synchronize();
    }

    [Fact]
    public void Arrays_of_another_type_than_the_first()
    {
        using Tensor x = Filled(3 * 8), w = Filled(8 * 4), channels = Filled(4), y = Filled(3 * 4);
        using Tensor halves = _session.Rent(x.Shape, ElementType.BFloat16);
        void Launch(ElementSpan y, ElementSpan x) => _session.Grid(1).PointwiseNormalised(
            y, x, w, channels, channels, rows: 3, @in: 8, @out: 4, yStride: 4, rectify: true, rowsPerBlock: 3);
        Refused(
            "pointwise_normalised takes values of one type, and its y has Float32, its x BFloat16.", () => Launch(y, halves));
        Refused("pointwise_normalised takes values of one type, and its y has BFloat16, its x Float32.", () => Launch(halves, x));
        // Lengths count values, whatever these take.
        Refused("pointwise_normalised takes 24 values of x, and got 23.", () => Launch(halves, ((ElementSpan)halves).From(1)));
        Launch(y, x);
        _session.Stream.Synchronize();
    }

    [Fact]
    public void A_part_of_an_array_of_either_type()
    {
        using Tensor halves = _session.Rent(Shape.Vector(8), ElementType.BFloat16);
        ElementSpan all = halves, end = all.From(3), typed = (DeviceSpan<Bf16>)halves;
        Assert.Equal(all, typed);
        Assert.Equal((5, ElementType.BFloat16, all.Address + (3 * sizeof(ushort))), (end.Length, end.Type, end.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.From(8));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.From(-1));
        using Tensor floats = Filled(8);
        Assert.Equal(floats.Address + (3 * sizeof(float)), ((ElementSpan)floats).From(3).Address);
    }

    private Tensor Filled(int count)
    {
        Tensor tensor = _session.Rent(Shape.Vector(count));
        tensor.Fill(_session.Stream, 1);
        return tensor;
    }

    private static void Refused(string message, Action launch) => Assert.Equal(message, Assert.Throws<ArgumentException>(launch).Message);
}
