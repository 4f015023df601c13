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

    [ThreadStatic]
    private static Device? s_current;

    private readonly Lazy<Cudnn> _cudnn;
    private readonly nint _context;
    private readonly HostExtensions? _host;

    private Device(string kind, CudaDriver driver, HostExtensions? host, string cudnn)
    {
        Kind = kind;
        _cudnn = new Lazy<Cudnn>(() => new Cudnn(NativeLibraries.Load(cudnn)));
        Driver = driver;
        _host = host;
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
        int threads;
        driver.Check(driver.DeviceGetAttribute(&threads, 1, ordinal), "cuDeviceGetAttribute");
        MaxThreadsPerBlock = threads;
        Kernels = new KernelSet(this);
    }

    /// <summary>The CPU of this machine.</summary>
    public static Device Host => LazyHost.Value;

    /// <summary>Where the native libraries are looked for.</summary>
    public static string NativeFolder => NativeLibraries.Folder;

    /// <summary>Opens the device that --device names: "host", or "auto" for the best one there is.</summary>
    /// <exception cref="ArgumentException">No such device.</exception>
    public static Device Open(string name) => name switch
    {
        "auto" or "host" => Host,
        _ => throw new ArgumentException($"Unknown device '{name}': this version runs on 'host' (or 'auto')."),
    };

    /// <summary>The name that --device takes.</summary>
    public string Kind { get; }

    /// <summary>The product name, such as the CPU's.</summary>
    public string Name { get; }

    /// <summary>Bytes of memory in all.</summary>
    public long TotalMemory { get; }

    /// <summary>Most threads of a block; 1 on the host, where a block is one thread.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>The device's kernels by name.</summary>
    public KernelSet Kernels { get; }

    internal CudaDriver Driver { get; }

    /// <summary>Loaded on first use: nothing needs it but the convolutions that are built on it.</summary>
    internal Cudnn Cudnn => _cudnn.Value;

    /// <summary>CPU threads that run blocks; results do not depend on it. Host only.</summary>
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

    /// <summary>What cuModuleLoadData takes for a kernel file: the host names it, as its kernels are already compiled.</summary>
    internal static byte[] ModuleImage(string module) => Encoding.ASCII.GetBytes($"spos-host-module {module}\0");

    /// <summary>The kernels that the device's library holds: (file, name), for the test of the catalogue.</summary>
    internal IReadOnlyList<(string Module, string Name)> ExportedKernels()
    {
        var kernels = new List<(string, string)>();
        while (_host != null)
        {
            byte* module, name;
            Driver.Check(_host.GetKernel(kernels.Count, &module, &name), "sposHostGetKernel");
            if (name == null) break;
            kernels.Add((Marshal.PtrToStringUTF8((nint)module)!, Marshal.PtrToStringUTF8((nint)name)!));
        }
        return kernels;
    }

    private static Device OpenHost()
    {
        nint library = NativeLibraries.Load("spos_host");
        return new Device("host", new CudaDriver(library), new HostExtensions(library), "spos_host_cudnn");
    }
}
