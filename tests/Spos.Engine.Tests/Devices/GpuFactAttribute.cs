using Spos.Engine.Devices;

namespace Spos.Engine.Tests.Devices;

/// <summary>A test that needs an NVIDIA GPU; left out where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute()
    {
        if (Device.WhyNoCuda() is { } reason) Skip = reason;
    }
}
