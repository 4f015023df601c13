using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// A kind of device: what drives it, and the devices of that kind which there are. Each kind is one file, and an entry of
/// <see cref="All"/>; all that sets it apart from others is here, so that <see cref="Device"/> is the same for all of them.
/// </summary>
public abstract unsafe class DeviceKind
{
    // CUdevice_attribute.
    private const int MajorCapability = 75, MinorCapability = 76;

    private readonly Dictionary<int, Device> _open = [];

    private protected DeviceKind()
    {
    }

    /// <summary>NVIDIA's GPUs.</summary>
    public static DeviceKind Cuda { get; } = new CudaKind();

    /// <summary>The CPU.</summary>
    public static DeviceKind Host { get; } = new HostKind();

    /// <summary>GPUs emulated on the CPU.</summary>
    public static DeviceKind Simt { get; } = new SimtKind();

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<DeviceKind> All { get; } = [Cuda, Host, Simt];

    /// <summary>What --device takes.</summary>
    public abstract string Name { get; }

    /// <summary>Another name that --device takes; null if there is none.</summary>
    protected virtual string? OtherName => null;

    /// <summary>How many there are.</summary>
    /// <exception cref="SposException">None can be used; the message says why.</exception>
    /// <exception cref="DllNotFoundException">A library of our own that drives them is missing.</exception>
    /// <exception cref="FormatException">The variable that says how many there are holds no such number.</exception>
    public abstract int Count { get; }

    /// <summary>The variable that says how many there are; null if the machine does.</summary>
    public virtual string? CountVariable => null;

    /// <summary>Whether the number belongs to the name even if there is one alone.</summary>
    protected virtual bool IsNumbered => Count > 1;

    /// <summary>What each of them is. None is opened for that.</summary>
    /// <exception cref="SposException">As <see cref="Count"/>; and so are the others.</exception>
    public IReadOnlyList<DeviceInfo> List() => [.. Enumerable.Range(0, Count).Select(index => Read(NewDriver(), index))];

    /// <summary>The device of that number, from 0; opened once in a process.</summary>
    /// <exception cref="NoSuchDeviceException">There are fewer.</exception>
    /// <exception cref="GpuUnavailableException">It cannot be used; the message says why.</exception>
    /// <exception cref="FormatException">SPOS_MEMORY_LIMIT is no number of bytes.</exception>
    public Device Open(int index = 0)
    {
        int count = Count;
        if (index < 0 || index >= count)
        {
            string more = CountVariable == null ? "" : $"; {CountVariable} says how many there are";
            throw new NoSuchDeviceException(count == 1
                ? $"the only device of kind {Name} is {IdOf(0)}{more}"
                : $"there are {count} devices of kind {Name}, {IdOf(0)} to {IdOf(count - 1)}");
        }
        lock (_open)
        {
            // One that could not be opened may be another time.
            if (!_open.TryGetValue(index, out Device? device)) _open[index] = device = OpenNew(index);
            return device;
        }
    }

    internal bool IsCalled(string name) =>
        name.Equals(Name, StringComparison.OrdinalIgnoreCase) || name.Equals(OtherName, StringComparison.OrdinalIgnoreCase);

    /// <summary>The bound driver, with nothing noted yet of failures: for one device.</summary>
    internal abstract CudaDriver NewDriver();

    private protected abstract Device OpenNew(int index);

    /// <summary>The words for a device's memory at the start of a sentence.</summary>
    internal abstract string MemoryName(Device device);

    /// <exception cref="GpuUnavailableException">It is not installed.</exception>
    internal abstract Cudnn OpenCudnn();

    /// <summary>What kernels may use: the compute capability.</summary>
    private protected virtual string CapabilityOf(CudaDriver driver, int ordinal) => ArchitectureName(driver, ordinal);

    /// <summary>Such as "sm_90".</summary>
    internal static string ArchitectureName(CudaDriver driver, int ordinal) => $"sm_{ArchitectureOf(driver, ordinal)}";

    /// <summary>Such as 90 for compute capability 9.0.</summary>
    private protected static int ArchitectureOf(CudaDriver driver, int ordinal) =>
        10 * Attribute(driver, ordinal, MajorCapability) + Attribute(driver, ordinal, MinorCapability);

    /// <summary>The CPU's instruction set in use; empty for others.</summary>
    internal virtual string InstructionSet => "";

    /// <summary>See <see cref="Device.ExactBuffers"/>.</summary>
    internal virtual bool ExactBuffers => false;

    /// <summary>See <see cref="Device.IsDry"/>.</summary>
    internal virtual bool IsDry => false;

    /// <summary>See <see cref="Device.RunByImage"/>.</summary>
    internal virtual bool RunsByImage => false;

    internal virtual void RunByImage(DeviceStream stream, HostSequence* sequence, int images, int atOnce, int mostThreads) =>
        throw new InvalidOperationException($"Device '{stream.Device.Id}' runs launches one after the other.");

    internal virtual int ReadThreads(Device device) => 1;

    /// <summary>Has as many threads run blocks, where that can be chosen.</summary>
    internal virtual void SetThreads(Device device, int threads)
    {
    }

    internal virtual void SetSchedule(Device device, ulong seed) =>
        throw new InvalidOperationException($"Device '{device.Id}' has no schedule to set.");

    /// <summary>See <see cref="Device.Report"/>.</summary>
    internal virtual string? ReadReport(Device device) => null;

    internal virtual void LimitMemory(Device device, long? bytes) =>
        throw new InvalidOperationException($"Device '{device.Id}' has no limit to set.");

    /// <summary>The kernels that the driver's library holds; null where they are compiled for a device.</summary>
    internal virtual IReadOnlyList<KernelList.Entry>? CompiledKernels => null;

    /// <summary>What a device is.</summary>
    internal DeviceInfo Read(CudaDriver driver, int index)
    {
        int ordinal = OrdinalOf(driver, index);
        byte* name = stackalloc byte[256];
        driver.Check(driver.DeviceGetName(name, 256, ordinal), "cuDeviceGetName");
        nuint bytes;
        driver.Check(driver.DeviceTotalMem(&bytes, ordinal), "cuDeviceTotalMem");
        string product = Marshal.PtrToStringUTF8((nint)name) ?? "";
        return new DeviceInfo(IdOf(index), Name, index, product, (long)bytes, CapabilityOf(driver, ordinal));
    }

    /// <summary>CUdevice.</summary>
    internal static int OrdinalOf(CudaDriver driver, int index)
    {
        int ordinal;
        driver.Check(driver.DeviceGet(&ordinal, index), "cuDeviceGet");
        return ordinal;
    }

    internal static int Attribute(CudaDriver driver, int ordinal, int attribute)
    {
        int value;
        driver.Check(driver.DeviceGetAttribute(&value, attribute, ordinal), "cuDeviceGetAttribute");
        return value;
    }

    private string IdOf(int index) => IsNumbered ? $"{Name}:{index}" : Name;
}
