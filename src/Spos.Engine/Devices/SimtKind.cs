using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>GPUs emulated on the CPU, slowly, which find what a GPU would break on.</summary>
internal sealed unsafe class SimtKind : OwnKind
{
    private readonly Lazy<SimtExtensions> _extensions;

    public SimtKind() => _extensions = new Lazy<SimtExtensions>(() => new SimtExtensions(Library.Library));

    public override string Name => "simt";

    protected override CudaDriver Bind() => new(Library.Library, "the emulated GPU", _extensions.Value.Report);

    internal override string MemoryName(Device device) => "The emulated GPU's memory";

    internal override bool ExactBuffers => true;

    internal override string? ReadReport(Device device)
    {
        device.MakeCurrent();
        return _extensions.Value.Report();
    }

    internal override void SetSchedule(Device device, ulong seed)
    {
        device.MakeCurrent();
        device.Driver.Check(_extensions.Value.SetSchedule(seed), $"sposSimtSetSchedule({seed})");
    }
}
