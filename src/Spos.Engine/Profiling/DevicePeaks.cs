using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Profiling;

/// <summary>
/// What a device reaches in kernels that do nothing else (native/kernels/peak.cu): the lines of its roofline (Williams et al.,
/// "Roofline: an insightful visual performance model", CACM 2009).
/// </summary>
/// <param name="FlopsPerSecond">Single-precision multiplications and additions, all multiprocessors or threads together.</param>
/// <param name="FlopsPerSecondBf16">Those of products of bf16 that are added up in single precision; 0 where there are none.</param>
/// <param name="BytesPerSecond">Read and written from memory, far beyond the caches.</param>
public sealed record DevicePeaks(double FlopsPerSecond, double FlopsPerSecondBf16, double BytesPerSecond)
{
    /// <summary>What a lane adds up in an iteration of peak_multiply_add_bf16: kPeakProducts of native/kernels/peak.cu.</summary>
    internal const int ProductsBf16 = 512;

    private const int Runs = 7, Chains = 12, CopyFloats = 64 << 20, BlocksPerUnit = 8;

    /// <summary>Measures all; the best of some runs.</summary>
    /// <param name="scale">1 measures for a second or two; less is quicker and less exact.</param>
    public static DevicePeaks Measure(Session session, double scale = 1)
    {
        Device device = session.Device;
        using var timer = new KernelTimer(device);
        device.Kernels.Timer = timer;
        int blocks = BlocksPerUnit * device.Multiprocessors, lanes = LanesOf(device, blocks);
        int iterations = Math.Max(1, (int)((device.BlocksAreThreads ? 2_000_000 : 20_000) * scale));
        // As long if such products are twice as fast.
        int iterationsBf16 = Math.Max(1, 2 * Chains * iterations / ProductsBf16);
        using (Tensor result = session.Rent(Shape.Vector(lanes)))
        {
            for (int i = 0; i < Runs; i++) session.Grid(blocks).PeakMultiplyAdd(result, 0.5f, iterations);
            for (int i = 0; i < Runs && device.MultipliesBf16; i++)
            {
                session.Grid(blocks).PeakMultiplyAddBf16(result, 0.5f, iterationsBf16);
            }
        }
        double flops = 2.0 * Chains * iterations * lanes / Best(timer, "peak_multiply_add");
        double flopsBf16 = device.MultipliesBf16
            ? 2.0 * ProductsBf16 * iterationsBf16 * lanes / Best(timer, "peak_multiply_add_bf16")
            : 0;

        int length = Math.Max(1 << 10, (int)(CopyFloats * scale));
        using Tensor x = session.Rent(Shape.Vector(length)), y = session.Rent(Shape.Vector(length));
        x.Fill(session.Stream, 1);
        const int perBlock = 1 << 14;
        for (int i = 0; i < Runs; i++) session.Grid(Partition.OfRows(length, perBlock).Blocks).PeakCopy(y, x, length, perBlock);
        return new DevicePeaks(flops, flopsBf16, 2.0 * sizeof(float) * length / Best(timer, "peak_copy"));
    }

    /// <summary>The least time that <paramref name="work"/> can take from memory, in seconds.</summary>
    public double LeastSeconds(KernelWork work) => Math.Max(ArithmeticSeconds(work), work.Bytes / BytesPerSecond);

    /// <summary>What <see cref="LeastSeconds"/> goes by: memory, or arithmetic in fp32, in bf16, or in both; empty for no work.</summary>
    public string LimitOf(KernelWork work)
    {
        if (work.Flops == 0 && work.Bytes == 0) return "";
        if (work.Bytes / BytesPerSecond >= ArithmeticSeconds(work)) return "memory";
        return work.ProductFlopsBf16 == 0 ? "fp32" : work.ProductFlopsBf16 == work.Flops ? "bf16" : "fp32 and bf16";
    }

    private double ArithmeticSeconds(KernelWork work) =>
        ((work.Flops - work.ProductFlopsBf16) / FlopsPerSecond)
        + (work.ProductFlopsBf16 > 0 ? work.ProductFlopsBf16 / FlopsPerSecondBf16 : 0);

    /// <summary>Lanes of <paramref name="blocks"/> blocks of the kernels that compute.</summary>
    internal static int LanesOf(Device device, int blocks) => blocks * device.ThreadsPerBlock * LaneWidth(device);

    private static double Best(KernelTimer timer, string kernel) =>
        timer.Launches.Where(l => l.Kernel == kernel).SelectMany(l => l.Seconds).Min();

    private static int LaneWidth(Device device) => device.InstructionSet switch
    {
        "avx512" => 16,
        "avx2" => 8,
        "x86-64" => 4,
        _ => 1,
    };
}
