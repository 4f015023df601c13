using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>What we bind, against NVIDIA's own libraries. None of this needs a GPU.</summary>
public sealed partial class NvidiaLibraryTests
{
    [NvidiaFact("libcuda.so.1")]
    public void The_driver_has_every_entry_point_of_our_header()
    {
        nint library = NativeLibrary.Load("libcuda.so.1");
        string[] names =
        [
            .. EntryPoints().Matches(File.ReadAllText(Path.Combine(Checkout.Root, "native/abi/cuda_driver.h")))
                .Select(m => m.Groups[1].Value),
        ];
        Assert.True(names.Length > 35, $"only {names.Length} names were found in the header");
        Assert.DoesNotContain(names, name => !NativeLibrary.TryGetExport(library, name, out _));
        Assert.NotNull(new CudaDriver(library));
    }

    [NvidiaFact("libcuda.so.1")]
    public void Without_a_gpu_cuda_says_why_and_auto_takes_the_host()
    {
        if (Device.WhyNoCuda() is not { } reason)
        {
            Assert.Same(Device.Cuda, Device.Open("auto"));
            return;
        }
        Assert.Contains("CUDA_ERROR", reason, StringComparison.Ordinal);
        Assert.Same(Device.Host, Device.Open("auto"));
        Assert.Throws<GpuUnavailableException>(() => Device.Open("cuda"));
        Assert.Throws<GpuUnavailableException>(() => ReadyDevice.Open("cuda", _ => { }));
        var lines = new List<string>();
        Assert.Same(Device.Host, ReadyDevice.Open("auto", lines.Add));
        Assert.Contains("CUDA_ERROR", ReadyDevice.WhyNoCuda, StringComparison.Ordinal);
        // Where there is no GPU, that is no news.
        if (!File.Exists("/dev/nvidia0") && !File.Exists("/dev/dxg")) Assert.Empty(lines);
    }

    [NvidiaFact("libnppicc.so.11")]
    public void Npp_has_the_colour_conversion() => Assert.NotNull(Npp.TryLoad());

    [NvidiaFact("libnvjpeg.so.11")]
    public void Nvjpeg_has_every_entry_point_that_is_bound()
    {
        var library = new NvJpeg(LibrarySearch.OfMachine.Find(NvidiaLibrary.NvJpeg)[0]);
        Assert.InRange(library.ReadVersion()!.Major, 11, 13);
        // What is not named on the loader's path is told, as ReadVersion's caller shows it.
        Assert.Throws<EntryPointNotFoundException>(() => new NvJpeg(new FoundLibrary(NativeLibrary.Load("libc.so.6"), "libc.so.6")));
    }

    [GeneratedRegex(@"SPOS_API CUresult (cu\w+)\(")]
    private static partial Regex EntryPoints();
}
