using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>Python source of networks. tests/fixtures/check_module.py runs the expected text in PyTorch and
/// compares its logits; SPOS_UPDATE_GOLDENS=1 writes the text anew.</summary>
public sealed class ModuleSourceTests
{
    [Theory]
    [InlineData("torch_single_zip.pth", "exported_network")]
    [InlineData("torch_single_plus.pth", "exported_plus_network")]
    [InlineData("torch_single_published.pth.tar", "exported_published_network")]
    public void The_module_of_a_path_is_the_one_that_pytorch_ran(string checkpointFile, string module)
    {
        string file = TorchFixtures.At(checkpointFile);
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(
            TorchStateDict.Of(checkpoint, file), TorchFixtures.ImageSize, file);
        string source = ModuleSource.Of(spec, path!, TorchFixtures.Record, $"{module}.pth");
        if (Environment.GetEnvironmentVariable("SPOS_UPDATE_GOLDENS") == "1")
        {
            File.WriteAllText(Path.Combine(Checkout.Root, "tests", "fixtures", $"{module}.py"), source);
            return;
        }
        Assert.Equal(File.ReadAllText(TorchFixtures.At($"{module}.py")), source);
    }

    [Theory]
    [InlineData("\"\"\"; import os", "\\\"\\\"\\\"; import os")]
    [InlineData("ends with \\", "ends with \\\\")]
    [InlineData("{0} %s\t\r\n\0\f", "{0} %s\\u0009\\u000d\\u000a\\u0000\\u000c")]
    [InlineData("\u0085\u2028\u2029", "\\u0085\\u2028\\u2029")]
    // They turn round what follows, so that the source looks like another.
    [InlineData("\u202e\u2066", "\\u202e\\u2066")]
    [InlineData("\U000e0041", "\\U000e0041")]
    [InlineData("犬 😀", "犬 😀")]
    public void A_name_stays_within_its_string(string name, string written)
    {
        var spec = new NetworkSpec { ImageSize = 32, Classes = 2 };
        var record = new ExportRecord { ImageSize = 32, OfficialPreprocessing = false, ClassNames = [name, "b"] };
        string source = ModuleSource.Of(spec, new Architecture(Enumerable.Repeat(0, spec.Blocks)), record, $"{name}.pth");
        Assert.Contains($"CLASSES = [\n    \"{written}\",\n    \"b\",\n]\n", source, StringComparison.Ordinal);
        Assert.Contains($"with_name(\"{written}.pth\")\n", source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_norm_without_parameters_says_so()
    {
        var spec = new NetworkSpec { ImageSize = 32, Classes = 3, Dropout = 0 };
        string source = ModuleSource.Of(
            spec, new Architecture(Enumerable.Repeat(3, spec.Blocks)), new ExportRecord { ImageSize = 32, OfficialPreprocessing = false },
            "a \"b\".pth");
        Assert.Contains("nn.BatchNorm2d(16, affine=False)", source, StringComparison.Ordinal);
        Assert.DoesNotContain("CLASSES", source, StringComparison.Ordinal);
        Assert.Contains("with_name(\"a \\\"b\\\".pth\")", source, StringComparison.Ordinal);
    }
}
