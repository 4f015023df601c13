using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Profiling;

/// <summary>
/// What a device reaches in fp32 in kernels that do nothing else (native/kernels/peak.cu): the two lines of its roofline (Williams
/// et al., "Roofline: an insightful visual performance model", CACM 2009).
/// </summary>
/// <param name="FlopsPerSecond">Single-precision multiplications and additions, all multiprocessors or threads together.</param>
/// <param name="BytesPerSecond">Read and written from memory, far beyond the caches.</param>
public sealed record DevicePeaks(double FlopsPerSecond, double BytesPerSecond)
{
    private const int Runs = 7, Chains = 12, CopyFloats = 64 << 20, BlocksPerUnit = 8;

    /// <summary>Measures both; the best of some runs.</summary>
    /// <param name="scale">1 measures for a second or two; less is quicker and less exact.</param>
    public static DevicePeaks Measure(Session session, double scale = 1)
    {
        Device device = session.Device;
        using var timer = new KernelTimer(device);
        device.Kernels.Timer = timer;
        int lanes = device.ThreadsPerBlock * LaneWidth(device), blocks = BlocksPerUnit * device.Multiprocessors;
        int iterations = Math.Max(1, (int)((device.BlocksAreThreads ? 2_000_000 : 20_000) * scale));
        using (Tensor result = session.Rent(Shape.Vector(blocks * lanes)))
        {
            for (int i = 0; i < Runs; i++) session.Grid(blocks).PeakMultiplyAdd(result, 0.5f, iterations);
        }
        double flops = 2.0 * Chains * iterations * blocks * lanes / Best(timer);
        timer.Clear();

        int length = Math.Max(1 << 10, (int)(CopyFloats * scale));
        using Tensor x = session.Rent(Shape.Vector(length)), y = session.Rent(Shape.Vector(length));
        x.Fill(session.Stream, 1);
        const int perBlock = 1 << 14;
        for (int i = 0; i < Runs; i++) session.Grid(Partition.OfRows(length, perBlock).Blocks).PeakCopy(y, x, length, perBlock);
        return new DevicePeaks(flops, 2.0 * sizeof(float) * length / Best(timer));
    }

    /// <summary>The least time that <paramref name="work"/> can take from memory, in seconds.</summary>
    public double LeastSeconds(KernelWork work) => Math.Max(work.Flops / FlopsPerSecond, work.Bytes / BytesPerSecond);

    private static double Best(KernelTimer timer) => timer.Launches.SelectMany(l => l.Seconds).Min();

    private static int LaneWidth(Device device) => device.InstructionSet switch
    {
        "avx512" => 16,
        "avx2" => 8,
        "x86-64" => 4,
        _ => 1,
    };
}
