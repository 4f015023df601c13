using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>The kernels that one of our libraries holds (native/abi/spos_kernels.h).</summary>
internal static unsafe class KernelList
{
    /// <summary>One kernel: its file, its name and the bytes of each parameter.</summary>
    public sealed record Entry(string Module, string Name, IReadOnlyList<int> ParameterSizes);

    /// <summary>Those of a library, in the order of their names.</summary>
    public static IReadOnlyList<Entry> Of(nint library)
    {
        var get = (delegate* unmanaged<int, byte**, byte**, int*, int**, CudaResult>)NativeLibrary.GetExport(library, "sposGetKernel");
        var entries = new List<Entry>();
        byte* module, name;
        int count;
        int* sizes;
        while (get(entries.Count, &module, &name, &count, &sizes) == CudaResult.Success && name != null)
        {
            entries.Add(new Entry(
                Marshal.PtrToStringUTF8((nint)module)!, Marshal.PtrToStringUTF8((nint)name)!,
                new ReadOnlySpan<int>(sizes, count).ToArray()));
        }
        return entries;
    }
}
