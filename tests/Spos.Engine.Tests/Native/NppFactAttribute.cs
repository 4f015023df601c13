using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Native;

/// <summary>A test that needs an NVIDIA GPU and NPP; left out where one of them is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NppFactAttribute() : GpuFactAttribute(Npp.TryLoad() == null ? "NPP" : null);
