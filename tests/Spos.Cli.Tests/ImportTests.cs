using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>PyTorch's checkpoints come in, are evaluated and searched, and go out again.</summary>
public sealed class ImportTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-import-").FullName;

    [Fact]
    public void A_supernet_is_imported_searched_and_exported()
    {
        string data = At("data"), run = At("supernet"), exported = At("again.pth");
        PipelineFixture.Expect(0, "dataset", "make", "--output-dir", data, "--classes", "5", "--train", "4", "--val", "2", "--size", "32");
        Outcome imported = PipelineFixture.Expect(0, "import", "--checkpoint", Fixture("torch_supernet_legacy.pth.tar"), "--image-size", "32", "--output-dir", run);
        Assert.Contains("supernet", imported.Output, StringComparison.Ordinal);
        PipelineFixture.Expect(0, "search", "--imagenet-dir", data, "--checkpoint", run, "--output-dir", At("search"), "--max-epochs", "1", "--num-population", "3", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1", "--train-batch-size", "8", "--select-on", "val");
        // The checkpoint remembers how the official code preprocesses.
        Assert.Contains("\"spos-preprocessing\":\"True\"", File.ReadAllText(Path.Combine(At("search"), "search.json")), StringComparison.Ordinal);
        PipelineFixture.Expect(0, "export", "--checkpoint", run, "--format", "pth", "--output", exported);
        Outcome listed = PipelineFixture.Expect(0, "import", "--checkpoint", exported, "--list");
        Assert.Contains("features.1.3.branch_main.12.weight", listed.Output, StringComparison.Ordinal);
        Assert.Contains("single path", PipelineFixture.Expect(1, "export", "--checkpoint", run, "--format", "onnx").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_path_is_exported_in_every_format()
    {
        string run = At("single");
        PipelineFixture.Expect(0, "import", "--checkpoint", Fixture("torch_single_zip.pth"), "--image-size", "32", "--output-dir", run);
        foreach (string format in new[] { "pth", "safetensors", "onnx" }) PipelineFixture.Expect(0, "export", "--checkpoint", run, "--format", format);
        byte[] file = File.ReadAllBytes(Path.Combine(run, "network.safetensors"));
        long header = BitConverter.ToInt64(file);
        using JsonDocument document = JsonDocument.Parse(file.AsMemory(8, (int)header));
        JsonElement classifier = document.RootElement.GetProperty("classifier.0.weight");
        Assert.Equal("F32", classifier.GetProperty("dtype").GetString());
        Assert.Equal([5, 12], classifier.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()));
        Assert.Equal(file.Length, 8 + header + classifier.GetProperty("data_offsets")[1].GetInt64());
        Assert.Equal(0, (8 + header) % 8);
    }

    [Fact]
    public void What_cannot_be_imported_says_why()
    {
        string file = At("bad.pth");
        File.WriteAllText(file, "cos\nsystem\n(S'touch pwned'\ntR.");
        Outcome outcome = PipelineFixture.Expect(1, "import", "--checkpoint", file);
        Assert.Contains("bad.pth", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("os.system", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("missing.pth", PipelineFixture.Expect(1, "import", "--checkpoint", At("missing.pth")).Error, StringComparison.Ordinal);
        Assert.Contains("--checkpoint", PipelineFixture.Expect(2, "import").Error, StringComparison.Ordinal);
        Assert.Contains("shufflenet_3x3_stride_2", PipelineFixture.Expect(1, "import", "--flops-table", Empty()).Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Fixture(string name) => Path.Combine(Fixtures, name);

    private string At(string name) => Path.Combine(_folder, name);

    private string Empty()
    {
        string file = At("empty.pkl");
        File.WriteAllText(file, "}.");
        return file;
    }
}
