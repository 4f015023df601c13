using Spos.Engine.Compilation;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>What was found of NVIDIA's libraries, in words.</summary>
public static class GpuLibraries
{
    /// <summary>
    /// A line for each library and for the compiled kernels that came with the program: version and file, or
    /// what it costs that it is missing.
    /// </summary>
    public static IEnumerable<(string Name, string Value)> Describe()
    {
        foreach (NvidiaLibrary library in NvidiaLibrary.All) yield return (library.Title, Describe(library));
        PrebuiltKernels? prebuilt = PrebuiltKernels.TryOpen(PrebuiltKernels.FolderOfProgram, out string? whyNot);
        yield return ("compiled kernels", prebuilt == null
            ? $"{whyNot ?? $"none came with the program ({PrebuiltKernels.FolderOfProgram})"}: NVRTC compiles them once for each GPU"
            : $"{string.Join(", ", prebuilt.Offer.Targets)}: {prebuilt}");
        IReadOnlyList<string> named = LibrarySearch.OfMachine.Folders.Named, usual = LibrarySearch.OfMachine.Folders.Usual;
        if (LibrarySearch.OfMachine.Folders.Fault is { } fault) yield return ("named by the user", fault);
        if (named.Count > 0) yield return ("looked first in", string.Join(", ", named));
        yield return ("looked in", string.Join(", ", usual.Prepend("the loader's path")));
    }

    private static string Describe(NvidiaLibrary library)
    {
        LibrarySearch search = LibrarySearch.OfMachine;
        string refused = string.Concat(search.Refused(library).Select(reason => $"; {reason}"));
        IReadOnlyList<FoundLibrary> found = search.Find(library);
        if (found.Count == 0) return $"not found: {library.WithoutIt}{refused}";
        return string.Join("; ", found.Select(one => VersionOf(library, one) is { } version ? $"{version} in {one.Path}" : $"{one.Path}"))
            + refused;
    }

    // Null where it tells none.
    private static string? VersionOf(NvidiaLibrary library, FoundLibrary found)
    {
        try
        {
            if (library == NvidiaLibrary.Nvrtc) return $"{new Nvrtc(found).Version}";
            if (library == NvidiaLibrary.Driver) return $"CUDA {new CudaDriver(found.Handle).ReadVersion()}";
            if (library == NvidiaLibrary.Nccl) return new Nccl(found).ReadVersion()?.ToString();
            if (library == NvidiaLibrary.NvJpeg) return new NvJpeg(found).ReadVersion()?.ToString();
            return library == NvidiaLibrary.Cudnn ? Cudnn.VersionOf(found) : null;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or SposException)
        {
            return $"of no use ({error.Message})";
        }
    }
}
