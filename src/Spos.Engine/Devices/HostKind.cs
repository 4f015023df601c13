using System.Runtime.InteropServices;
using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>The CPU. Where it is shown as several devices, each has threads of its own, and they share the cores.</summary>
internal sealed unsafe class HostKind : OwnKind
{
    private readonly Lazy<HostExtensions> _extensions;

    public HostKind() => _extensions = new Lazy<HostExtensions>(() => new HostExtensions(Library.Library));

    public override string Name => "host";

    // As PyTorch calls it.
    protected override string OtherName => "cpu";

    protected override CudaDriver Bind() => new(Library.Library, "the CPU");

    internal override string MemoryName(Device device) => "The CPU's memory";

    internal override string InstructionSet
    {
        get
        {
            byte* name;
            return _extensions.Value.GetInstructionSet(&name) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)name) ?? "" : "";
        }
    }

    private protected override string CapabilityOf(CudaDriver driver, int ordinal) => InstructionSet;

    internal override bool RunsByImage => true;

    internal override void RunByImage(DeviceStream stream, HostSequence* sequence, int images, int atOnce, int mostThreads) =>
        stream.Device.Driver.Check(
            _extensions.Value.RunByImage(sequence, (uint)images, (uint)atOnce, (uint)mostThreads, stream.Handle), "sposHostRunByImage");

    internal override int ReadThreads(Device device)
    {
        int threads;
        device.Driver.Check(_extensions.Value.GetThreads(device.Ordinal, &threads), "sposHostGetThreads");
        return threads;
    }

    internal override void SetThreads(Device device, int threads) =>
        device.Driver.Check(_extensions.Value.SetThreads(device.Ordinal, threads), $"sposHostSetThreads({threads})");
}
