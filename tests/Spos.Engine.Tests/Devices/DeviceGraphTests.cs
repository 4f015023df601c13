using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Devices;

public sealed class DeviceGraphTests
{
    private const int Length = 1000;

    private static readonly Shape Flat = Shape.Vector(Length);

    [Theory]
    [OnGpus]
    public void Each_launch_works_on_what_lies_there_then(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 1);
        Tensor y = default;
        using DeviceGraph graph = DeviceGraph.Capture(session.Stream, session.Pool, () => y = Quadruple(session, x));
        y.Fill(session.Stream, -1);
        Assert.All(y.Download(session.Stream), v => Assert.Equal(-1, v));
        long launches = test.Device.GraphLaunches;
        foreach (float value in new[] { 1f, 5f, -2f })
        {
            x.Fill(session.Stream, value);
            Assert.True(graph.TryLaunch());
            Assert.All(y.Download(session.Stream), v => Assert.Equal(Math.Max(value, 0) * 4, v));
        }
        Assert.Equal(launches + 3, test.Device.GraphLaunches);
        y.Dispose();
    }

    [Theory]
    [OnGpus]
    public void What_the_work_has_given_back_is_nobody_elses_until_the_graph_ends(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 3);
        Quadruple(session, x).Dispose();
        Tensor y = default;
        DeviceGraph graph = DeviceGraph.Capture(session.Stream, session.Pool, () => y = Quadruple(session, x));
        Tensor[] others = [.. Enumerable.Range(0, 4).Select(_ => session.Rent(Flat))];
        foreach (Tensor other in others) other.Fill(session.Stream, 7);
        Assert.True(graph.TryLaunch());
        Assert.All(others, other => Assert.All(other.Download(session.Stream), v => Assert.Equal(7, v)));
        Assert.All(y.Download(session.Stream), v => Assert.Equal(12, v));
        foreach (Tensor other in others) other.Dispose();
        y.Dispose();
        long reserved = session.Pool.ReservedBytes;
        graph.Dispose();
        Assert.False(graph.TryLaunch());
        // Its memory serves again, and is freed with the rest.
        using (Tensor again = Quadruple(session, x)) Assert.All(again.Download(session.Stream), v => Assert.Equal(12, v));
        Assert.InRange(session.Pool.ReservedBytes, 1, reserved);
        session.Pool.Trim();
        Assert.InRange(session.Pool.ReservedBytes, Length * sizeof(float), 2 * Length * sizeof(float));
    }

    [Theory]
    [OnGpus]
    public void A_device_that_is_short_of_memory_takes_the_graphs(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 3);
        Tensor y = default;
        using DeviceGraph graph = DeviceGraph.Capture(session.Stream, session.Pool, () => y = Quadruple(session, x));
        Assert.True(graph.TryLaunch());
        Assert.InRange(session.Pool.Trim(), Length * sizeof(float), long.MaxValue);
        Assert.False(graph.TryLaunch());
        Assert.All(y.Download(session.Stream), v => Assert.Equal(12, v));
        y.Dispose();
        session.Pool.Trim();
        Assert.InRange(session.Pool.ReservedBytes, Length * sizeof(float), 2 * Length * sizeof(float));
    }

    [Theory]
    [OnGpus]
    public void Work_that_fails_leaves_the_stream_and_the_memory_as_they_were(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 3);
        int inUse = session.Pool.InUse;
        Assert.Throws<InvalidOperationException>(() => DeviceGraph.Capture(session.Stream, session.Pool, () =>
        {
            Quadruple(session, x).Dispose();
            throw new InvalidOperationException();
        }));
        Assert.Equal(inUse, session.Pool.InUse);
        using (Tensor y = Quadruple(session, x)) Assert.All(y.Download(session.Stream), v => Assert.Equal(12, v));
        session.Pool.Trim();
        Assert.InRange(session.Pool.ReservedBytes, Length * sizeof(float), 2 * Length * sizeof(float));
    }

    [Fact]
    public void Who_is_short_of_memory_while_a_graph_is_made_gets_that_of_the_graph()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        using var session = new Session(test.Device);
        using var loader = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 3);
        Tensor y = default;
        Thread? other = null;
        Exception? error = null;
        test.Device.LimitMemory(1L << 30);
        (long free, long total) = test.Device.ReadMemory();
        // Three tensors, of which the graph keeps two, and room for its launches.
        test.Device.LimitMemory(total - free + 7 * Length * sizeof(float) / 2);
        try
        {
            using DeviceGraph graph = DeviceGraph.Capture(session.Stream, session.Pool, () =>
            {
                y = Quadruple(session, x);
                other = new Thread(() => error = Record.Exception(() => loader.Rent(Shape.Vector(9 * Length / 4)).Dispose()));
                other.Start();
                // Long enough to ask in vain.
                Assert.False(other.Join(TimeSpan.FromMilliseconds(300)));
            });
            other!.Join();
            Assert.Null(error);
            Assert.False(graph.TryLaunch());
            y.Dispose();
        }
        finally
        {
            test.Device.LimitMemory(null);
        }
    }

    [Fact]
    public void Work_that_waits_is_refused()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        using var session = new Session(test.Device);
        using Tensor x = session.Rent(Flat);
        x.Fill(session.Stream, 3);
        DeviceException error = Assert.Throws<DeviceException>(
            () => DeviceGraph.Capture(session.Stream, session.Pool, () => x.Download(session.Stream)));
        Assert.Contains("operation not permitted when stream is capturing", error.Message, StringComparison.Ordinal);
        Assert.All(x.Download(session.Stream), v => Assert.Equal(3, v));
    }

    // max(x, 0) · 4, by way of two tensors that are given back.
    private static Tensor Quadruple(Session session, Tensor x)
    {
        var pass = Pass.Inference(session);
        using Tensor positive = Relu.Forward(pass, x);
        using Tensor twice = Relu.Forward(pass, positive);
        GradientTable.AddInPlace(session, twice, positive);
        Tensor sum = Relu.Forward(pass, twice);
        GradientTable.AddInPlace(session, sum, twice);
        return sum;
    }
}
