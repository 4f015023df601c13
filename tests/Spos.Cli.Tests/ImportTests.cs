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
        Outcome imported = PipelineFixture.Expect(
            0, "import", "--checkpoint", Fixture("torch_supernet_legacy.pth.tar"), "--image-size", "32", "--output-dir", run);
        Assert.Contains("supernet", imported.Output, StringComparison.Ordinal);
        PipelineFixture.Expect(
            0, "search", "--imagenet-dir", data, "--checkpoint", run, "--output-dir", At("search"), "--max-epochs", "1",
            "--num-population", "3", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1",
            "--train-batch-size", "8", "--select-on", "val");
        // The checkpoint remembers how the official code preprocesses.
        Assert.Contains(
            "\"spos-preprocessing\":\"True\"", File.ReadAllText(Path.Combine(At("search"), "search.json")), StringComparison.Ordinal);
        PipelineFixture.Expect(0, "export", "--checkpoint", run, "--format", "pth", "--output", exported);
        Outcome listed = PipelineFixture.Expect(0, "import", "--checkpoint", exported, "--list");
        Assert.Contains("features.1.3.branch_main.12.weight", listed.Output, StringComparison.Ordinal);
        foreach (string format in new[] { "onnx", "pytorch" })
        {
            string refused = PipelineFixture.Expect(1, "export", "--checkpoint", run, "--format", format).Error;
            Assert.Contains($"only a single path can be exported as {format}. Use --format pth", refused, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_single_path_is_exported_in_every_format()
    {
        string run = At("single");
        PipelineFixture.Expect(0, "import", "--checkpoint", Fixture("torch_single_zip.pth"), "--image-size", "32", "--output-dir", run);
        foreach (string format in new[] { "pth", "safetensors", "onnx" })
        {
            PipelineFixture.Expect(0, "export", "--checkpoint", run, "--format", format);
        }
        byte[] file = File.ReadAllBytes(Path.Combine(run, "network.safetensors"));
        long header = BitConverter.ToInt64(file);
        using JsonDocument document = JsonDocument.Parse(file.AsMemory(8, (int)header));
        JsonElement classifier = document.RootElement.GetProperty("classifier.0.weight");
        Assert.Equal("F32", classifier.GetProperty("dtype").GetString());
        Assert.Equal([5, 12], classifier.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()));
        Assert.Equal(file.Length, 8 + header + classifier.GetProperty("data_offsets")[1].GetInt64());
        Assert.Equal(0, (8 + header) % 8);
    }

    [Theory]
    [InlineData("onnx")]
    [InlineData("safetensors")]
    public void The_ending_of_a_file_says_its_format(string format)
    {
        string run = At("single"), byEnding = At($"by-ending.{format}");
        PipelineFixture.Expect(0, "import", "--checkpoint", Fixture("torch_single_zip.pth"), "--image-size", "32", "--output-dir", run);
        PipelineFixture.Expect(0, "export", "--checkpoint", run, "--format", format);
        PipelineFixture.Expect(0, "export", "--checkpoint", run, "--output", byEnding);
        Assert.Equal(File.ReadAllBytes(Path.Combine(run, $"network.{format}")), File.ReadAllBytes(byEnding));
    }

    [Fact]
    public void Python_source_is_exported_with_its_weights_beside_it()
    {
        string run = At("single"), source = At("found.py"), weights = At("found.pth");
        PipelineFixture.Expect(0, "import", "--checkpoint", Fixture("torch_single_zip.pth"), "--image-size", "32", "--output-dir", run);
        string[] export = ["export", "--checkpoint", run, "--format", "pytorch", "--output"];
        PipelineFixture.Expect(0, [.. export, source]);
        Assert.StartsWith(
            "\"\"\"A network that spos export wrote: the path 1 2 0 3 2.\n", File.ReadAllText(source), StringComparison.Ordinal);
        Assert.Contains("with_name(\"found.pth\")", File.ReadAllText(source), StringComparison.Ordinal);
        string plain = At("plain.pth");
        PipelineFixture.Expect(0, "export", "--checkpoint", run, "--output", plain);
        Assert.Equal(File.ReadAllBytes(plain), File.ReadAllBytes(weights));
        // It may be written again, and nothing else may be lost for it.
        PipelineFixture.Expect(0, [.. export, source]);
        Assert.Contains("ends in .py", PipelineFixture.Expect(2, [.. export, At("found.pth")]).Error, StringComparison.Ordinal);
        File.WriteAllText(At("mine.py"), "print()\n");
        Assert.Contains("mine.py is there already", PipelineFixture.Expect(2, [.. export, At("mine.py")]).Error, StringComparison.Ordinal);
        File.WriteAllText(At("notes.pth"), "notes");
        Assert.Contains(
            "notes.pth is there already", PipelineFixture.Expect(2, [.. export, At("notes.py")]).Error, StringComparison.Ordinal);
        Assert.Equal("print()\n", File.ReadAllText(At("mine.py")));
        Assert.False(File.Exists(At("notes.py")));
    }

    [Fact]
    public void Weights_beside_python_source_replace_no_other_checkpoint()
    {
        string run = At("single"), source = At("model.py"), weights = At("model.pth");
        File.Copy(Fixture("torch_single_zip.pth"), weights);
        PipelineFixture.Expect(0, "import", "--checkpoint", weights, "--image-size", "32", "--output-dir", run);
        byte[] before = File.ReadAllBytes(weights);
        Outcome refused = PipelineFixture.Expect(2, "export", "--checkpoint", run, "--format", "pytorch", "--output", source);
        Assert.Contains(
            $"--output {weights} is there already, and is not a file of weights that spos export wrote", refused.Error,
            StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(weights));
        Assert.False(File.Exists(source));
    }

    [Fact]
    public void What_cannot_be_imported_says_why()
    {
        string file = At("bad.pth");
        File.WriteAllText(file, "cos\nsystem\n(S'touch pwned'\ntR.");
        Outcome outcome = PipelineFixture.Expect(1, "import", "--checkpoint", file);
        Assert.Contains("bad.pth", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("os.system", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(
            "missing.pth", PipelineFixture.Expect(1, "import", "--checkpoint", At("missing.pth")).Error, StringComparison.Ordinal);
        Assert.Contains("--checkpoint", PipelineFixture.Expect(2, "import").Error, StringComparison.Ordinal);
        Assert.Contains(
            "shufflenet_3x3_stride_2", PipelineFixture.Expect(1, "import", "--flops-table", Empty()).Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static string Fixture(string name) => Path.Combine(Fixtures, name);

    private string At(string name) => Path.Combine(_folder, name);

    private string Empty()
    {
        string file = At("empty.pkl");
        File.WriteAllText(file, "}.");
        return file;
    }
}
