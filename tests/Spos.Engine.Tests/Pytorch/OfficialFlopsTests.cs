using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;

namespace Spos.Engine.Tests.Pytorch;

public sealed class OfficialFlopsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-flops-").FullName;

    [Fact]
    public void The_table_s_operations_are_found()
    {
        var spec = new NetworkSpec();
        FlopsTable official = OfficialFlops.Load(TorchFixtures.At("op_flops_dict.pkl"), spec), computed = new(spec);
        for (int block = 0; block < spec.Blocks; block++)
        {
            for (int choice = 0; choice < Architecture.Choices; choice++) Assert.Equal(computed.Of(block, choice), official.Of(block, choice));
        }
        Assert.Equal(computed.Fixed, official.Fixed);
    }

    [Fact]
    public void A_table_of_other_sizes_or_of_something_else_is_refused()
    {
        TorchCheckpointException other = Assert.Throws<TorchCheckpointException>(() => OfficialFlops.Load(TorchFixtures.At("op_flops_dict.pkl"), new NetworkSpec { StageChannels = [48, 160, 320, 640] }));
        Assert.Contains("(16, 48, 112, 112, 2)", other.Message, StringComparison.Ordinal);
        string file = Path.Combine(_folder, "table.pkl");
        foreach (string contents in new[] { "", "N.", "cos\nsystem\n(S'ls'\ntR.", "}." })
        {
            File.WriteAllText(file, contents);
            Assert.Contains("table.pkl", Assert.Throws<TorchCheckpointException>(() => OfficialFlops.Load(file, new NetworkSpec())).Message, StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
