// What a training step on a random path takes the host, besides the kernels: cuLaunchKernel is replaced by a function that does nothing.
// Prints the median of 21 rounds of 50 steps, by the network's plan and op by op. Usage: spos-host-time
using System.Diagnostics;
using System.Runtime.InteropServices;
using Spos;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Architecture = Spos.Space.Architecture;
using PathSampler = Spos.Space.PathSampler;

const int Batch = 4, Paths = 50, Rounds = 21;
using var session = new Session(Device.Host);
using var network = new ShuffleNetV2OneShot(session, new NetworkSpec { ImageSize = 64 });
using Tensor images = session.Rent(new Shape(Batch, 64, 64, 3));
using var labels = new DeviceArray<int>(session.Pool, Batch);
images.Fill(session.Stream, 0.5f);
labels.Upload(session.Stream, new int[Batch]);
session.Stream.Synchronize();
var sampler = new PathSampler(NetworkFlops.Of(network.Spec));
Architecture[] paths = [.. Enumerable.Range(0, Paths).Select(i => sampler.Uniform(new CounterRandom(1, RandomPurpose.Paths, (ulong)i)))];
var optimizer = new Sgd(0.9f, 4e-5f);
using var plan = new NetworkPlan(session, network, PlanKind.Training, Batch);
Nothing.TakeTheLaunchesOf(session.Device.Driver);

foreach ((string name, Action<Architecture> work) in new (string, Action<Architecture>)[] { ("planned", Planned), ("op by op", OpByOp) })
{
    double[] milliseconds = new double[Rounds];
    for (int round = -3; round < Rounds; round++)
    {
        Nothing.Launches = 0;
        long start = Stopwatch.GetTimestamp();
        foreach (Architecture path in paths)
        {
            work(path);
            Move(path);
        }
        if (round >= 0) milliseconds[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Paths;
    }
    Array.Sort(milliseconds);
    Console.WriteLine($"{name}: {milliseconds[Rounds / 2]:0.000} ms a step, {Nothing.Launches / Paths} launches");
}

void Planned(Architecture path) => plan.Run(images, labels, path).Dispose();

void OpByOp(Architecture path)
{
    var tape = new Tape();
    using Tensor logits = network.Forward(Pass.Training(session, tape), images, path);
    (Tensor losses, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0, 1f / Batch);
    losses.Dispose();
    tape.Backward(session, logits, gradient!.Value);
}

void Move(Architecture path)
{
    for (int i = 0; i < network.GroupsOfPath; i++)
    {
        ParameterGroup group = network.GroupOf(path, i);
        group.GradientCount++;
        optimizer.Step(session, group, 0.01f);
    }
}

/// <summary>Launches that do nothing, and are counted.</summary>
internal static unsafe class Nothing
{
    public static long Launches { get; set; }

    public static void TakeTheLaunchesOf(CudaDriver driver)
    {
        delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult> nothing = &Launch;
        fixed (void* field = &driver.LaunchKernel) *(nint*)field = (nint)nothing;
    }

    [UnmanagedCallersOnly]
    private static CudaResult Launch(
        nint function, uint x, uint y, uint z, uint blockX, uint blockY, uint blockZ, uint shared, nint stream, void** arguments,
        void** extra)
    {
        Launches++;
        return CudaResult.Success;
    }
}
