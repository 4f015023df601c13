using System.Reflection;
using Spos.Engine.Kernels;
using Xunit.Sdk;

namespace Spos.Engine.Tests.Devices;

/// <summary>A case, run on each device: the test's first argument is the device's name.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnEachDeviceAttribute(params object[] arguments) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        TestDevice.All.Select(device => (object[])[device, .. arguments]);
}

/// <summary>A case, run on each device with floats and with bf16: the test's first arguments are the device's name and the type.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnEachDeviceInEachTypeAttribute(params object[] arguments) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        from device in TestDevice.All
        from type in new[] { ElementType.Float32, ElementType.BFloat16 }
        select (object[])[device, type, .. arguments];
}

/// <summary>A case of much work, run on the host and, once, on the emulated GPU.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnHostAndSimtAttribute(params object[] arguments) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        TestDevice.Two.Select(device => (object[])[device, .. arguments]);
}

/// <summary>A case of what only GPUs have, on the emulated one and a real one.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnGpusAttribute(params object[] arguments) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        TestDevice.Two.Where(device => device != "host").Select(device => (object[])[device, .. arguments]);
}

/// <summary>
/// A case of much work on cuDNN, or on what stands in for it: as <see cref="OnHostAndSimtAttribute"/>, but on a GPU only where cuDNN is.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnHostAndSimtWithCudnnAttribute(params object[] arguments) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        TestDevice.Two.Where(TestDevice.HasCudnn).Select(device => (object[])[device, .. arguments]);
}

/// <summary>The cases of a static member of the test class, each run on each device.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CasesOnEachDeviceAttribute(string member) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        from arguments in new MemberDataAttribute(member).GetData(testMethod)
        from device in TestDevice.All
        select (object[])[device, .. arguments];
}
