using Spos.Engine.Autograd;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;

namespace Spos.Engine.Plans;

/// <summary>The plans of a network: each is made when it is first asked for. Those that were asked for last are kept.</summary>
public sealed class NetworkPlans : IDisposable
{
    // A phase has a batch size or two, and the last batch may be smaller.
    private const int Most = 8;

    private readonly Lock _lock = new();

    // From the one that was asked for longest ago on.
    private readonly List<(Key Key, RecordedPlan Plan)> _plans = [];

    private NetworkPlans()
    {
    }

    /// <summary>The network's plans, which end with it.</summary>
    public static NetworkPlans Of(ShuffleNetV2OneShot network) => network.Attachment(() => new NetworkPlans());

    /// <summary>The plan for batches of a size, by what the session computes convolutions with.</summary>
    /// <param name="target">Of training: what guesses are compared with.</param>
    /// <returns>It lasts until eight others were asked for.</returns>
    public NetworkPlan For(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, LossTarget target = default)
    {
        var key = KeyOf(isShared: false, session, network, kind, batch, target);
        lock (_lock)
        {
            return (NetworkPlan)(Find(key) ?? Add(key, new NetworkPlan(session, network, kind, batch, target)));
        }
    }

    /// <summary>The same for groups of paths.</summary>
    public SharedPlan ForGroups(Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch)
    {
        var key = KeyOf(isShared: true, session, network, kind, batch, target: default);
        lock (_lock)
        {
            return (SharedPlan)(Find(key) ?? Add(key, new SharedPlan(session, network, kind, batch)));
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            while (_plans.Count > 0) RemoveFirst();
        }
    }

    // Null if it is not kept.
    private RecordedPlan? Find(in Key key)
    {
        Key wanted = key;
        int at = _plans.FindIndex(one => one.Key == wanted);
        if (at < 0) return null;
        (Key, RecordedPlan Plan) found = _plans[at];
        _plans.RemoveAt(at);
        _plans.Add(found);
        return found.Plan;
    }

    private RecordedPlan Add(in Key key, RecordedPlan plan)
    {
        if (_plans.Count == Most) RemoveFirst();
        _plans.Add((key, plan));
        return plan;
    }

    private void RemoveFirst()
    {
        _plans[0].Plan.Dispose();
        _plans.RemoveAt(0);
    }

    private static Key KeyOf(
        bool isShared, Session session, ShuffleNetV2OneShot network, PlanKind kind, int batch, LossTarget target) => new(
        isShared, session, ConvolutionPlanner.Of(session).Plan, session.Precision, kind, batch,
        (session.Device.Threads, ImageSequence.AtOnce(session, kind, batch, network.Spec.ImageSize)), target);

    private readonly record struct Key(
        bool IsShared, Session Session, ConvolutionPlan Plan, Precision Precision, PlanKind Kind, int Batch,
        (int Threads, int AtOnce) ByImage, LossTarget Target);
}
