using Spos.Engine.Supernet;
using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Runs.Tests;

public sealed class FlopsWindowTests
{
    private static readonly NetworkSpec Official = new();
    private static readonly CostTable Flops = NetworkFlops.Of(Official);

    [Theory]
    [InlineData(5.0, 4.0, "--flops-lb 5 is above --flops-ub 4: this network's paths have 270.359M to 398.609M FLOPs.")]
    [InlineData(380e6, null, "--flops-lb 380000000 is above --flops-ub 360000000, its default: this")]
    [InlineData(null, 5.0, "--flops-lb 290000000, its default, is above --flops-ub 5: this")]
    [InlineData(1.0, 2.0, "--flops-lb 1 to --flops-ub 2: no path is within; this")]
    [InlineData(4e9, 5e9, "--flops-lb 4000000000 to --flops-ub 5000000000: no path is within; this")]
    public void What_is_no_window_names_the_options(double? lower, double? upper, string says)
    {
        string refusal = Assert.Throws<UsageException>(() => FlopsWindow.Of(lower, upper, Official, Flops)).Message;
        Assert.StartsWith(says, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_given_is_the_papers_or_the_networks()
    {
        Assert.Equal(new FlopsWindow(290e6, 360e6), FlopsWindow.Of(null, null, Official, Flops));
        NetworkSpec small = Official with { ImageSize = 64 };
        CostTable flops = NetworkFlops.Of(small);
        Assert.Equal(new FlopsWindow(flops.Least, flops.Most), FlopsWindow.Of(null, null, small, flops));
        Assert.Equal(new FlopsWindow(30e6, 30e6), FlopsWindow.Of(30e6, 30e6, small, flops));
    }
}
