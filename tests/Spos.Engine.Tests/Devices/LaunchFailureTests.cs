using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Devices;

/// <summary>What is said of a kernel that fails while it runs.</summary>
public sealed class LaunchFailureTests
{
    [Fact]
    public void Launched_one_by_one_a_failing_kernel_is_named_with_its_grid_and_arguments()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        test.Device.IsSynchronous = true;
        try
        {
            // The second kernel reads after the end of what it is given.
            DeviceException error = Assert.Throws<DeviceException>(() => LaunchThree(test.Device));
            Assert.StartsWith(
                "kernel relu_forward with a grid of 2×1 blocks of 256×1 threads and the arguments (256 bytes, 192 bytes, 64, 32): ",
                error.Message, StringComparison.Ordinal);
        }
        finally
        {
            test.Device.IsSynchronous = false;
        }
    }

    [Fact]
    public void Otherwise_it_is_noticed_later()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        DeviceException error = Assert.Throws<DeviceException>(() => LaunchThree(test.Device));
        Assert.StartsWith("cuStreamSynchronize failed", error.Message, StringComparison.Ordinal);
    }

    // The host's library as if it were NVIDIA's.
    [Fact]
    public void A_lost_gpu_says_so_and_later_calls_tell_the_first_failure()
    {
        var driver = new CudaDriver(NativeLibraries.Load("spos_host"));
        DeviceException first = Assert.Throws<DeviceException>(() => driver.Check(CudaResult.IllegalAddress, "cuStreamSynchronize"));
        Assert.Contains("A kernel or copy on the GPU failed", first.Message, StringComparison.Ordinal);
        Assert.Contains("noticed at cuStreamSynchronize", first.Message, StringComparison.Ordinal);
        Assert.Contains("--sync", first.Message, StringComparison.Ordinal);
        Assert.Contains("This process cannot use the GPU any more", first.Message, StringComparison.Ordinal);
        Assert.Equal(first.Message, Assert.Throws<DeviceException>(() => driver.Check(CudaResult.LaunchFailed, "cuMemFree")).Message);
        // What is no loss is told as it is.
        Assert.StartsWith(
            "cuMemAlloc failed", Assert.Throws<DeviceException>(() => driver.Check(CudaResult.OutOfMemory, "cuMemAlloc")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_by_one_the_call_itself_is_what_failed()
    {
        var driver = new CudaDriver(NativeLibraries.Load("spos_host")) { IsSynchronous = true };
        DeviceException error = Assert.Throws<DeviceException>(() => driver.Check(CudaResult.MisalignedAddress, "relu_forward"));
        Assert.StartsWith("relu_forward failed", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--sync", error.Message, StringComparison.Ordinal);
        DeviceException laid = driver.Lay(error, "kernel relu_forward");
        Assert.Equal(
            laid.Message, Assert.Throws<DeviceException>(() => driver.Check(CudaResult.MisalignedAddress, "cuStreamDestroy")).Message);
    }

    [Theory]
    [InlineData(700, true)]
    [InlineData(702, true)]
    [InlineData(710, true)]
    [InlineData(714, true)]
    [InlineData(716, true)]
    [InlineData(719, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(600, false)]
    [InlineData(701, false)]
    [InlineData(720, false)]
    public void Some_failures_take_the_context_with_them(int status, bool sticky) => Assert.Equal(sticky, ((CudaResult)status).IsSticky());

    private static unsafe void LaunchThree(Device device)
    {
        using var stream = new DeviceStream(device);
        using var pool = new BufferPool(device, stream);
        DeviceBuffer x = pool.Rent(256), y = pool.Rent(256);
        device.Driver.Check(device.Driver.MemsetD8(x.Pointer, 0, 256, stream.Handle), "cuMemsetD8Async");
        void Launch(ulong source) =>
            LaunchGrid.Of(stream, 2).ReluForward(
                new DeviceSpan<float>(stream.Device, y.Pointer, 64), new DeviceSpan<float>(stream.Device, source, 64), 64, 32);
        Launch(x.Pointer);
        Launch(x.Pointer + 64);
        Launch(x.Pointer);
        stream.Synchronize();
    }
}
