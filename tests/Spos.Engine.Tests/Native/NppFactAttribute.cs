using Spos.Engine.Devices;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// A test that needs an NVIDIA GPU and NPP; left out where one of them is missing. NPP's own kernels run on no emulated GPU.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NppFactAttribute : GpuFactAttribute
{
    public NppFactAttribute()
    {
        if (Npp.TryLoad() == null) Skip ??= "NPP is not installed.";
        if (Skip == null && Device.Cuda.Name.Contains("emulated", StringComparison.Ordinal)) Skip = "the GPU is an emulated one.";
    }
}
