using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Native;

/// <summary>A test that needs an NVIDIA GPU and nvJPEG; left out where one of them is missing. The library runs on no emulated GPU.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NvJpegFactAttribute : GpuFactAttribute
{
    public NvJpegFactAttribute()
    {
        if (LibrarySearch.OfMachine.Find(NvidiaLibrary.NvJpeg).Count == 0) Skip ??= "nvJPEG is not installed.";
        if (Skip == null && Device.Cuda.Name.Contains("emulated", StringComparison.Ordinal)) Skip = "the GPU is an emulated one.";
    }
}
