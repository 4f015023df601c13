using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Tests.Devices;

/// <summary>Two devices of a kind in one process: each has its own context, streams, memory and kernels.</summary>
public sealed class SeveralDevicesTests
{
    private const int Batch = 2, Steps = 2;
    private const float Smoothing = 0.1f;

    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 4,
        StemChannels = 4,
        StageRepeats = [1, 1, 1, 2],
        StageChannels = [8, 16, 24, 32],
        LastChannels = 12,
    };

    private static readonly Architecture Path = Architecture.Parse("2 1 0 3 1");

    /// <summary>The GPU's kind too where there are two, as on the checking driver.</summary>
    public static TheoryData<string> Kinds =>
        Device.WhyNoCuda() == null && DeviceKind.Cuda.Count > 1 ? ["host", "simt 1", "cuda"] : ["host", "simt 1"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Two_train_at_once_to_the_bits_of_each_alone(string name)
    {
        using var pair = new Pair(name);
        float[] first = Training(pair.First, 1).Last(), second = Training(pair.Second, 2).Last();
        Assert.NotEqual(first, second);
        // They are alike.
        Assert.Equal(first, Training(pair.Second, 1).Last());

        // On two threads.
        float[][] atOnce = AtOnce(() => Training(pair.First, 1).Last(), () => Training(pair.Second, 2).Last());
        Assert.Equal(first, atOnce[0]);
        Assert.Equal(second, atOnce[1]);

        // On one thread, step by step.
        (float[] firstInTurn, float[] secondInTurn) = Training(pair.First, 1).Zip(Training(pair.Second, 2)).Last();
        Assert.Equal(first, firstInTurn);
        Assert.Equal(second, secondInTurn);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_lies_on_one_is_refused_on_the_other(string name)
    {
        using var pair = new Pair(name);
        using Session here = new(pair.First), there = new(pair.Second);
        using Tensor x = here.Rent(Shape.Vector(64)), y = there.Rent(Shape.Vector(64));
        x.Fill(here.Stream, 1);
        y.Fill(there.Stream, 2);
        (string first, string second) = (pair.First.Id, pair.Second.Id);
        Expect(
            $"relu_forward runs on {first}, and its y lies on {second}: copy it there first.",
            () => here.Grid(1).ReluForward(y, x, 64, 64));
        Expect($"relu_forward runs on {second}, and its x lies on {first}", () => there.Grid(1).ReluForward(y, x, 64, 64));
        foreach (Action mistake in new Action[]
        {
            () => y.Fill(here.Stream, 1), () => y.CopyFrom(there.Stream, x), () => x.CopyFrom(here.Stream, y),
            () => y.Download(here.Stream), () => y.Upload(here.Stream, new float[64]),
        })
        {
            Expect("copy it there first", mistake);
        }
        Assert.All(x.Download(here.Stream), value => Assert.Equal(1, value));
        Assert.All(y.Download(there.Stream), value => Assert.Equal(2, value));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Each_has_its_own_memory(string name)
    {
        const int size = 64 << 20;
        using var pair = new Pair(name);
        using Session here = new(pair.First), there = new(pair.Second);
        (long freeHere, long freeThere) = (pair.First.ReadMemory().Free, pair.Second.ReadMemory().Free);
        DeviceBuffer buffer = here.Pool.Rent(size);
        Assert.InRange(here.Pool.ReservedBytes, size, 2 * size);
        Assert.Equal(0, there.Pool.ReservedBytes);
        // Of others, other tests take memory at the same time.
        if (pair.First.Kind == "simt")
        {
            Assert.InRange(freeHere - pair.First.ReadMemory().Free, size, 2 * size);
            Assert.InRange(freeThere - pair.Second.ReadMemory().Free, -size, size - 1);
        }
        Assert.Null(pair.Second.Pools.RoomAt(buffer.Pointer));
        Assert.NotNull(pair.First.Pools.RoomAt(buffer.Pointer));
        buffer.Release();
    }

    [Fact]
    public void A_fault_on_one_emulated_gpu_leaves_the_other_alone()
    {
        using var pair = new Pair("simt 1");
        using Session there = new(pair.Second);
        var here = new Session(pair.First);
        using Tensor x = here.Rent(Shape.Vector(64)), y = there.Rent(Shape.Vector(64));
        // It was never written.
        here.Grid(1).ReluForward(x, x, 64, 64);
        Assert.Throws<DeviceException>(here.Stream.Synchronize);
        Assert.Contains("never written", pair.First.Report!, StringComparison.Ordinal);
        Assert.Null(pair.Second.Report);
        y.Fill(there.Stream, -1);
        there.Grid(1).ReluForward(y, y, 64, 64);
        Assert.All(y.Download(there.Stream), value => Assert.Equal(0, value));
        pair.First.Reset();
        here.Dispose();
    }

    [Fact]
    public void Each_host_device_has_threads_of_its_own()
    {
        using var pair = new Pair("host");
        int before = pair.First.Threads;
        pair.Second.Threads = before + 2;
        Assert.Equal((before, before + 2), (pair.First.Threads, pair.Second.Threads));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void All_are_listed(string name)
    {
        using var pair = new Pair(name);
        string kind = pair.First.Kind;
        IReadOnlyList<DeviceInfo> devices = DeviceName.Parse(kind).Kind.List();
        Assert.Equal(Enumerable.Range(0, devices.Count).Select(i => $"{kind}:{i}"), devices.Select(d => d.Id));
        DeviceInfo second = pair.Second.Info;
        Assert.All(devices, d => Assert.Equal((second.Name, second.Memory, second.Capability), (d.Name, d.Memory, d.Capability)));
        Assert.Same(pair.Second, Device.Open($"{kind}:1"));
        Assert.Same(pair.First, Device.Open(kind));
        var missing = Assert.Throws<NoSuchDeviceException>(() => Device.Open($"{kind}:99"));
        Assert.Equal($"there are {devices.Count} devices of kind {kind}, {kind}:0 to {kind}:{devices.Count - 1}", missing.Message);
    }

    [Theory]
    [InlineData("cuda", "cuda", 0)]
    [InlineData("cuda:0", "cuda", 0)]
    [InlineData("cuda:1", "cuda", 1)]
    [InlineData("1", "cuda", 1)]
    [InlineData("CUDA:12", "cuda", 12)]
    [InlineData("cpu", "host", 0)]
    [InlineData("cpu:0", "host", 0)]
    [InlineData("host", "host", 0)]
    [InlineData("simt:3", "simt", 3)]
    public void Names_are_those_of_pytorch_and_our_own(string text, string kind, int index)
    {
        DeviceName name = DeviceName.Parse(text);
        Assert.Equal((kind, index), (name.Kind.Name, name.Index));
        Assert.Equal(name, DeviceName.Parse(name.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:+1")]
    [InlineData("cuda:1:2")]
    [InlineData("cuda: 1")]
    [InlineData("cuda:99999999999")]
    [InlineData("99999999999")]
    [InlineData("tpu")]
    public void Other_names_are_refused(string text)
    {
        Assert.False(DeviceName.TryParse(text, out _));
        var error = Assert.Throws<NoSuchDeviceException>(() => Device.Open(text));
        Assert.Contains("there are cuda, host, simt", error.Message, StringComparison.Ordinal);
    }

    private static void Expect(string message, Action mistake) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(mistake).Message, StringComparison.Ordinal);

    // A thread for each. A test's turn belongs to its own thread, so it waits here.
    private static T[] AtOnce<T>(params Func<T>[] works)
    {
        var results = new T[works.Length];
        var failures = new Exception?[works.Length];
        Thread[] threads = [.. works.Select((work, i) => new Thread(() => failures[i] = Record.Exception(() => results[i] = work())))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.All(failures, Assert.Null);
        return results;
    }

    // The weights and running statistics after each step.
    private static IEnumerable<float[]> Training(Device device, ulong seed)
    {
        using var session = new Session(device);
        using var network = new ShuffleNetV2OneShot(session, Spec);
        Initialisation.Initialise(network, session.Stream, seed, InitialisationScheme.Official);
        using Tensor images = session.Rent(new Shape(Batch, Spec.ImageSize, Spec.ImageSize, 3));
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(i => MathF.Sin((0.37f * i) + seed))]);
        using var labels = new DeviceArray<int>(session.Pool, Batch);
        labels.Upload(session.Stream, [0, 3]);
        var optimizer = new Sgd(0.9f, 4e-5f);
        NetworkPlans plans = NetworkPlans.Of(network);
        for (int step = 0; step < Steps; step++)
        {
            // By ops one after the other, and by a plan.
            if (step == 0) Differentiate(session, network, images, labels);
            else plans.For(session, network, PlanKind.Training, Batch, LossTarget.Labels(Smoothing)).Run(images, labels, Path).Dispose();
            ParameterGroup[] groups = [.. network.GroupsOf(Path)];
            foreach (ParameterGroup group in groups) group.GradientCount++;
            optimizer.Step(session, groups, 0.1f);
            yield return
            [
                .. network.Parameters.SelectMany(p => p.Value.Download(session.Stream)),
                .. network.BatchNorms.SelectMany(b => b.RunningMean.Download(session.Stream)),
                .. network.BatchNorms.SelectMany(b => b.RunningVariance.Download(session.Stream)),
            ];
        }
    }

    private static void Differentiate(Session session, ShuffleNetV2OneShot network, Tensor images, DeviceArray<int> labels)
    {
        var tape = new Tape();
        using Tensor logits = network.Forward(Pass.Training(session, tape), images, Path);
        (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, Smoothing, 1f / Batch);
        loss.Dispose();
        tape.Backward(session, logits, gradient!.Value);
    }

    // The first two devices of a kind. Tests on emulated ones take turns, as elsewhere.
    private sealed class Pair : IDisposable
    {
        private readonly TestDevice _turn;

        /// <param name="name">As <see cref="TestDevice"/> takes it.</param>
        public Pair(string name)
        {
            string kind = name.Split(' ')[0];
            (DeviceKind.All.First(k => k.Name == kind) as OwnKind)?.ShowAtLeast(2);
            _turn = TestDevice.Open(name);
            First = _turn.Device;
            Second = DeviceName.Parse($"{kind}:1").Open();
            if (kind == "simt") Second.SetSchedule(1);
        }

        public Device First { get; }

        public Device Second { get; }

        public void Dispose()
        {
            if (Second.Kind == "simt") Second.Reset();
            _turn.Dispose();
        }
    }
}
