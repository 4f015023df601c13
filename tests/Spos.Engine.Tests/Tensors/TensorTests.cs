using Spos.Engine.Autograd;
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
}
