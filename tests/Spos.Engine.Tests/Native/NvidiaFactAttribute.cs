using System.Runtime.InteropServices;

namespace Spos.Engine.Tests.Native;

/// <summary>
/// A test that needs a library of NVIDIA's, but no GPU. Where it is not installed the test is left out, unless
/// SPOS_REQUIRE_NVIDIA is set.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NvidiaFactAttribute : FactAttribute
{
    public NvidiaFactAttribute(string library)
    {
        bool required = Environment.GetEnvironmentVariable("SPOS_REQUIRE_NVIDIA") is { Length: > 0 };
        if (!required && !NativeLibrary.TryLoad(library, out _)) Skip = $"{library} is not installed.";
    }
}
