using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>Python source of networks. tests/fixtures/check_module.py runs the expected text in PyTorch and
/// compares its logits; SPOS_UPDATE_GOLDENS=1 writes the text anew.</summary>
public sealed class ModuleSourceTests
{
    [Fact]
    public void The_module_of_a_path_is_the_one_that_pytorch_ran()
    {
        string file = TorchFixtures.At("torch_single_zip.pth");
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(TorchStateDict.Of(checkpoint, file), TorchFixtures.ImageSize, file);
        string source = ModuleSource.Of(spec, path!, TorchFixtures.Record, "exported_network.pth");
        if (Environment.GetEnvironmentVariable("SPOS_UPDATE_GOLDENS") == "1")
        {
            File.WriteAllText(Path.Combine(Checkout.Root, "tests", "fixtures", "exported_network.py"), source);
            return;
        }
        Assert.Equal(File.ReadAllText(TorchFixtures.At("exported_network.py")), source);
    }

    [Fact]
    public void A_batch_norm_without_parameters_says_so()
    {
        var spec = new NetworkSpec { ImageSize = 32, Classes = 3, Dropout = 0 };
        string source = ModuleSource.Of(spec, new Architecture(Enumerable.Repeat(3, spec.Blocks)), new ExportRecord { ImageSize = 32, OfficialPreprocessing = false }, "a \"b\".pth");
        Assert.Contains("nn.BatchNorm2d(16, affine=False)", source, StringComparison.Ordinal);
        Assert.DoesNotContain("CLASSES", source, StringComparison.Ordinal);
        Assert.Contains("with_name(\"a \\\"b\\\".pth\")", source, StringComparison.Ordinal);
    }
}
