using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Kernels;

public sealed class KernelCatalogueTests
{
    [Theory]
    [InlineData("host")]
    [InlineData("simt")]
    public void The_library_exports_exactly_the_catalogue(string device) =>
        Assert.Equal(
            KernelCatalogue.Entries.Select(e => (e.Module, e.Name)).OrderBy(e => e.Name, StringComparer.Ordinal),
            Device.Open(device).CompiledKernels!.Select(e => (e.Module, e.Name)).OrderBy(e => e.Name, StringComparer.Ordinal));

    [Theory]
    [InlineData("host")]
    [InlineData("simt")]
    public void Every_kernel_loads_with_the_parameters_of_the_catalogue(string device) =>
        Assert.All(KernelCatalogue.Entries, e => Assert.Equal(e.Name, Device.Open(device).Kernels[e.Name].Name));

    [Fact]
    public void A_kernel_that_is_not_there_is_refused()
    {
        Assert.Throws<KeyNotFoundException>(() => Device.Host.Kernels["no_such_kernel"]);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => KernelIndex.DepthwiseForward(4, 1));
        Assert.Contains("no depthwise_forward for K 4, S 1", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentOutOfRangeException>(() => KernelIndex.DepthwiseNormalised(3, 1, (ElementType)2));
        Assert.Contains("no depthwise_normalised for K 3, S 1, T 2", error.Message, StringComparison.Ordinal);
    }
}
