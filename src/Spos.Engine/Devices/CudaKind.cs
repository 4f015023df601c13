using System.Runtime.InteropServices;
using Spos.Engine.Compilation;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>NVIDIA's GPUs: driver, contexts, and where their kernels come from.</summary>
internal sealed unsafe class CudaKind : DeviceKind
{
    // What fails is tried again the next time.
    private readonly Lazy<(nint Library, int Count)> _driver = new(Load, LazyThreadSafetyMode.PublicationOnly);

    public override string Name => "cuda";

    /// <exception cref="GpuUnavailableException">The driver is missing, does not work, or finds none.</exception>
    public override int Count => _driver.Value.Count;

    // As PyTorch names them.
    protected override bool IsNumbered => true;

    internal override CudaDriver NewDriver() => new(_driver.Value.Library);

    // NVIDIA's driver carries out every launch; the checking driver may be told not to (native/abi/spos_checking.h).
    internal override bool IsDry => NativeLibrary.TryGetExport(_driver.Value.Library, "sposCheckingIsDry", out nint isDry)
        && ((delegate* unmanaged<int>)isDry)() != 0;

    internal override string MemoryName(Device device) => $"The memory of {device.Name}";

    internal override Cudnn OpenCudnn() => Cudnn.TryFind()
        ?? throw new GpuUnavailableException(
            $"cuDNN 9 is missing: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Cudnn)}. --plan fused, the default, needs none");

    private protected override Device OpenNew(int index)
    {
        CudaDriver driver = NewDriver();
        try
        {
            int architecture = ArchitectureOf(driver, OrdinalOf(driver, index));
            return new Device(this, index, driver, Images(driver.ReadVersion(), architecture));
        }
        catch (DeviceException error)
        {
            throw new GpuUnavailableException($"the NVIDIA GPU cannot be opened: {error.Message} {Advice(error.Result)}", cause: error);
        }
    }

    private static (nint Library, int Count) Load()
    {
        if (LibrarySearch.OfMachine.Folders.Fault is { } fault) throw new GpuUnavailableException(fault);
        FoundLibrary library = LibrarySearch.OfMachine.Find(NvidiaLibrary.Driver) is [var found, ..]
            ? found
            : throw new GpuUnavailableException(
                $"no NVIDIA driver: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Driver)}. "
                    + "Install the driver; a container is to be started with its GPUs",
                isAbsent: !GpuIsInMachine());
        return (library.Handle, Start(Bind(library)));
    }

    private static CudaDriver Bind(FoundLibrary library)
    {
        try
        {
            return new CudaDriver(library.Handle);
        }
        catch (EntryPointNotFoundException error)
        {
            throw new GpuUnavailableException(
                $"the NVIDIA driver is too old ({library.Path} has no {EntryPoint(error)}): install one of CUDA 11.2 or later",
                cause: error);
        }
    }

    // The name is the first one in quotes.
    private static string EntryPoint(EntryPointNotFoundException error) =>
        error.Message.Split('\'') is [_, var name, ..] ? name : "entry point that is needed";

    // How many GPUs it finds.
    private static int Start(CudaDriver driver)
    {
        int count = 0;
        try
        {
            driver.Check(driver.Init(0), "cuInit");
            driver.Check(driver.DeviceGetCount(&count), "cuDeviceGetCount");
        }
        catch (DeviceException error)
        {
            bool absent = error.Result == CudaResult.NoDevice;
            string advice = absent
                ? "If there is one, see what nvidia-smi says, and CUDA_VISIBLE_DEVICES"
                : "See whether nvidia-smi works; after an update of the driver the machine has to be restarted";
            throw new GpuUnavailableException($"no NVIDIA GPU that works: {error.Message} {advice}", absent && IsMeant(), error);
        }
        return count > 0 ? count : throw new GpuUnavailableException("no NVIDIA GPU: the driver found none", IsMeant());
    }

    private static KernelImages Images(Version version, int architecture)
    {
        PrebuiltKernels? prebuilt = PrebuiltKernels.TryOpen(PrebuiltKernels.FolderOfProgram, out string? whyNot);
        IReadOnlyList<KernelCompiler> compilers = KernelCompiler.FindAll();
        if (KernelImages.Choose(version, architecture, prebuilt, compilers, CubinCache.OfUser) is { } images) return images;
        string came = prebuilt != null ? $"; the {prebuilt} are not for it" : whyNot != null ? $"; {whyNot}" : "";
        throw new GpuUnavailableException(compilers.Count == 0
            ? $"NVRTC, which compiles the kernels, is missing: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Nvrtc)}{came}"
            : $"no NVRTC here compiles kernels for this GPU (sm_{architecture}) and its driver (CUDA {version}): "
                + $"there is {string.Join(", ", compilers.Select(c => $"{c.Version} in {c.Path}"))}{came}. "
                + $"Install that of CUDA {version}, or name its folder in {LibraryFolders.Variable}");
    }

    private static string Advice(CudaResult result) => result switch
    {
        CudaResult.DeviceUnavailable => "Another program may have it for itself: nvidia-smi shows which, and the GPU's compute mode",
        CudaResult.OutOfMemory => "Its memory is full: nvidia-smi shows whose programs have it",
        _ => "See whether nvidia-smi works",
    };

    // That a driver finds no GPU is as meant where none is in the machine, or where the user hides them.
    private static bool IsMeant() => !GpuIsInMachine() || Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") != null;

    // The kernel's part of NVIDIA's driver, or WSL's.
    private static bool GpuIsInMachine() => File.Exists("/dev/nvidia0") || File.Exists("/dev/dxg");
}
