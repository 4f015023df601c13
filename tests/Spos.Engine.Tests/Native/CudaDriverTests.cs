using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>The driver API of the host answers wrong calls with the API's own codes.</summary>
public sealed unsafe class CudaDriverTests
{
    private readonly CudaDriver _driver = Device.Host.Driver;

    public CudaDriverTests() => Device.Host.MakeCurrent();

    [Fact]
    public void Memory_is_freed_once()
    {
        ulong pointer;
        Assert.Equal(CudaResult.Success, _driver.MemAlloc(&pointer, 100));
        Assert.Equal(CudaResult.Success, _driver.MemFree(pointer));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemFree(pointer));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemFree(12345));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemAlloc(&pointer, 0));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemAlloc(null, 100));
        Assert.Equal(CudaResult.OutOfMemory, _driver.MemAlloc(&pointer, nuint.MaxValue));
        Assert.Equal(CudaResult.OutOfMemory, _driver.MemAlloc(&pointer, nuint.MaxValue / 2));
    }

    [Fact]
    public void Copies_and_fills_refuse_null()
    {
        ulong pointer;
        float value = 3;
        Assert.Equal(CudaResult.Success, _driver.MemAlloc(&pointer, 16));
        Assert.Equal(CudaResult.InvalidValue, _driver.CopyHostToDevice(0, &value, 4, 0));
        Assert.Equal(CudaResult.InvalidValue, _driver.CopyHostToDevice(pointer, null, 4, 0));
        Assert.Equal(CudaResult.InvalidHandle, _driver.CopyHostToDevice(pointer, &value, 4, 99));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemsetD32(pointer + 1, 0, 1, 0));
        Assert.Equal(CudaResult.InvalidValue, _driver.MemsetD8(0, 0, 1, 0));
        Assert.Equal(CudaResult.Success, _driver.MemsetD8(0, 0, 0, 0));
        Assert.Equal(CudaResult.Success, _driver.MemFree(pointer));
    }

    [Fact]
    public void Streams_and_events_are_handles()
    {
        nint stream, marker;
        Assert.Equal(CudaResult.Success, _driver.StreamCreate(&stream, 1));
        Assert.Equal(CudaResult.Success, _driver.EventCreate(&marker, 0));
        Assert.Equal(CudaResult.Success, _driver.EventRecord(marker, stream));
        Assert.Equal(CudaResult.Success, _driver.StreamWaitEvent(stream, marker, 0));
        Assert.Equal(CudaResult.InvalidHandle, _driver.StreamWaitEvent(stream, stream, 0));
        Assert.Equal(CudaResult.Success, _driver.EventDestroy(marker));
        Assert.Equal(CudaResult.InvalidHandle, _driver.EventRecord(marker, stream));
        Assert.Equal(CudaResult.Success, _driver.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, _driver.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, _driver.StreamSynchronize(stream));
        Assert.Equal(CudaResult.InvalidValue, _driver.StreamCreate(null, 0));
    }

    [Fact]
    public void Modules_and_launches_are_checked()
    {
        nint module, function;
        fixed (byte* good = Device.ModuleName("relu"),
            unknown = Device.ModuleName("no_such_file"), bad = "garbage\0"u8, name = "relu_forward\0"u8)
        {
            Assert.Equal(CudaResult.NotFound, _driver.ModuleLoadData(&module, unknown));
            Assert.Equal((CudaResult)200, _driver.ModuleLoadData(&module, bad));
            Assert.Equal(CudaResult.Success, _driver.ModuleLoadData(&module, good));
            Assert.Equal(CudaResult.NotFound, _driver.ModuleGetFunction(&function, module, bad));
            Assert.Equal(CudaResult.Success, _driver.ModuleGetFunction(&function, module, name));
            Assert.Equal(CudaResult.Success, _driver.ModuleUnload(module));
            Assert.Equal(CudaResult.InvalidHandle, _driver.ModuleGetFunction(&function, module, name));
        }
        void** none = stackalloc void*[4];
        Assert.Equal(CudaResult.InvalidHandle, _driver.LaunchKernel(0, 1, 1, 1, 1, 1, 1, 0, 0, none, null));
        Assert.Equal(CudaResult.InvalidValue, _driver.LaunchKernel(function, 0, 1, 1, 1, 1, 1, 0, 0, none, null));
        Assert.Equal(CudaResult.InvalidValue, _driver.LaunchKernel(function, uint.MaxValue, 1, 1, 1, 1, 1, 0, 0, none, null));
        Assert.Equal(CudaResult.InvalidValue, _driver.LaunchKernel(function, 1, 1, 1, 256, 1, 1, 0, 0, none, null));
        Assert.Equal(CudaResult.InvalidValue, _driver.LaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, 0, null, null));
    }

    [Fact]
    public void A_thread_without_the_context_is_told_so()
    {
        CudaResult result = CudaResult.Success;
        var thread = new Thread(() =>
        {
            ulong pointer;
            result = _driver.MemAlloc(&pointer, 16);
        });
        thread.Start();
        thread.Join();
        Assert.Equal(CudaResult.InvalidContext, result);
    }

    [Fact]
    public void A_failed_call_on_the_cpu_is_told_in_plain_words()
    {
        DeviceException error = Assert.Throws<DeviceException>(() => _driver.Check(CudaResult.NotFound, "relu"));
        Assert.Equal("relu failed on the CPU: named symbol not found.", error.Message);
        error = Assert.Throws<DeviceException>(() => _driver.Check(CudaResult.InvalidValue, "relu"));
        Assert.StartsWith("relu failed on the CPU: invalid argument. A size may be beyond", error.Message, StringComparison.Ordinal);
    }
}
