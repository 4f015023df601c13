using Spos.Engine.Compilation;
using Spos.Engine.Kernels;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Compilation;

/// <summary>Compiled kernels that come with the program.</summary>
public sealed class PrebuiltKernelsTests : IDisposable
{
    private static readonly KernelTarget Sm90 = new(90, IsPtx: false), Ptx80 = new(80, IsPtx: true);

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-prebuilt").FullName;

    private static byte[] Cubin => [.. "\u007FELF, or so"u8];

    [Fact]
    public void A_folder_of_this_programs_kernels_is_used_without_nvrtc()
    {
        WriteFolder();
        PrebuiltKernels prebuilt = PrebuiltKernels.TryOpen(_folder, out string? whyNot)!;
        Assert.Null(whyNot);
        Assert.Equal([Sm90, Ptx80], prebuilt.Offer.Targets);
        KernelImages images = KernelImages.Choose(new Version(13, 0), 90, prebuilt, [], new CubinCache(At("cache")))!;
        Assert.Equal(Sm90, images.Target);
        Assert.Empty(images.ToCompile);
        Assert.Equal(Cubin, images.Of("relu"));
        Assert.Contains(_folder, images.Origin, StringComparison.Ordinal);
        Assert.Equal(Ptx80, KernelImages.Choose(new Version(13, 0), 86, prebuilt, [], new CubinCache(At("cache")))!.Target);
        Assert.Null(KernelImages.Choose(new Version(10, 2), 90, prebuilt, [], new CubinCache(At("cache"))));
        Assert.False(Directory.Exists(At("cache")));
    }

    [Fact]
    public void A_folder_of_other_kernels_or_a_damaged_one_is_passed_over_and_says_why()
    {
        Assert.Null(PrebuiltKernels.TryOpen(_folder, out string? whyNot));
        Assert.Null(whyNot);
        WriteFolder("0123");
        Assert.Null(PrebuiltKernels.TryOpen(_folder, out whyNot));
        Assert.Contains("another version", whyNot, StringComparison.Ordinal);
        WriteFolder();
        File.Delete(At("sm_90", "relu.cubin"));
        Assert.Null(PrebuiltKernels.TryOpen(_folder, out whyNot));
        Assert.Contains("relu.cubin is missing", whyNot, StringComparison.Ordinal);
        foreach (string damage in new[] { "", "{", "[]", "null", "{}", """{"Nvrtc": "x", "Kernels": "", "Targets": []}""" })
        {
            File.WriteAllText(At("cubins.json"), damage);
            Assert.Null(PrebuiltKernels.TryOpen(_folder, out whyNot));
            Assert.Contains("cubins.json", whyNot, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_damaged_file_is_named()
    {
        WriteFolder();
        PrebuiltKernels prebuilt = PrebuiltKernels.TryOpen(_folder, out _)!;
        File.WriteAllText(At("sm_90", "stem.cubin"), "cut off");
        Assert.Contains(
            "stem.cubin", Assert.Throws<UnreadableKernelsException>(() => prebuilt.Read("stem", Sm90)).Message, StringComparison.Ordinal);
        File.Delete(At("sm_90", "stem.cubin"));
        Assert.Throws<UnreadableKernelsException>(() => prebuilt.Read("stem", Sm90));
    }

    [NvidiaFact("libnvrtc.so.11.2")]
    public void What_is_built_is_found_and_holds_what_nvrtc_makes()
    {
        KernelCompiler compiler = KernelCompiler.TryCreate()!;
        // PTX takes half of the time.
        PrebuiltKernels.Build(_folder, compiler, [Ptx80], KernelCatalogue.LargestModulesFirst);
        PrebuiltKernels prebuilt = PrebuiltKernels.TryOpen(_folder, out _)!;
        Assert.Equal((compiler.Version, Ptx80), (prebuilt.Offer.Nvrtc, Assert.Single(prebuilt.Offer.Targets)));
        Assert.Equal(compiler.Compile("relu", Ptx80).Image, prebuilt.Read("relu", Ptx80));
        Assert.Equal(
            KernelSources.Modules.Keys.Order(),
            Directory.GetFiles(At("compute_80")).Select(file => Path.GetFileNameWithoutExtension(file)!).Order());
    }

    [Fact]
    public void Kernel_files_are_compiled_side_by_side_the_largest_first()
    {
        Assert.Equal(KernelSources.Modules.Keys.Order(), KernelCatalogue.LargestModulesFirst.Order());
        Assert.Equal("depthwise", KernelCatalogue.LargestModulesFirst[0]);
        Assert.Equal(["branch"], KernelCatalogue.LargestModulesFirst.Except(KernelCatalogue.AtStartOfGpu));
        // Each waits for the other: one after the other, neither would end.
        using var both = new Barrier(2);
        KernelModules.ForEach(["a", "b"], _ => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30))));
        KernelCompilationException error = Assert.Throws<KernelCompilationException>(
            () => KernelModules.ForEach(["a", "b", "c"], module => throw new KernelCompilationException(module, "sm_90", "it is wrong")));
        Assert.Contains("it is wrong", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void WriteFolder(string? fingerprint = null)
    {
        foreach (string module in KernelSources.Modules.Keys)
        {
            Directory.CreateDirectory(At("sm_90"));
            Directory.CreateDirectory(At("compute_80"));
            File.WriteAllBytes(At("sm_90", $"{module}.cubin"), Cubin);
            File.WriteAllBytes(At("compute_80", $"{module}.ptx"), [.. "// PTX\0"u8]);
        }
        File.WriteAllText(
            At("cubins.json"),
            $$"""{"Nvrtc": "11.8", "Kernels": "{{fingerprint ?? KernelCompiler.Fingerprint}}", "Targets": ["sm_90", "compute_80"]}""");
    }

    private string At(params string[] names) => Path.Combine([_folder, .. names]);
}
