using System.Text;
using Spos.Engine.Compilation;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// A device that runs kernels, through the CUDA driver's interface: one of those that its <see cref="DeviceKind"/> has. Opened once in a
/// process; any thread may use it, and several devices at once, each work on a <see cref="DeviceStream"/> of its own. Devices have nothing
/// in common: what was made on one is not taken by another.
/// </summary>
public sealed unsafe class Device
{
    // kMostThreads of the kernels' toolchains.
    private const int MostThreadsPerBlock = 256;

    // CUdevice_attribute.
    private const int MaxThreadsPerBlockAttribute = 1, MultiprocessorCount = 16;

    // The device whose context is current on this thread, of whatever driver.
    [ThreadStatic]
    private static Device? s_current;

    private readonly DeviceKind _kind;
    private readonly Lazy<Cudnn> _cudnn;
    private readonly nint _context;
    private ILaunches? _launches;

    /// <param name="index">Which one of its kind.</param>
    /// <param name="driver">Bound and started, for this device alone.</param>
    /// <param name="images">A GPU's kernels; null for our own drivers, which hold theirs.</param>
    internal Device(DeviceKind kind, int index, CudaDriver driver, KernelImages? images)
    {
        (_kind, Driver, Images) = (kind, driver, images);
        _cudnn = new Lazy<Cudnn>(kind.OpenCudnn);
        Ordinal = DeviceKind.OrdinalOf(driver, index);
        nint context;
        driver.Check(driver.PrimaryCtxRetain(&context, Ordinal), "cuDevicePrimaryCtxRetain");
        _context = context;
        Info = kind.Read(driver, index);
        MaxThreadsPerBlock = DeviceKind.Attribute(driver, Ordinal, MaxThreadsPerBlockAttribute);
        Multiprocessors = DeviceKind.Attribute(driver, Ordinal, MultiprocessorCount);
        Architecture = DeviceKind.ArchitectureName(driver, Ordinal);
        IsDry = kind.IsDry;
    }

    /// <summary>
    /// What SPOS_CPU may name: the instruction sets of the CPU that kernels are compiled for (native/host/instruction_set.cpp).
    /// </summary>
    public static IReadOnlyList<string> InstructionSets { get; } = ["avx512", "avx2", "x86-64"];

    /// <summary>The CPU of this machine, or the first part of it.</summary>
    public static Device Host => DeviceKind.Host.Open();

    /// <summary>Where the native libraries are looked for.</summary>
    public static string NativeFolder => NativeLibraries.Folder;

    /// <summary>The first NVIDIA GPU.</summary>
    /// <exception cref="GpuUnavailableException">There is none, or its driver or NVRTC is missing or does not work; the
    /// message says which.</exception>
    public static Device Cuda => DeviceKind.Cuda.Open();

    /// <summary>Opens the device that --device names: as <see cref="DeviceName"/> reads it, or "auto" for the best one there is.</summary>
    /// <exception cref="NoSuchDeviceException">There is no such device.</exception>
    /// <exception cref="GpuUnavailableException">This machine does not have it.</exception>
    /// <exception cref="FormatException">SPOS_MEMORY_LIMIT is no number of bytes.</exception>
    public static Device Open(string name) =>
        name == "auto" ? WhyNoCuda() == null ? Cuda : Host : DeviceName.Parse(name).Open();

    /// <summary>Why <see cref="Cuda"/> cannot be opened here; null if it can.</summary>
    public static string? WhyNoCuda()
    {
        try
        {
            _ = Cuda;
            return null;
        }
        catch (SposException error)
        {
            return error.Message;
        }
    }

    /// <summary>What it is.</summary>
    public DeviceInfo Info { get; }

    /// <summary>What --device takes for it, such as "cuda:1".</summary>
    public string Id => Info.Id;

    /// <summary>The name of its kind: "cuda", "host" or "simt".</summary>
    public string Kind => _kind.Name;

    /// <summary>The product name, such as the CPU's.</summary>
    public string Name => Info.Name;

    /// <summary>Bytes of memory in all.</summary>
    public long TotalMemory => Info.Memory;

    /// <summary>CUdevice.</summary>
    internal int Ordinal { get; }

    /// <summary>The words for the device's memory at the start of a sentence.</summary>
    internal string MemoryName => _kind.MemoryName(this);

    /// <summary>The pools of its memory.</summary>
    internal PoolList Pools { get; } = new();

    /// <summary>Bytes of memory that are free now, and in all.</summary>
    public (long Free, long Total) ReadMemory()
    {
        MakeCurrent();
        nuint free, total;
        Driver.Check(Driver.MemGetInfo(&free, &total), "cuMemGetInfo");
        return ((long)free, (long)total);
    }

    /// <summary>
    /// Gives out no more memory than this, and so does each other device of its kind; null for all there is. The CPU and the emulated GPU
    /// only.
    /// </summary>
    internal void LimitMemory(long? bytes) => _kind.LimitMemory(this, bytes);

    /// <summary>Most threads of a block; 1 on the host, where a block is one thread.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Multiprocessors; on the host, threads when it was opened.</summary>
    public int Multiprocessors { get; }

    /// <summary>The compute capability, such as "sm_80".</summary>
    public string Architecture { get; }

    /// <summary>Threads of a block that kernels are launched with: 1 on the host, else 256.</summary>
    public int ThreadsPerBlock => Math.Min(MostThreadsPerBlock, MaxThreadsPerBlock);

    /// <summary>
    /// Blocks that are worked on at once: on a GPU two on each multiprocessor, which kernels are compiled to fit
    /// (native/toolchains/nvrtc.h) whatever the compiler makes of them; on the host one on each thread.
    /// </summary>
    internal int ResidentBlocks => BlocksAreThreads ? Multiprocessors : 2 * Multiprocessors;

    /// <summary>Whether a block is one thread of the CPU, which takes its work in large pieces.</summary>
    internal bool BlocksAreThreads => MaxThreadsPerBlock == 1;

    /// <summary>
    /// Whether each buffer is allocated and freed on its own and to the byte: slow, but then the emulated device sees every
    /// access outside of a buffer or after its end.
    /// </summary>
    internal bool ExactBuffers => _kind.ExactBuffers;

    /// <summary>Whether launches are checked and not carried out (native/checking): results are zeros.</summary>
    public bool IsDry { get; }

    /// <summary>Those who launch on the device: they are above it, and it knows no more of them. Null before the first launch.</summary>
    internal ILaunches? Launches => Volatile.Read(ref _launches);

    /// <summary>Hands over those who launch on the device, and returns those that were there before if there were.</summary>
    internal ILaunches Begin(ILaunches launches) => Interlocked.CompareExchange(ref _launches, launches, null) ?? launches;

    /// <summary>Sees all that is copied out: a check whether work that is done again gives the same bits.</summary>
    internal Action<ReadOnlySpan<byte>>? Downloaded { get; set; }

    internal CudaDriver Driver { get; }

    /// <summary>A GPU's compiled kernels; null for our own libraries, which hold theirs.</summary>
    internal KernelImages? Images { get; }

    /// <summary>Where a GPU's kernels come from; null for the others.</summary>
    public string? KernelOrigin => Images?.Origin;

    /// <summary>What a GPU's kernels are compiled to, such as sm_90; null for the others.</summary>
    public string? KernelTarget => Images?.Target.Name;

    /// <summary>Whether products of bf16 can be made: on a GPU by tensor cores, which multiply bf16 from sm_80 on.</summary>
    public bool MultipliesBf16 => Images is not { Target.Architecture: < 80 };

    /// <summary>Whether it has <see cref="RunByImage"/>, and launches need neither be watched nor run alone.</summary>
    internal bool RunsByImage => _kind.RunsByImage && !IsSynchronous && Launches is not { AreWatched: true };

    /// <summary>Does a sequence of launches for each image: a thread takes an image through all of them.</summary>
    /// <param name="atOnce">Images that a sequence works on.</param>
    /// <param name="mostThreads">As many have memory.</param>
    internal void RunByImage(DeviceStream stream, HostSequence* sequence, int images, int atOnce, int mostThreads) =>
        _kind.RunByImage(stream, sequence, images, atOnce, mostThreads);

    /// <summary>Whether each launch waits until it has run, alone, so that a failure names the kernel that caused it. Slow.</summary>
    public bool IsSynchronous
    {
        get => Driver.IsSynchronous;
        set => Driver.IsSynchronous = value;
    }

    /// <summary>Whether work that repeats itself is issued as a graph where the driver has graphs. The bits are the same.</summary>
    public bool WantsGraphs { get; set; } = true;

    /// <summary>Whether work is issued as graphs now: not while launches are timed, recorded or waited for one by one.</summary>
    internal bool UsesGraphs => WantsGraphs && Driver.HasGraphs && !IsSynchronous && Launches is not { AreWatched: true };

    /// <summary>How often a graph was launched.</summary>
    internal long GraphLaunches { get; set; }

    /// <summary>Held by the launch that runs alone.</summary>
    internal Lock OneByOne { get; } = new();

    /// <summary>Loaded on first use: nothing needs it but the convolutions that are built on it.</summary>
    /// <exception cref="GpuUnavailableException">It is not installed.</exception>
    internal Cudnn Cudnn => _cudnn.Value;

    /// <summary>CPU threads that run blocks; results do not depend on it. Host only.</summary>
    /// <exception cref="DeviceException">Fewer than 1, more than the driver takes, or more than the system starts.</exception>
    public int Threads
    {
        get => _kind.ReadThreads(this);
        set => _kind.SetThreads(this, value);
    }

    /// <summary>The CPU instruction set in use: "avx512", "avx2" or "x86-64". Host only; empty for others.</summary>
    public string InstructionSet => _kind.InstructionSet;

    /// <summary>Makes the calling thread able to use the device. Cheap when it already is.</summary>
    internal void MakeCurrent() => Driver.Check(TryMakeCurrent(), "cuCtxSetCurrent");

    /// <summary>As <see cref="MakeCurrent"/>, for an end that must not fail.</summary>
    internal CudaResult TryMakeCurrent()
    {
        if (s_current == this) return CudaResult.Success;
        CudaResult result = Driver.CtxSetCurrent(_context);
        if (result == CudaResult.Success) s_current = this;
        return result;
    }

    /// <summary>The order in which an emulated device runs streams, blocks and threads; 0 for the order of issue.</summary>
    public void SetSchedule(ulong seed) => _kind.SetSchedule(this, seed);

    /// <summary>What an emulated device found wrong since it was last reset; null if nothing.</summary>
    internal string? Report => _kind.ReadReport(this);

    /// <summary>Frees all memory of the device and clears its errors. What was open on it must not be used again.</summary>
    internal void Reset()
    {
        Driver.Check(Driver.PrimaryCtxReset(Ordinal), "cuDevicePrimaryCtxReset");
        (Driver.Loss, Driver.HasToldLoss) = (null, false);
    }

    /// <summary>Ends the device for this process, which must not use it again: a context takes some hundred megabytes of a GPU.</summary>
    internal void Release()
    {
        _ = Driver.PrimaryCtxRelease(Ordinal);
        if (s_current == this) s_current = null;
    }

    /// <summary>What cuModuleLoadData takes for a kernel file: a cubin, or for our libraries, which hold the kernels, its name.</summary>
    internal byte[] ImageOf(string module) => Images?.Of(module) ?? ModuleName(module);

    /// <summary>The image by which our libraries know a module.</summary>
    internal static byte[] ModuleName(string module) => Encoding.ASCII.GetBytes($"spos-module {module}\0");

    /// <summary>The kernels that the device's library holds; null for a GPU, whose kernels NVRTC compiles.</summary>
    internal IReadOnlyList<KernelList.Entry>? CompiledKernels => _kind.CompiledKernels;

    public override string ToString() => Id;
}
