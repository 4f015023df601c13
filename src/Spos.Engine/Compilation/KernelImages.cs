using Spos.Engine.Native;

namespace Spos.Engine.Compilation;

/// <summary>
/// The compiled kernels for one GPU: from the folder that came with the program, else from NVRTC, once, by way of a cache.
/// </summary>
internal sealed class KernelImages
{
    private readonly PrebuiltKernels? _prebuilt;
    private readonly KernelCompiler? _compiler;
    private readonly CubinCache _cache;

    private KernelImages(KernelTarget target, PrebuiltKernels? prebuilt, KernelCompiler? compiler, CubinCache cache) =>
        (Target, _prebuilt, _compiler, _cache) = (target, prebuilt, compiler, cache);

    public KernelTarget Target { get; }

    /// <summary>Where they come from.</summary>
    public string Origin => _prebuilt?.ToString() ?? $"NVRTC {_compiler!.Version} ({_compiler.Path})";

    /// <summary>The version of NVRTC that compiles what is not there yet.</summary>
    public Version Nvrtc => _prebuilt?.Offer.Nvrtc ?? _compiler!.Version;

    /// <param name="driver">The version of CUDA that the driver has.</param>
    /// <param name="architecture">Of the GPU, such as 90.</param>
    /// <returns>Null if none of them has kernels for this GPU and driver.</returns>
    public static KernelImages? Choose(
        Version driver, int architecture, PrebuiltKernels? prebuilt, IReadOnlyList<KernelCompiler> compilers, CubinCache cache)
    {
        IEnumerable<KernelOffer> offers = compilers.Select(compiler => compiler.Offer);
        if (prebuilt != null) offers = offers.Prepend(prebuilt.Offer);
        if (KernelOffer.Choose(offers, driver, architecture) is not var (offer, target)) return null;
        return offer == prebuilt?.Offer
            ? new KernelImages(target, prebuilt, null, cache)
            : new KernelImages(target, null, compilers.First(compiler => compiler.Offer == offer), cache);
    }

    /// <summary>The modules that have to be compiled before they can be loaded.</summary>
    public IReadOnlyList<string> ToCompile => _compiler is { } compiler
        ? [.. KernelSources.Modules.Keys.Where(module => !_cache.Has(compiler, module, Target))]
        : [];

    /// <summary>What cuModuleLoadData takes for a module.</summary>
    public byte[] Of(string module) => _prebuilt?.Read(module, Target) ?? _cache.Get(_compiler!, module, Target);
}
