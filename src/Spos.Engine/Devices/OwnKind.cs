using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// A kind whose driver is one of our own, and holds its kernels. There is one device, or as many as SPOS_HOST_DEVICES or
/// SPOS_SIMT_DEVICES says: for what is done on several of them, where there are no GPUs.
/// </summary>
internal abstract unsafe class OwnKind : DeviceKind
{
    private readonly Lock _lock = new();
    // What fails is tried again the next time.
    private readonly Lazy<OwnDriver> _driver;
    private int _count;

    protected OwnKind() => _driver = new Lazy<OwnDriver>(() =>
    {
        var driver = new OwnDriver($"spos_{Name}");
        driver.Limit.Set(MemoryLimit.FromEnvironment());
        return driver;
    }, LazyThreadSafetyMode.PublicationOnly);

    public override string CountVariable => $"SPOS_{Name.ToUpperInvariant()}_DEVICES";

    public override int Count
    {
        get
        {
            lock (_lock)
            {
                if (_count == 0) SetCount(OwnDriver.DeviceCountFrom(CountVariable));
                return _count;
            }
        }
    }

    protected OwnDriver Library => _driver.Value;

    internal override IReadOnlyList<KernelList.Entry> CompiledKernels => Library.Kernels;

    /// <summary>From now on there are at least so many.</summary>
    internal void ShowAtLeast(int count)
    {
        lock (_lock) SetCount(Math.Max(count, Count));
    }

    internal override CudaDriver NewDriver()
    {
        CudaDriver driver = Bind();
        driver.Check(driver.Init(0), "cuInit");
        return driver;
    }

    protected abstract CudaDriver Bind();

    internal override Cudnn OpenCudnn() => new(NativeLibraries.Load($"spos_{Name}_cudnn"));

    internal override void LimitMemory(Device device, long? bytes) => Library.Limit.Set(bytes);

    private protected override Device OpenNew(int index) => new(this, index, NewDriver(), null);

    private void SetCount(int count)
    {
        Library.SetDeviceCount(count);
        _count = count;
    }
}
