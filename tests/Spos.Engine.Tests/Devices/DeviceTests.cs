using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Ops;
using Spos.Engine.Profiling;
using Spos.Engine.Tensors;

namespace Spos.Engine.Tests.Devices;

/// <summary>What a device is asked for before any op: memory, copies, streams, events and its kernels.</summary>
public sealed class DeviceTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [OnHostAndSimt(1)]
    [OnHostAndSimt(1025)]
    [OnHostAndSimt(3 * MiB + 7)]
    public void What_is_copied_in_comes_back(string name, int length)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        float[] values = [.. Enumerable.Range(0, length).Select(i => (float)i)];
        using Tensor first = session.Rent(Shape.Vector(length)), second = session.Rent(Shape.Vector(length));
        first.Upload(session.Stream, values);
        second.CopyFrom(session.Stream, first);
        first.Fill(session.Stream, -3);
        Assert.Equal(values, second.Download(session.Stream));
        Assert.All(first.Download(session.Stream), value => Assert.Equal(-3, value));
    }

    [Theory]
    [OnHostAndSimt]
    public void What_was_allocated_is_told_and_given_back(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        (long before, long total) = test.Device.ReadMemory();
        Assert.InRange(before, 1, total);
        Assert.Equal(total, test.Device.TotalMemory);
        DeviceBuffer buffer = session.Pool.Rent(64 * MiB);
        Assert.InRange(session.Pool.ReservedBytes, 64 * MiB, 80 * MiB);
        buffer.Release();
        session.Pool.Trim();
        Assert.Equal(0, session.Pool.ReservedBytes);
    }

    [Theory]
    [OnHostAndSimt]
    public void A_stream_waits_for_what_an_event_of_another_marked(string name)
    {
        const int length = 512 * 1024, rounds = 20;
        using TestDevice test = TestDevice.Open(name);
        using var maker = new Session(test.Device);
        using var reader = new Session(test.Device);
        using DeviceEvent made = new(test.Device), read = new(test.Device);
        using Tensor passed = maker.Rent(Shape.Vector(length)), copy = reader.Rent(Shape.Vector(length));
        for (int round = 0; round < rounds; round++)
        {
            // Long work first, so that a stream that does not wait would read what was there before.
            for (int i = 0; i < 4; i++) passed.Fill(maker.Stream, -1 - i);
            passed.Fill(maker.Stream, round);
            made.Record(maker.Stream);
            reader.Stream.Wait(made);
            copy.CopyFrom(reader.Stream, passed);
            read.Record(reader.Stream);
            maker.Stream.Wait(read);
            passed.Fill(maker.Stream, -9);
            float[] values = copy.Download(reader.Stream);
            Assert.Equal((round, round, round), (values[0], values[length / 2], values[^1]));
        }
        maker.Stream.Synchronize();
    }

    [Theory]
    [OnHostAndSimt]
    public void Page_locked_memory_is_copied_from(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using var staging = new StagingBuffer(test.Device);
        using var array = new DeviceArray<int>(session.Pool, 100_000);
        foreach (int count in new[] { 100, 100_000, 1000 })
        {
            array.Upload(session.Stream, [.. Enumerable.Range(0, count).Select(i => i ^ count)], staging);
            // What is filled next waits for that copy.
            using (var next = new DeviceArray<int>(session.Pool, 100)) next.Upload(session.Stream, new int[100], staging);
            int[] back = new int[count];
            array.Download(session.Stream, back);
            Assert.Equal(Enumerable.Range(0, count).Select(i => i ^ count), back);
        }
    }

    [Theory]
    [OnHostAndSimt]
    public void Events_tell_the_time_between(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        using DeviceEvent start = new(test.Device, timing: true), end = new(test.Device, timing: true);
        using Tensor tensor = session.Rent(Shape.Vector(MiB));
        start.Record(session.Stream);
        for (int i = 0; i < 10; i++) tensor.Fill(session.Stream, i);
        end.Record(session.Stream);
        end.Synchronize();
        Assert.InRange(end.SecondsSince(start), 1e-7, 60);
    }

    /// <summary>On a GPU this compiles what was not compiled before: all files at once, as a program's start does.</summary>
    [Theory]
    [OnHostAndSimt]
    public void Every_kernel_is_there(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        test.Device.Kernels.LoadAll(KernelCatalogue.LargestModulesFirst, _ => { });
        Assert.All(KernelCatalogue.Entries, entry => Assert.Equal(entry.Name, test.Device.Kernels[entry.Name].Name));
    }

    [Theory]
    [OnHostAndSimt]
    public void A_launch_of_many_blocks_reaches_each(string name)
    {
        const int length = 2_000_003;
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        float[] values = [.. Enumerable.Range(0, length).Select(i => i % 2 == 0 ? i : -i)];
        using Tensor x = session.Rent(Shape.Vector(length));
        x.Upload(session.Stream, values);
        using Tensor y = Relu.Forward(Pass.Inference(session), x);
        Assert.Equal(values.Select(v => Math.Max(v, 0)), y.Download(session.Stream));
    }

    [Theory]
    [OnHostAndSimt]
    public void Its_peaks_can_be_measured(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        DevicePeaks peaks = DevicePeaks.Measure(session, 1e-4);
        Assert.InRange(peaks.FlopsPerSecond, 1, 1e17);
        Assert.InRange(peaks.FlopsPerSecondBf16, 1, 1e17);
        Assert.InRange(peaks.BytesPerSecond, 1, 1e15);
    }

    [Theory]
    [OnEachDevice]
    public void The_peak_of_bf16_is_of_as_many_products_as_are_counted(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var session = new Session(test.Device);
        const int blocks = 3, iterations = 5;
        using Tensor result = session.Rent(Shape.Vector(DevicePeaks.LanesOf(test.Device, blocks)));
        // Numbers of bf16 whose squares add up exactly. All that is below a half of the last place of bf16 is rounded away.
        session.Grid(blocks).PeakMultiplyAddBf16(result, 0.75f + 1e-4f, iterations);
        Assert.All(
            result.Download(session.Stream), value => Assert.Equal(iterations * DevicePeaks.ProductsBf16 * 0.75f * 0.75f, value));
    }

    [Fact]
    public void Work_is_held_against_the_peak_that_limits_it()
    {
        var peaks = new DevicePeaks(FlopsPerSecond: 100, FlopsPerSecondBf16: 200, BytesPerSecond: 10);
        Check(new KernelWork("", 0, 0), 0, "");
        Check(new KernelWork("", 30, 200), 3, "memory");
        Check(new KernelWork("", 10, 200), 2, "fp32");
        Check(new KernelWork("", 10, 600, 600), 3, "bf16");
        Check(new KernelWork("", 10, 600, 400), 4, "fp32 and bf16");

        void Check(KernelWork work, double seconds, string limit) =>
            Assert.Equal((seconds, limit), (peaks.LeastSeconds(work), peaks.LimitOf(work)));
    }

    [Fact]
    public void A_device_that_could_not_be_opened_may_be_the_next_time()
    {
        var kind = new OnceBusyKind();
        Assert.Throws<GpuUnavailableException>(() => kind.Open());
        Device opened = kind.Open();
        Assert.Same(opened, kind.Open());
        Assert.Equal(2, kind.Tries);
    }

    private sealed class OnceBusyKind : DeviceKind
    {
        public int Tries { get; private set; }

        public override string Name => "busy";

        public override int Count => 1;

        internal override CudaDriver NewDriver() => throw new NotSupportedException();

        internal override string MemoryName(Device device) => throw new NotSupportedException();

        internal override Cudnn OpenCudnn() => throw new NotSupportedException();

        private protected override Device OpenNew(int index) =>
            ++Tries == 1 ? throw new GpuUnavailableException("another program has it") : Device.Host;
    }
}
