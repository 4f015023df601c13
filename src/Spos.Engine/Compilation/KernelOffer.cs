namespace Spos.Engine.Compilation;

/// <summary>Where compiled kernels can come from: a version of NVRTC, or a folder of files that one has made.</summary>
/// <param name="Nvrtc">The version that compiles, or has compiled.</param>
/// <param name="Targets">What for.</param>
/// <param name="IsReady">Whether nothing is left to compile.</param>
internal sealed record KernelOffer(Version Nvrtc, IReadOnlyList<KernelTarget> Targets, bool IsReady = false)
{
    /// <summary>
    /// The best for a GPU; null if none will do. A cubin is for one architecture, and a driver runs those of its own major version of CUDA
    /// and before ("minor version compatibility" in NVIDIA's CUDA Compatibility). PTX is for all later architectures, but no
    /// driver compiles that of a version after its own. So: cubins before PTX, then what is ready, then versions that the driver surely
    /// knows, then the newest.
    /// </summary>
    /// <param name="offers">Of equals the first is taken.</param>
    /// <param name="driver">The version of CUDA that the driver has.</param>
    /// <param name="architecture">Of the GPU, such as 90.</param>
    public static (KernelOffer Offer, KernelTarget Target)? Choose(IEnumerable<KernelOffer> offers, Version driver, int architecture)
    {
        var possible = from offer in offers
                       from target in offer.Targets
                       where target.IsPtx
                           ? target.Architecture <= architecture && offer.Nvrtc <= driver
                           : target.Architecture == architecture && offer.Nvrtc.Major <= driver.Major
                       orderby target.IsPtx, target.Architecture descending, offer.IsReady descending,
                           offer.Nvrtc <= driver descending, offer.Nvrtc descending
                       select (Offer: offer, Target: target);
        return possible.Select(p => ((KernelOffer, KernelTarget)?)p).FirstOrDefault();
    }
}
