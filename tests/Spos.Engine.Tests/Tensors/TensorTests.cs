using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Tensors;

/// <summary>Handles, references and the memory behind them.</summary>
public sealed class TensorTests
{
    [Fact]
    public void A_handle_that_was_disposed_of_refers_to_nothing_even_when_its_reference_is_used_again()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        Tensor first = session.Rent(Shape.Vector(8)), copy = first;
        first.Dispose();
        using Tensor second = session.Rent(Shape.Vector(8));
        second.Fill(session.Stream, 1);
        Assert.Throws<ObjectDisposedException>(() => copy.Shape);
        Assert.Throws<ObjectDisposedException>(() => copy.Fill(session.Stream, 2));
        Assert.Throws<ObjectDisposedException>(() => copy.Retain());
        // Harmless, above all to the tensor that may have the same object.
        copy.Dispose();
        Assert.Equal(Enumerable.Repeat(1f, 8), second.Download(session.Stream));
        Assert.NotEqual(copy, second);
        default(Tensor).Dispose();
        Assert.Throws<ObjectDisposedException>(() => default(Tensor).Shape);
    }

    [Fact]
    public void Memory_is_kept_while_any_reference_to_it_is_held()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        Tensor whole = session.Rent(new Shape(2, 1, 1, 4));
        int inUse = session.Pool.InUse;
        Tensor other = whole.Retain(), view = whole.View(Shape.Vector(4), 4);
        Assert.Equal(whole.Identity, other.Identity);
        Assert.NotEqual(whole.Identity, view.Identity);
        Assert.NotEqual(whole, other);
        whole.Fill(session.Stream, 3);
        whole.Dispose();
        other.Dispose();
        Assert.Equal(inUse, session.Pool.InUse);
        Assert.Equal([3f, 3, 3, 3], view.Download(session.Stream));
        view.Dispose();
        Assert.Equal(inUse - 1, session.Pool.InUse);
    }

    [Fact]
    public void References_let_go_on_one_thread_serve_another()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        Tensor[] made = [.. Enumerable.Range(0, 100).Select(_ => session.Rent(Shape.Vector(1)))];
        var thread = new Thread(() =>
        {
            foreach (Tensor tensor in made) tensor.Dispose();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(0, session.Pool.InUse);
        Assert.All(made, tensor => Assert.Throws<ObjectDisposedException>(() => tensor.Shape));
    }

    [Fact]
    public void Values_of_bf16_take_half_the_room_and_are_counted_as_values()
    {
        using TestDevice test = TestDevice.Open("simt 0");
        using var session = new Session(test.Device);
        // It hands out exactly what is asked for.
        using Tensor whole = session.Rent(new Shape(2, 1, 1, 4), ElementType.BFloat16);
        Assert.Equal(8 * 2, session.Pool.PeakBytesInUse);
        Bf16[] values = [.. Enumerable.Range(0, 8).Select(i => (Bf16)(float)i)];
        whole.Upload(session.Stream, values);
        using Tensor view = whole.View(Shape.Vector(5), 3), within = view.View(Shape.Vector(2), 1), other = within.Retain();
        Assert.All(new[] { whole, view, within, other }, tensor => Assert.Equal(ElementType.BFloat16, tensor.ElementType));
        Assert.Equal(values[3..], Values(session, view));
        Assert.Equal(values[4..6], Values(session, other));
        DeviceSpan<Bf16> all = view, end = view.From<Bf16>(2);
        Assert.Equal((5, 3, 4UL), (all.Length, end.Length, end.Address - all.Address));
        ReadOnlyDeviceSpan<Bf16> read = view;
        Assert.Equal((all.Address, all.Length), (read.Address, read.Length));
        Assert.Equal(whole.Address + 6, all.Address);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.View(Shape.Vector(5), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.From<Bf16>(5));
        Assert.Throws<ArgumentException>(() => view.Upload(session.Stream, values));
        using Tensor copy = session.Rent(view.Shape, ElementType.BFloat16);
        copy.CopyFrom(session.Stream, view);
        Assert.Equal(values[3..], Values(session, copy));
    }

    [Fact]
    public void Bf16_does_not_fit_where_its_bytes_do_not()
    {
        using TestDevice test = TestDevice.Open("simt 0");
        using var session = new Session(test.Device);
        DeviceBuffer buffer = session.Pool.Rent(8);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Tensor(buffer, Shape.Vector(4), 1, ElementType.BFloat16));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Tensor(buffer, Shape.Vector(4)));
        using var tensor = new Tensor(buffer, Shape.Vector(3), 1, ElementType.BFloat16);
        Assert.Equal(buffer.Pointer + 2, tensor.Address);
    }

    [Fact]
    public void A_tensor_is_not_taken_for_one_of_another_type()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        DeviceStream stream = session.Stream;
        using Tensor floats = session.Rent(Shape.Vector(4)), halves = Pass.Inference(session).Rent(Shape.Vector(4), ElementType.BFloat16);
        void Refused(Tensor tensor, Action use)
        {
            ElementType other = tensor == floats ? ElementType.BFloat16 : ElementType.Float32;
            string message = Assert.Throws<InvalidOperationException>(use).Message;
            Assert.Equal($"The tensor [1, 1, 1, 4] holds values of {tensor.ElementType}, and is used as one of {other}.", message);
        }
        Refused(halves, () => _ = (DeviceSpan<float>)halves);
        Refused(halves, () => _ = (ReadOnlyDeviceSpan<float>)halves);
        Refused(halves, () => halves.From(0));
        Refused(halves, () => halves.Fill(stream, 1));
        Refused(halves, () => halves.Upload(stream, [1f, 2, 3, 4]));
        Refused(halves, () => halves.Download(stream));
        Refused(halves, () => halves.Download(stream, new float[4]));
        Refused(halves, () => floats.CopyFrom(stream, halves));
        Refused(floats, () => halves.CopyFrom(stream, floats));
        Refused(floats, () => _ = (DeviceSpan<Bf16>)floats);
        Refused(floats, () => _ = (ReadOnlyDeviceSpan<Bf16>)floats);
        Refused(floats, () => floats.From<Bf16>(0));
        Refused(floats, () => floats.Upload(stream, new Bf16[4]));
        Refused(floats, () => floats.Download(stream, new Bf16[4]));
        Assert.Throws<NotSupportedException>(() => floats.From<int>(0));
    }

    private static Bf16[] Values(Session session, Tensor tensor)
    {
        Bf16[] values = new Bf16[tensor.Shape.Count];
        tensor.Download(session.Stream, values);
        return values;
    }
}
