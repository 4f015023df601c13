using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

namespace Spos.Engine.Training;

/// <summary>
/// A single-path network whose weights and running statistics are an exponential moving average of another's, as timm's ModelEma:
/// after each step average = d·average + (1−d)·value. d rises to the decay that was asked for, min(decay, (1 + n)/(10 + n)) after
/// n steps, so that the start is soon forgotten. Kernel: moving_average.
/// </summary>
public sealed class WeightAverage : IDisposable
{
    private readonly ShuffleNetV2OneShot _source;
    private readonly float _decay;

    /// <param name="decay">In (0, 1).</param>
    public WeightAverage(Session session, ShuffleNetV2OneShot source, float decay)
    {
        _source = source;
        _decay = decay;
        Network = new ShuffleNetV2OneShot(
            session, source.Spec, source.Path ?? throw new ArgumentException("only a single path has an average.", nameof(source)));
    }

    /// <summary>The averaged network.</summary>
    public ShuffleNetV2OneShot Network { get; }

    /// <summary>Starts at the source's values.</summary>
    public void Begin(Session session) => Move(session, 1);

    /// <summary>Follows the source after a step.</summary>
    /// <param name="stepsDone">Steps done, that one included.</param>
    public void Follow(Session session, long stepsDone) =>
        Move(session, 1 - (float)Math.Min(_decay, (1.0 + stepsDone) / (10.0 + stepsDone)));

    public void Dispose() => Network.Dispose();

    private void Move(Session session, float rate)
    {
        foreach ((ParameterGroup average, ParameterGroup value) in Network.GroupsOf(Network.Path!).Zip(_source.GroupsOf(Network.Path!)))
        {
            Move(session, average.Values, value.Values, rate);
        }
        foreach ((BatchNormLayer average, BatchNormLayer value) in Network.BatchNorms.Zip(_source.BatchNorms))
        {
            Move(session, average.RunningMean, value.RunningMean, rate);
            Move(session, average.RunningVariance, value.RunningVariance, rate);
            average.BatchesTracked = value.BatchesTracked;
        }
    }

    internal static void Move(Session session, Tensor average, Tensor value, float rate)
    {
        Partition partition = Partition.Flat(session.Device, value.Shape.Count);
        session.Grid(partition.Blocks).MovingAverage(average, value, value.Shape.Count, rate, partition.RowsPerBlock);
    }
}
