using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Graphs;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Runs.Proposals;

namespace Spos.Cli.Benchmarks;

/// <summary>Measures what proposed options take on a device.</summary>
/// <param name="data">The data set's training pictures.</param>
internal sealed class ProposalMeasure(
    Device device, Computation way, ImageFolder data, int workers, DamageReport damage)
{
    // A guess for people, made in seconds.
    private const int Runs = 3, Pictures = 64, LeastPictures = 4;

    // As many as seconds allow of large pictures.
    private const long MostPixels = 50_000_000;

    /// <summary>Times steps and the loading of some pictures; null if a batch has no room.</summary>
    public PictureSeconds? Of(Proposal options, DataFacts facts)
    {
        using Session session = DeviceUse.NewSession(device, way.Plan, way.Precision);
        if (!HasRoom(session, options)) return null;
        IReadOnlyList<StepResult> steps;
        using (var benchmark = new StepBenchmark(session, options.Network, options.BatchSize))
        {
            steps = benchmark.Run([way], null, Runs, inference: false, () => { });
        }
        int most = (int)Math.Clamp(MostPixels / ((long)facts.LongSide * facts.ShortSide), LeastPictures, Pictures);
        int count = Math.Min(most, data.Samples.Length);
        var loader = new LoaderOptions
        {
            ImageSize = options.Network.ImageSize,
            BatchSize = Math.Min(options.BatchSize, count),
            Workers = workers,
            LeaveOutDamaged = true,
        };
        ImageFolder some = data.Subset(Enumerable.Range(0, count).Select(i => (int)((long)i * data.Samples.Length / count)));
        double loads = new LoaderBenchmark(device, some, loader, damage, count).Run(1, () => { })[0].Rates.Median;
        return new PictureSeconds(1 / steps[0].Rates.Median, 1 / steps[1].Rates.Median, 1 / loads);
    }

    // As it is planned, nothing of it is taken.
    private static bool HasRoom(Session session, Proposal options)
    {
        using var network = new ShuffleNetV2OneShot(session, options.Network);
        long picture = NetworkGraph.ImagesOf(options.Network).Count * sizeof(float);
        int fits = BatchRoom.Largest(
            session, options.BatchSize + 1, 0,
            count => NetworkPlan.BytesOf(session, network, PlanKind.Training, count) + count * picture);
        return fits >= options.BatchSize;
    }
}
