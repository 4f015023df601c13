using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Inverted dropout: x/(1−p) with probability 1−p, else 0, decided by the session's key and the place. In a pass that does not
/// drop it does nothing. Kernel: dropout.
/// </summary>
public static class Dropout
{
    /// <summary>From now on this key decides what is dropped: the same two numbers drop the same values. At first both are 0.</summary>
    public static void UseKey(Session session, ulong seed, ulong stream) => Key.Of(session).Set(session, seed, stream);

    /// <param name="x">Any shape; the result has the same, and may be the same value.</param>
    public static Tensor Forward(Pass pass, Tensor x, float probability)
    {
        if (pass.Tape is not { } tape || !pass.Drops || probability == 0) return x.Retain();
        Tensor y = pass.Rent(x.Shape);
        Key key = Key.Of(pass.Session);
        Launch(pass.Session, y, x, probability, key);
        tape.Record(new Step(x, y, probability, key));
        return y;
    }

    private static void Launch(Session session, Tensor y, Tensor x, float probability, Key key)
    {
        Partition partition = Partition.Flat(session.Device, x.Shape.Count);
        session.Grid(partition.Blocks).Dropout(y, x, x.Shape.Count, key.Numbers, probability, partition.RowsPerBlock);
    }

    private sealed class Step(Tensor x, Tensor y, float probability, Key key) : BackwardStep(y)
    {
        private readonly long _input = x.Identity, _setting = key.Settings;

        public override void Run(Session session, ReadOnlySpan<Tensor> outputGradients, GradientTable gradients)
        {
            if (key.Settings != _setting) throw new InvalidOperationException("The key of dropout has changed since the forward pass.");
            Tensor dy = outputGradients[0];
            Launch(session, dy, dy, probability, key);
            gradients.Add(_input, dy.Retain());
        }
    }

    // The key lies in device memory, so that each launch of a graph uses the one that is set then.
    private sealed class Key : IDisposable
    {
        // A pool of its own: the session's takes back what a step that failed has rented, and this is kept from step to step.
        private readonly BufferPool _pool;
        private readonly StagingBuffer _staging;

        private Key(Session session)
        {
            _pool = new BufferPool(session.Device, session.Stream);
            _staging = new StagingBuffer(session.Device);
            Numbers = new DeviceArray<ulong>(_pool, 2);
            Set(session, 0, 0);
        }

        /// <summary>The seed, and the stream in it.</summary>
        public DeviceArray<ulong> Numbers { get; }

        /// <summary>How often the key was set.</summary>
        public long Settings { get; private set; }

        public static Key Of(Session session) => session.Attachment(s => new Key(s));

        public void Set(Session session, ulong seed, ulong stream)
        {
            Numbers.Upload(session.Stream, [seed, stream], _staging);
            Settings++;
        }

        public void Dispose()
        {
            _staging.Dispose();
            Numbers.Dispose();
            _pool.Dispose();
        }
    }
}

/// <summary>In training, each number becomes 0 with a probability p and else 1/(1 − p) of it; in inference nothing changes.</summary>
public sealed record DropoutOp(float Probability) : GraphOp
{
    public override string PytorchModule => $"nn.Dropout({Probability.ToString(CultureInfo.InvariantCulture)})";

    public override FeatureShape OutputOf(ReadOnlySpan<FeatureShape> inputs) => Only(inputs);

    // Graphs are for inference.
    internal override string ToOnnx(
        OnnxGraph graph, string name, IReadOnlyList<string> inputs, Func<OpTensor, float[]> values, string? output = null) =>
        inputs[0];

    internal override Tensor Run(Pass pass, ReadOnlySpan<Tensor> inputs, object? state) =>
        Dropout.Forward(pass, inputs[0], Probability);
}
