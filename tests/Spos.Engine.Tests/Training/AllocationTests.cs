using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Training;

/// <summary>A training step that is like the one before takes no device memory, and little of the managed heap.</summary>
public sealed class AllocationTests
{
    private const int Batch = 4, MostManagedBytes = 16 << 10;

    [Fact]
    public void A_warm_step_allocates_no_device_memory_and_little_managed_memory()
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
        Architecture path = Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3");
        void Step()
        {
            session.Tape = new Tape();
            using Tensor logits = network.Forward(session, images, path);
            (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / Batch);
            loss.Dispose();
            session.Tape.Backward(session, logits, gradient!.Value);
            session.Tape = null;
            ParameterGroup[] groups = [.. network.GroupsOf(path)];
            foreach (ParameterGroup group in groups) group.GradientCount++;
            optimizer.Step(session, groups, 0.01f);
        }
        for (int i = 0; i < 3; i++) Step();
        (long device, long managed) = (session.Pool.ReservedBytes, GC.GetAllocatedBytesForCurrentThread());
        Step();
        Assert.Equal(device, session.Pool.ReservedBytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - managed, 1, MostManagedBytes);
    }
}
