using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>A step takes no memory once its plan is made, neither of the device nor of the managed heap, whatever its path.</summary>
public sealed class AllocationTests
{
    private const int Batch = 4;

    [Theory]
    [InlineData(PlanKind.Training)]
    [InlineData(PlanKind.Recalibration)]
    [InlineData(PlanKind.Inference)]
    public void A_warm_step_on_another_path_allocates_nothing(PlanKind kind)
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        var spec = new NetworkSpec { ImageSize = 32, Classes = 4 };
        using var network = new ShuffleNetV2OneShot(session, spec);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
        using Tensor images = session.Rent(new Shape(Batch, spec.ImageSize, spec.ImageSize, 3));
        images.Fill(session.Stream, 0.5f);
        using var labels = new DeviceArray<int>(session.Pool, Batch);
        labels.Upload(session.Stream, [0, 1, 2, 3]);
        var optimizer = new Sgd(0.9f, 4e-5f);
        NetworkPlan plan = NetworkPlans.Of(network).For(session, network, kind, Batch, LossTarget.Labels(0.1f));
        (float[] losses, int[] ranks) = (new float[Batch], new int[Batch]);
        Architecture[] paths =
        [
            .. new[]
            {
                "2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3", "0 0 1 1 2 2 3 3 0 1 2 3 3 2 1 0 1 1 1 1",
                "3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3",
            }.Select(text => Architecture.Parse(text)),
        ];
        // Inference's paths are ready before, as for the batches of an evaluation.
        Dictionary<Architecture, PathGroup> ready = kind == PlanKind.Inference
            ? paths.ToDictionary(path => path, path => PathGroup.Ready(session, network, path))
            : [];
        void Step(Architecture path)
        {
            using Predictions predictions = ready.TryGetValue(path, out PathGroup? one)
                ? plan.Run(images, labels, one)
                : plan.Run(images, labels, path);
            if (kind != PlanKind.Recalibration) predictions.Download(session.Stream, losses, ranks);
            if (kind != PlanKind.Training) return;
            for (int i = 0; i < network.GroupsOfPath; i++)
            {
                ParameterGroup group = network.GroupOf(path, i);
                group.GradientCount++;
                optimizer.Step(session, group, 0.01f);
            }
        }
        foreach (Architecture path in paths) Step(path);
        long device = session.Pool.ReservedBytes, least = long.MaxValue;
        // The runtime's own caches grow now and then.
        for (int i = 0; i < 5; i++)
        {
            long managed = GC.GetAllocatedBytesForCurrentThread();
            foreach (Architecture path in paths) Step(path);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - managed);
        }
        Assert.Equal(0, least);
        Assert.Equal(device, session.Pool.ReservedBytes);
        foreach (PathGroup readied in ready.Values) readied.Dispose();
    }
}
