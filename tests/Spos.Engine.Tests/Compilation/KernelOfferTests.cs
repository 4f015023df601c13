using Spos.Engine.Compilation;

namespace Spos.Engine.Tests.Compilation;

/// <summary>Which version of NVRTC compiles for a GPU, and to what.</summary>
public sealed class KernelOfferTests
{
    // Offers as VERSION:ARCHITECTURES, "ready" for a folder of cubins; of NVRTC's, each is a cubin and PTX.
    [Theory]
    [InlineData("13.0", 90, "13.0:75,80,90", "13.0 sm_90")]
    // The newest that the driver knows, though another was found first.
    [InlineData("13.0", 90, "11.8:70,80,90 13.0:75,80,90 12.4:70,80,90", "13.0 sm_90")]
    // A driver of CUDA 12 does not run what NVRTC 13 makes.
    [InlineData("12.4", 90, "13.0:75,80,90 12.1:70,80,90", "12.1 sm_90")]
    [InlineData("12.4", 90, "13.0:75,80,90", null)]
    // Cubins of the same major version run; those of a version that the driver knows come first.
    [InlineData("12.2", 90, "12.8:70,80,90,100", "12.8 sm_90")]
    [InlineData("12.2", 90, "12.8:70,80,90,100 11.8:70,80,90", "11.8 sm_90")]
    // A newer GPU gets PTX of the nearest architecture before it.
    [InlineData("13.0", 100, "11.8:70,80,90", "11.8 compute_90")]
    [InlineData("13.0", 120, "11.8:70,80,90 12.8:70,80,90,100", "12.8 compute_100")]
    [InlineData("13.0", 120, "11.8:70,80,86 12.4:70,80", "11.8 compute_86")]
    [InlineData("13.0", 103, "12.4:70,80,90 12.6:70,80,90", "12.6 compute_90")]
    // But no driver compiles PTX of a version after its own.
    [InlineData("12.2", 100, "12.4:70,80,90 12.1:70,80,89", "12.1 compute_89")]
    [InlineData("12.2", 100, "12.4:70,80,90", null)]
    // An older GPU than any that it knows.
    [InlineData("13.0", 70, "13.0:75,80,90", null)]
    [InlineData("13.0", 70, "13.0:75,80,90 12.4:70,80,90", "12.4 sm_70")]
    // What came with the program needs no compiling; it is not taken in place of a better fit.
    [InlineData("13.0", 90, "ready11.8:80,90 13.0:75,80,90", "ready11.8 sm_90")]
    [InlineData("13.0", 89, "ready11.8:80,90 13.0:75,80,89,90", "13.0 sm_89")]
    [InlineData("13.0", 120, "ready11.8:80,90,p90", "ready11.8 compute_90")]
    [InlineData("13.0", 120, "ready11.8:80,90,p90 13.0:90,120", "13.0 sm_120")]
    [InlineData("11.4", 90, "ready12.4:80,90,p90", null)]
    [InlineData("13.0", 90, "", null)]
    public void The_best_is_chosen(string driver, int architecture, string offers, string? wanted)
    {
        (KernelOffer Offer, KernelTarget Target)? chosen =
            KernelOffer.Choose(offers.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse), Version.Parse(driver), architecture);
        Assert.Equal(wanted, chosen is var (offer, target) ? $"{(offer.IsReady ? "ready" : "")}{offer.Nvrtc} {target}" : null);
    }

    [Theory]
    [InlineData("sm_90", 90, false)]
    [InlineData("compute_120", 120, true)]
    public void A_target_is_read_as_it_is_written(string name, int architecture, bool isPtx)
    {
        Assert.Equal(new KernelTarget(architecture, isPtx), KernelTarget.TryParse(name));
        Assert.Equal(name, new KernelTarget(architecture, isPtx).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("90")]
    [InlineData("sm_")]
    [InlineData("sm_-1")]
    [InlineData("sm_90a")]
    [InlineData("compute_9.0")]
    public void What_is_no_target_is_none(string name) => Assert.Null(KernelTarget.TryParse(name));

    private static KernelOffer Parse(string text)
    {
        bool ready = text.StartsWith("ready", StringComparison.Ordinal);
        string[] parts = text[(ready ? "ready".Length : 0)..].Split(':');
        IEnumerable<KernelTarget> Targets(string architecture)
        {
            if (architecture[0] == 'p') return [new KernelTarget(int.Parse(architecture[1..]), IsPtx: true)];
            var cubin = new KernelTarget(int.Parse(architecture), IsPtx: false);
            return ready ? [cubin] : [cubin, cubin with { IsPtx = true }];
        }
        return new KernelOffer(Version.Parse(parts[0]), [.. parts[1].Split(',').SelectMany(Targets)], ready);
    }
}
