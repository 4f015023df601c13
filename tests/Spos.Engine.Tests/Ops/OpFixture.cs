using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

/// <summary>
/// A session whose fresh memory is NaN, so that an output that is not written shows, with helpers to run an op forward and
/// backward. Disposing checks that all memory came back.
/// </summary>
internal sealed class OpFixture : IDisposable
{
    private readonly CounterRandom _random = new(7, RandomPurpose.Weights, 0);
    private readonly List<IDisposable> _owned = [];

    private readonly TestDevice _device;

    public OpFixture(string device)
    {
        _device = TestDevice.Open(device);
        Session = new Session(_device.Device);
        Session.Pool.Poison = true;
    }

    public Session Session { get; }

    /// <summary>Values with a mean that is not zero, so that errors do not cancel.</summary>
    public float[] Values(long count, float mean = 0.25f)
    {
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++) values[i] = mean + _random.NextNormal();
        return values;
    }

    public Tensor Tensor(Shape shape, float[] values)
    {
        Tensor tensor = Session.Rent(shape);
        tensor.Upload(Session.Stream, values);
        _owned.Add(tensor);
        return tensor;
    }

    /// <summary>With values rounded to a type.</summary>
    public Tensor Tensor(Shape shape, float[] values, ElementType type)
    {
        if (type == ElementType.Float32) return Tensor(shape, values);
        Tensor tensor = Own(Session.Rent(shape, type));
        tensor.Upload(Session.Stream, [.. values.Select(value => (Bf16)value)]);
        return tensor;
    }

    /// <summary>A tensor's values, whatever their type.</summary>
    public float[] Download(Tensor tensor)
    {
        if (tensor.ElementType == ElementType.Float32) return tensor.Download(Session.Stream);
        var values = new Bf16[tensor.Shape.Count];
        tensor.Download(Session.Stream, values);
        return [.. values.Select(value => (float)value)];
    }

    public Parameter Parameter(Shape shape, float[] values)
    {
        var group = new ParameterGroup();
        Parameter parameter = group.Add("weight", shape, decays: true);
        group.Allocate(Session.Pool, Session.Stream);
        parameter.Value.Upload(Session.Stream, values);
        _owned.Add(group);
        return parameter;
    }

    /// <summary>A batch norm without affine part.</summary>
    public BatchNormLayer BatchNorm(int channels, bool affine = false)
    {
        ParameterGroup group = Own(new ParameterGroup());
        BatchNormLayer layer = Own(new BatchNormLayer("bn", channels, affine, group));
        group.Allocate(Session.Pool, Session.Stream);
        layer.Allocate(Session.Pool, Session.Stream);
        return layer;
    }

    public T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    public DeviceArray<int> Labels(int[] labels)
    {
        var array = Own(new DeviceArray<int>(Session.Pool, labels.Length));
        array.Upload(Session.Stream, labels);
        return array;
    }

    /// <summary>Runs an op that takes x, then its backward with dy; returns y and dx (null if there is none).</summary>
    public (float[] Y, float[]? Dx) Run(Tensor x, Func<Pass, Tensor> forward, Func<Shape, float[]> gradient, out float[] dy)
    {
        var tape = new Tape();
        using Tensor y = forward(Pass.Training(Session, tape));
        float[] result = y.Download(Session.Stream);
        dy = gradient(y.Shape);
        Tensor upstream = Session.Rent(y.Shape);
        upstream.Upload(Session.Stream, dy);
        using Tensor? dx = tape.Backward(Session, y, upstream, x);
        return (result, dx?.Download(Session.Stream));
    }

    public void Dispose()
    {
        try
        {
            // A device that failed has thrown already; what is left on it goes with its reset.
            if (_device.Device.Report != null) return;
            foreach (IDisposable item in _owned) item.Dispose();
            Assert.Equal(0, Session.Pool.InUse);
            Session.Dispose();
        }
        finally
        {
            _device.Dispose();
        }
    }
}
