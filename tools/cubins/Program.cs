// Compiles the kernels for NVIDIA's GPUs, for a bundle that carries them (PrebuiltKernels). It needs NVRTC, and no GPU:
// dotnet run --project tools/cubins -- FOLDER TARGET..., such as sm_80 for machine code, or compute_90 for PTX, which later GPUs can use
// too.
using Spos;
using Spos.Engine.Compilation;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

const int success = 0, failure = 1, usage = 2;
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: cubins FOLDER TARGET..., such as cubins build/cubins sm_80 sm_90 compute_90");
    return usage;
}
try
{
    if (LibrarySearch.OfMachine.Folders.Fault is { } fault)
    {
        Console.Error.WriteLine($"cubins: {fault}.");
        return failure;
    }
    KernelCompiler? compiler = KernelCompiler.TryCreate();
    if (compiler == null)
    {
        Console.Error.WriteLine($"cubins: NVRTC is missing: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Nvrtc)}.");
        return failure;
    }
    var targets = new List<KernelTarget>();
    foreach (string name in args[1..])
    {
        if (KernelTarget.TryParse(name) is { } target && compiler.Offer.Targets.Contains(target))
        {
            targets.Add(target);
            continue;
        }
        Console.Error.WriteLine(
            $"cubins: NVRTC {compiler.Version} ({compiler.Path}) does not compile for {name}, "
            + $"but for {string.Join(", ", compiler.Offer.Targets)}.");
        return usage;
    }
    PrebuiltKernels.Build(args[0], compiler, targets, KernelCatalogue.LargestModulesFirst);
    Console.WriteLine(
        $"{Path.GetFullPath(args[0])}: "
        + $"{KernelSources.Modules.Count} kernel files for {string.Join(", ", targets)}, by NVRTC {compiler.Version}");
    return success;
}
catch (SposException error)
{
    Console.Error.WriteLine($"cubins: {error.Message}");
    return failure;
}
