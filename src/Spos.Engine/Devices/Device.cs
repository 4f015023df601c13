using System.Runtime.InteropServices;
using System.Text;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// A device that runs kernels, through the CUDA driver's interface. Opened once per process and kind; any thread may
/// use it, each work on a <see cref="DeviceStream"/> of its own.
/// </summary>
public sealed unsafe class Device
{
    private static readonly Lazy<Device> LazyHost = new(OpenHost);
    private static readonly Lazy<Device> LazySimt = new(OpenSimt);
    private static readonly Lazy<Device> LazyCuda = new(CudaOpening.Open);

    // kMostThreads of the kernels' toolchains.
    private const int MostThreadsPerBlock = 256;

    [ThreadStatic]
    private static Device? s_current;

    private readonly Lazy<Cudnn> _cudnn;
    private readonly nint _context;
    private readonly HostExtensions? _host;
    private readonly SimtExtensions? _simt;
    private readonly MemoryLimit? _limit;
    private readonly Lazy<KernelList?> _compiled;

    /// <param name="images">A GPU's kernels; null for our own libraries, which hold theirs.</param>
    internal Device(string kind, CudaDriver driver, nint library, HostExtensions? host, SimtExtensions? simt, KernelImages? images)
    {
        if (images == null)
        {
            _limit = new MemoryLimit(library);
            _limit.Set(MemoryLimit.FromEnvironment());
        }
        Kind = kind;
        _cudnn = new Lazy<Cudnn>(OpenCudnn);
        _compiled = new Lazy<KernelList?>(() => images == null ? new KernelList(library) : null);
        Images = images;
        Driver = driver;
        _host = host;
        _simt = simt;
        driver.Check(driver.Init(0), "cuInit");
        int ordinal;
        driver.Check(driver.DeviceGet(&ordinal, 0), "cuDeviceGet");
        nint context;
        driver.Check(driver.PrimaryCtxRetain(&context, ordinal), "cuDevicePrimaryCtxRetain");
        _context = context;
        byte* name = stackalloc byte[256];
        driver.Check(driver.DeviceGetName(name, 256, ordinal), "cuDeviceGetName");
        Name = Marshal.PtrToStringUTF8((nint)name) ?? "";
        nuint bytes;
        driver.Check(driver.DeviceTotalMem(&bytes, ordinal), "cuDeviceTotalMem");
        TotalMemory = (long)bytes;
        MaxThreadsPerBlock = Attribute(driver, ordinal, 1);
        Multiprocessors = Attribute(driver, ordinal, 16);
        Architecture = $"sm_{Attribute(driver, ordinal, 75)}{Attribute(driver, ordinal, 76)}";
        IsDry = CheckingExtensions.IsDry(library);
        Kernels = new KernelSet(this);
    }

    /// <summary>What SPOS_CPU may name: the instruction sets of the CPU that kernels are compiled for (native/host/instruction_set.cpp).</summary>
    public static IReadOnlyList<string> InstructionSets { get; } = ["avx512", "avx2", "x86-64"];

    /// <summary>The CPU of this machine.</summary>
    public static Device Host => LazyHost.Value;

    /// <summary>Where the native libraries are looked for.</summary>
    public static string NativeFolder => NativeLibraries.Folder;

    /// <summary>A GPU emulated on the CPU, slowly, which finds what a GPU would break on.</summary>
    public static Device Simt => LazySimt.Value;

    /// <summary>The first NVIDIA GPU.</summary>
    /// <exception cref="GpuUnavailableException">There is none, or its driver or NVRTC is missing or does not work; the message says which.</exception>
    public static Device Cuda => LazyCuda.Value;

    /// <summary>Opens the device that --device names: "cuda", "host", "simt", or "auto" for the best one there is.</summary>
    /// <exception cref="ArgumentException">No such device.</exception>
    /// <exception cref="GpuUnavailableException">This machine does not have it.</exception>
    /// <exception cref="FormatException">SPOS_MEMORY_LIMIT is no number of bytes.</exception>
    public static Device Open(string name) => name switch
    {
        "auto" => WhyNoCuda() == null ? Cuda : Host,
        "cuda" => Cuda,
        "host" => Host,
        "simt" => Simt,
        _ => throw new ArgumentException($"Unknown device '{name}': there are 'cuda', 'host', 'simt', and 'auto' for the best one."),
    };

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

    /// <summary>The name that --device takes.</summary>
    public string Kind { get; }

    /// <summary>The product name, such as the CPU's.</summary>
    public string Name { get; }

    /// <summary>Bytes of memory in all.</summary>
    public long TotalMemory { get; }

    /// <summary>The words for the device's memory at the start of a sentence.</summary>
    internal string MemoryName => Kind switch
    {
        "host" => "The CPU's memory",
        "simt" => "The emulated GPU's memory",
        _ => $"The memory of {Name}",
    };

    /// <summary>The pools of its memory.</summary>
    internal PoolList Pools { get; } = new();

    /// <summary>Bytes of memory that are free now, and in all.</summary>
    internal (long Free, long Total) ReadMemory()
    {
        MakeCurrent();
        nuint free, total;
        Driver.Check(Driver.MemGetInfo(&free, &total), "cuMemGetInfo");
        return ((long)free, (long)total);
    }

    /// <summary>Gives out no more memory than this; null for all there is. The CPU and the emulated GPU only.</summary>
    internal void LimitMemory(long? bytes) =>
        (_limit ?? throw new InvalidOperationException($"Device '{Kind}' has no limit to set.")).Set(bytes);

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
    internal bool ExactBuffers => _simt != null;

    /// <summary>The device's kernels by name.</summary>
    public KernelSet Kernels { get; }

    /// <summary>Whether launches are checked and not carried out (native/checking): results are zeros.</summary>
    public bool IsDry { get; }

    /// <summary>Times all launches while it is set.</summary>
    public KernelTimer? Timer { get; set; }

    /// <summary>Notes all launches while it is set.</summary>
    public LaunchRecorder? Recorder { get; set; }

    /// <summary>Sees all that is copied out: a check whether work that is done again gives the same bits.</summary>
    internal Action<ReadOnlySpan<byte>>? Downloaded { get; set; }

    internal CudaDriver Driver { get; }

    /// <summary>A GPU's compiled kernels; null for our own libraries, which hold theirs.</summary>
    internal KernelImages? Images { get; }

    /// <summary>Where a GPU's kernels come from; null for the others.</summary>
    public string? KernelOrigin => Images?.Origin;

    /// <summary>What a GPU's kernels are compiled to, such as sm_90; null for the others.</summary>
    public string? KernelTarget => Images?.Target.Name;

    /// <summary>Whether each launch waits until it has run, alone, so that a failure names the kernel that caused it. Slow.</summary>
    public bool IsSynchronous
    {
        get => Driver.IsSynchronous;
        set => Driver.IsSynchronous = value;
    }

    /// <summary>Whether work that repeats itself is issued as a graph where the driver has graphs. The bits are the same.</summary>
    public bool WantsGraphs { get; set; } = true;

    /// <summary>Whether work is issued as graphs now: not while launches are timed, recorded or waited for one by one.</summary>
    internal bool UsesGraphs => WantsGraphs && Driver.HasGraphs && !IsSynchronous && Timer == null && Recorder == null;

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
        get
        {
            int threads = 1;
            if (_host != null) Driver.Check(_host.GetThreads(&threads), "sposHostGetThreads");
            return threads;
        }
        set
        {
            if (_host != null) Driver.Check(_host.SetThreads(value), $"sposHostSetThreads({value})");
        }
    }

    /// <summary>The CPU instruction set in use: "avx512", "avx2" or "x86-64". Host only.</summary>
    public string InstructionSet
    {
        get
        {
            byte* name = null;
            if (_host != null) Driver.Check(_host.GetInstructionSet(&name), "sposHostGetInstructionSet");
            return Marshal.PtrToStringUTF8((nint)name) ?? "";
        }
    }

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
    public void SetSchedule(ulong seed)
    {
        if (_simt == null) throw new InvalidOperationException($"Device '{Kind}' has no schedule to set.");
        MakeCurrent();
        Driver.Check(_simt.SetSchedule(seed), $"sposSimtSetSchedule({seed})");
    }

    /// <summary>What an emulated device found wrong since it was last reset; null if nothing.</summary>
    internal string? Report => _simt?.Report();

    /// <summary>Frees all memory of the device and clears its errors. What was open on it must not be used again.</summary>
    internal void Reset()
    {
        Driver.Check(Driver.PrimaryCtxReset(0), "cuDevicePrimaryCtxReset");
        (Driver.Loss, Driver.HasToldLoss) = (null, false);
    }

    /// <summary>What cuModuleLoadData takes for a kernel file: a cubin, or for our libraries, which hold the kernels, its name.</summary>
    internal byte[] ImageOf(string module) =>
        Images?.Of(module) ?? ModuleName(module);

    /// <summary>The image by which our libraries know a module.</summary>
    internal static byte[] ModuleName(string module) => Encoding.ASCII.GetBytes($"spos-module {module}\0");

    /// <summary>The kernels that the device's library holds; null for a GPU, whose kernels NVRTC compiles.</summary>
    internal IReadOnlyList<KernelList.Entry>? CompiledKernels => _compiled.Value?.Entries;

    // CUdevice_attribute.
    internal static int Attribute(CudaDriver driver, int ordinal, int attribute)
    {
        int value;
        driver.Check(driver.DeviceGetAttribute(&value, attribute, ordinal), "cuDeviceGetAttribute");
        return value;
    }

    private Cudnn OpenCudnn()
    {
        if (Images == null) return new Cudnn(NativeLibraries.Load($"spos_{Kind}_cudnn"));
        return Cudnn.TryFind() ?? throw new GpuUnavailableException($"cuDNN 9 is missing: {LibrarySearch.OfMachine.Tried(NvidiaLibrary.Cudnn)}. --plan fused, the default, needs none");
    }

    private static Device OpenHost()
    {
        nint library = NativeLibraries.Load("spos_host");
        return new Device("host", new CudaDriver(library, "the CPU"), library, new HostExtensions(library), null, null);
    }

    private static Device OpenSimt()
    {
        nint library = NativeLibraries.Load("spos_simt");
        var simt = new SimtExtensions(library);
        return new Device("simt", new CudaDriver(library, "the emulated GPU", simt.Report), library, null, simt, null);
    }
}
