using Spos.Engine.Native;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Native;

/// <summary>A test that needs an NVIDIA GPU and nvJPEG; left out where one of them is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NvJpegFactAttribute()
    : GpuFactAttribute(LibrarySearch.OfMachine.Find(NvidiaLibrary.NvJpeg).Count == 0 ? "nvJPEG" : null);
