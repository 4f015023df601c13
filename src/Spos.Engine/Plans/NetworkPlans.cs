using Spos.Engine.Autograd;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;

namespace Spos.Engine.Plans;

/// <summary>The plans of a network: each is made when it is first asked for.</summary>
public sealed class NetworkPlans : IDisposable
{
    // A phase has a batch size or two, and the last batch may be smaller.
    private const int Most = 8;

    private readonly List<(Key Key, NetworkPlan Plan)> _plans = [];

    private NetworkPlans()
    {
    }

    /// <summary>The network's plans, which end with it.</summary>
    public static NetworkPlans Of(ShuffleNetV2OneShot network) => network.Attachment(() => new NetworkPlans());

    /// <summary>The plan for batches of a size, by what the session computes convolutions with.</summary>
    /// <param name="smoothing">Of labels, in training.</param>
    public NetworkPlan For(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, float smoothing = 0)
    {
        var key = new Key(session, ConvolutionPlanner.Of(session).Plan, kind, batch, smoothing);
        int at = _plans.FindIndex(one => one.Key == key);
        if (at < 0)
        {
            if (_plans.Count == Most) RemoveAt(0);
            _plans.Add((key, new NetworkPlan(session, network, kind, batch, smoothing)));
            at = _plans.Count - 1;
        }
        return _plans[at].Plan;
    }

    public void Dispose()
    {
        while (_plans.Count > 0) RemoveAt(0);
    }

    private void RemoveAt(int index)
    {
        _plans[index].Plan.Dispose();
        _plans.RemoveAt(index);
    }

    private readonly record struct Key(Session Session, ConvolutionPlan Plan, PlanKind Kind, int Batch, float Smoothing);
}
