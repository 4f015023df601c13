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

    /// <summary>For a library of NVIDIA's, whose own kernels run on no emulated GPU.</summary>
    /// <param name="missing">What is not installed; null if all is.</param>
    protected GpuFactAttribute(string? missing)
        : this()
    {
        if (missing != null) Skip ??= $"{missing} is not installed.";
        if (Skip == null && Device.Cuda.Name.Contains("emulated", StringComparison.Ordinal)) Skip = "the GPU is an emulated one.";
    }
}
