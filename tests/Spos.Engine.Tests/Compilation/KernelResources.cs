using System.Globalization;
using System.Text.RegularExpressions;

namespace Spos.Engine.Tests.Compilation;

/// <summary>What one kernel uses on one architecture, as ptxas says it.</summary>
/// <param name="Registers">Of a thread.</param>
/// <param name="StackBytes">Of a thread, in local memory: arrays that are indexed at run time.</param>
/// <param name="SpilledBytes">Stored to local memory for want of registers.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
internal sealed partial record KernelResources(string Kernel, int Registers, int StackBytes, int SpilledBytes, int SharedBytes)
{
    private const int RegistersOfMultiprocessor = 65536, Warp = 32;

    /// <summary>
    /// Warps that a multiprocessor holds at once, in percent of the most it can, for blocks of <paramref name="threads"/>.
    /// Limits are those of the CUDA C++ programming guide, table "Technical specifications per compute capability".
    /// </summary>
    public int Occupancy(int architecture, int threads)
    {
        int mostWarps = architecture switch { 75 => 32, 86 or 89 => 48, _ => 64 };
        int sharedBytes = 1024 * architecture switch { 70 => 96, 75 => 64, 80 => 164, 86 or 89 => 100, _ => 228 };
        int mostBlocks = architecture switch { 75 or 86 => 16, 89 => 24, _ => 32 };
        int warps = (threads + Warp - 1) / Warp;
        // Registers are given to a warp in units of 256.
        int byRegisters = RegistersOfMultiprocessor / ((Registers * Warp + 255) / 256 * 256 * warps);
        // From compute capability 8 on, the system keeps 1 KiB of shared memory for each block.
        int shared = SharedBytes + (architecture >= 80 ? 1024 : 0);
        int byShared = shared == 0 ? mostBlocks : sharedBytes / shared;
        int blocks = Math.Min(Math.Min(mostBlocks, mostWarps / warps), Math.Min(byRegisters, byShared));
        return 100 * blocks * warps / mostWarps;
    }

    /// <summary>Reads the log of a compilation.</summary>
    public static IReadOnlyList<KernelResources> Parse(string log)
    {
        static int Number(Match match) => match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
        var kernels = new List<KernelResources>();
        foreach (string part in Entry().Split(log).Skip(1))
        {
            string name = part[..part.IndexOf('\'', StringComparison.Ordinal)];
            kernels.Add(new KernelResources(
                name, Number(Used().Match(part)), Number(Stack().Match(part)), Number(Spills().Match(part)), Number(Shared().Match(part))));
        }
        return kernels;
    }

    [GeneratedRegex("Compiling entry function '")]
    private static partial Regex Entry();

    [GeneratedRegex("Used ([0-9]+) registers")]
    private static partial Regex Used();

    [GeneratedRegex("([0-9]+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex("([0-9]+) bytes spill stores")]
    private static partial Regex Spills();

    [GeneratedRegex("([0-9]+) bytes smem")]
    private static partial Regex Shared();
}
