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
    private static readonly Lazy<Device> LazyCuda = new(OpenCuda);

    [ThreadStatic]
    private static Device? s_current;

    private readonly Lazy<Cudnn> _cudnn;
    private readonly nint _context;
    private readonly HostExtensions? _host;
    private readonly SimtExtensions? _simt;
    private readonly MemoryLimit? _limit;
    private readonly Lazy<KernelList?> _compiled;
    private readonly KernelCompiler? _compiler;
    private int _threadsPerBlock = 256;

    private Device(string kind, CudaDriver driver, nint library, HostExtensions? host, SimtExtensions? simt, KernelCompiler? compiler)
    {
        if (compiler == null)
        {
            _limit = new MemoryLimit(library);
            _limit.Set(MemoryLimit.FromEnvironment());
        }
        Kind = kind;
        _cudnn = new Lazy<Cudnn>(OpenCudnn);
        _compiled = new Lazy<KernelList?>(() => compiler == null ? new KernelList(library) : null);
        _compiler = compiler;
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
    /// <exception cref="PlatformNotSupportedException">There is none, or its driver or NVRTC is missing; the message says which.</exception>
    public static Device Cuda => LazyCuda.Value;

    /// <summary>Opens the device that --device names: "cuda", "host", "simt", or "auto" for the best one there is.</summary>
    /// <exception cref="ArgumentException">No such device.</exception>
    /// <exception cref="PlatformNotSupportedException">This machine does not have it.</exception>
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
        catch (PlatformNotSupportedException error)
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
    internal int Multiprocessors { get; }

    /// <summary>The compute capability, such as "sm_80".</summary>
    public string Architecture { get; }

    /// <summary>
    /// Threads of a block that kernels are launched with: 1 on the host, else 256 or what was set, a multiple of 32. Results
    /// may depend on it, as sums are divided among threads.
    /// </summary>
    public int ThreadsPerBlock
    {
        get => Math.Min(_threadsPerBlock, MaxThreadsPerBlock);
        set
        {
            if (value < 32 || value > 256 || value % 32 != 0) throw new ArgumentOutOfRangeException(nameof(value), $"{value} threads: must be a multiple of 32, at most 256.");
            _threadsPerBlock = value;
        }
    }

    /// <summary>Whether a block is one thread of the CPU, which takes its work in large pieces.</summary>
    internal bool BlocksAreThreads => MaxThreadsPerBlock == 1;

    /// <summary>
    /// Whether each buffer is allocated and freed on its own and to the byte: slow, but then the emulated device sees every
    /// access outside of a buffer or after its end.
    /// </summary>
    internal bool ExactBuffers => _simt != null;

    /// <summary>The device's kernels by name.</summary>
    public KernelSet Kernels { get; }

    /// <summary>Times all launches while it is set.</summary>
    public KernelTimer? Timer { get; set; }

    internal CudaDriver Driver { get; }

    /// <summary>Loaded on first use: nothing needs it but the convolutions that are built on it.</summary>
    /// <exception cref="PlatformNotSupportedException">It is not installed.</exception>
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
    internal void MakeCurrent()
    {
        if (s_current == this) return;
        Driver.Check(Driver.CtxSetCurrent(_context), "cuCtxSetCurrent");
        s_current = this;
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
    internal void Reset() => Driver.Check(Driver.PrimaryCtxReset(0), "cuDevicePrimaryCtxReset");

    /// <summary>What cuModuleLoadData takes for a kernel file: a cubin, or for our libraries, which hold the kernels, its name.</summary>
    internal byte[] ImageOf(string module) =>
        _compiler == null ? ModuleName(module) : CubinCache.OfUser.Get(_compiler, module, Architecture);

    /// <summary>The image by which our libraries know a module.</summary>
    internal static byte[] ModuleName(string module) => Encoding.ASCII.GetBytes($"spos-module {module}\0");

    /// <summary>The kernels that the device's library holds; null for a GPU, whose kernels NVRTC compiles.</summary>
    internal IReadOnlyList<KernelList.Entry>? CompiledKernels => _compiled.Value?.Entries;

    // CUdevice_attribute.
    private static int Attribute(CudaDriver driver, int ordinal, int attribute)
    {
        int value;
        driver.Check(driver.DeviceGetAttribute(&value, attribute, ordinal), "cuDeviceGetAttribute");
        return value;
    }

    private Cudnn OpenCudnn()
    {
        if (_compiler == null) return new Cudnn(NativeLibraries.Load($"spos_{Kind}_cudnn"));
        if (!NativeLibrary.TryLoad("libcudnn.so.9", out nint library)) throw new PlatformNotSupportedException("cuDNN 9 is not installed (libcudnn.so.9)");
        return new Cudnn(library);
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

    private static Device OpenCuda()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out nint library)) throw new PlatformNotSupportedException("no NVIDIA driver: libcuda.so.1 is not installed");
        CudaDriver driver;
        try
        {
            driver = new CudaDriver(library);
        }
        catch (EntryPointNotFoundException error)
        {
            throw new PlatformNotSupportedException($"the NVIDIA driver is too old: {error.Message}");
        }
        int count = 0;
        try
        {
            driver.Check(driver.Init(0), "cuInit");
            driver.Check(driver.DeviceGetCount(&count), "cuDeviceGetCount");
        }
        catch (DeviceException error)
        {
            throw new PlatformNotSupportedException($"no NVIDIA GPU that works: {error.Message}", error);
        }
        if (count == 0) throw new PlatformNotSupportedException("no NVIDIA GPU: the driver found none");
        KernelCompiler compiler = KernelCompiler.TryCreate()
            ?? throw new PlatformNotSupportedException("NVRTC, which compiles the kernels, is not installed (libnvrtc.so)");
        return new Device("cuda", driver, library, null, null, compiler);
    }
}
