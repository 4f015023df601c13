namespace Spos.Engine.Kernels;

/// <summary>
/// Every kernel, its file under native/kernels and its parameters: what Spos.Generators reads in these files. A test compares this with
/// what each target's library exports.
/// </summary>
public static partial class KernelCatalogue
{
    /// <summary>One kernel.</summary>
    public readonly record struct Entry(string Module, string Name, IReadOnlyList<KernelParameter> Parameters);

    /// <summary>All kernels, file by file.</summary>
    public static IReadOnlyList<Entry> Entries { get; } = Make();

    /// <summary>
    /// The kernel files, those of many kernels first: they take longest to compile, and should not begin when the others are done.
    /// </summary>
    internal static IReadOnlyList<string> LargestModulesFirst { get; } =
        [.. Entries.GroupBy(e => e.Module).OrderByDescending(m => m.Count()).ThenBy(m => m.Key, StringComparer.Ordinal).Select(m => m.Key)];

    /// <summary>
    /// Those of them that a GPU's start compiles and loads: not branch.cu, by which only a CPU gains. It is compiled for a GPU when one of
    /// its kernels is launched there, as tests do.
    /// </summary>
    internal static IReadOnlyList<string> AtStartOfGpu { get; } = [.. LargestModulesFirst.Where(module => module != "branch")];

    private static partial Entry[] Make();

    /// <summary>What a launch comes to.</summary>
    /// <param name="kernel">Its place in <see cref="Entries"/>.</param>
    /// <param name="arguments">As cuLaunchKernel takes them: where each of the kernel's parameters is.</param>
    internal static unsafe partial KernelWork WorkOf(int kernel, long gridX, long gridY, void** arguments);
}
