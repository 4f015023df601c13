using System.Globalization;
using Spos.Engine.Pytorch;

namespace Spos.Cli.Tests;

/// <summary>What a network says of pictures as a checkpoint, it says as an ONNX graph.</summary>
public sealed class OnnxPredictTests(PredictTests.Trained trained) : IClassFixture<PredictTests.Trained>
{
    private string Val => Path.Combine(trained.Fixture.Data, "val");

    [Theory]
    [InlineData("images")]
    [InlineData("pictures", "--with-preprocessing")]
    public void A_graph_guesses_as_its_checkpoint_does(string input, params string[] options)
    {
        string file = Export($"{input}.onnx", options);
        PredictTests.Prediction[] expected = Predict(trained.Checkpoint), actual = Predict(file, "--batch-size", "5");
        Assert.Equal(18, actual.Length);
        Assert.Equal(expected.Select(one => one.Picture), actual.Select(one => one.Picture));
        foreach ((PredictTests.Prediction own, PredictTests.Prediction graph) in expected.Zip(actual))
        {
            Assert.Equal(own.Classes.Select(guess => (guess.Class, guess.Name)), graph.Classes.Select(guess => (guess.Class, guess.Name)));
            // Logits of single precision differ by some 1e-6, and a probability by no more than they do.
            Assert.All(own.Classes.Zip(graph.Classes), both =>
                Assert.InRange(both.First.Probability - both.Second.Probability, -1e-4, 1e-4));
        }
        string table = Run(0, Val, "--checkpoint", file).Output;
        Assert.Contains("0 1 2 3 0", table, StringComparison.Ordinal);
        Assert.DoesNotContain("weights", table, StringComparison.Ordinal);

        // What the file says is what there is to say.
        OnnxFile read = OnnxFile.Read(file);
        Assert.Equal((input == "pictures", 3), (read.TakesPictures, read.Record.Classes));
        int right = expected.Count(one => one.Classes[0].Name == Path.GetFileName(Path.GetDirectoryName(one.Picture)));
        Assert.Equal(right / 18.0, read.Record.Top1);
    }

    [Fact]
    public void A_damaged_picture_is_told_and_the_others_are_predicted()
    {
        string folder = trained.Fixture.At("mixed-onnx");
        Directory.CreateDirectory(folder);
        string bad = Path.Combine(folder, "bad.jpg");
        File.Copy(Directory.GetFiles(Val, "*.jpg", SearchOption.AllDirectories)[0], Path.Combine(folder, "good.jpg"));
        File.WriteAllText(bad, "no picture");
        string[] files = [Export("mixed.onnx"), Export("mixed-pictures.onnx", "--with-preprocessing")];
        foreach (string file in files)
        {
            PredictTests.Prediction[] predictions = PredictTests.Read(Run(1, folder, "--checkpoint", file, "--format", "json").Output);
            Assert.Equal([0, 3], predictions.Select(one => one.Classes.Length));
            Assert.Contains(bad, predictions[0].Error!, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Files_and_options_that_do_not_fit_are_told()
    {
        string file = Export("refused.onnx"), foreign = trained.Fixture.At("foreign.onnx"), cut = trained.Fixture.At("cut.onnx");
        File.WriteAllBytes(foreign, [0x08, 0x08, 0x12, 0x04, .. "test"u8]);
        byte[] whole = File.ReadAllBytes(file);
        File.WriteAllBytes(cut, whole[..(whole.Length / 2)]);
        // The metadata are whole, and the graph is not one.
        string wrong = trained.Fixture.At("wrong.onnx");
        File.WriteAllBytes(wrong, [0x08, 0x08, 0x12, 0x04, .. "test"u8, .. MetadataOf(whole)]);
        Says(1, $"{foreign} is an ONNX model, but not one that spos export wrote", foreign);
        Says(1, $"{cut}: ", cut);
        Says(1, $"{wrong}: ONNX Runtime ", wrong);
        Says(2, $"--weights is of checkpoints, and {file} is an ONNX graph.", file, "--weights", "last");
        Says(2, "--precision is of checkpoints", file, "--precision", "bf16");
        Says(2, "--plan is of checkpoints", file, "--plan", "unfused");
        Says(2, "--spos-preprocessing is of checkpoints", file, "--spos-preprocessing");
        Says(2, $"{file} is run by ONNX Runtime on the CPU, which --device simt is not.", file, "--device", "simt");
        Outcome missing = SposProcess.RunWith(
            new Dictionary<string, string> { ["SPOS_ONNXRUNTIME"] = trained.Fixture.Data }, "predict", Val, "--checkpoint", file);
        Assert.Equal(1, missing.Code);
        Assert.Contains($"SPOS_ONNXRUNTIME: {trained.Fixture.Data} holds no libonnxruntime.so.1", missing.Error, StringComparison.Ordinal);

        void Says(int code, string message, string checkpoint, params string[] options) => Assert.Contains(
            message, Run(code, [Val, "--checkpoint", checkpoint, .. options]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_graph_can_preprocess() => Assert.Contains(
        "--with-preprocessing is of ONNX graphs, and the format here is pth. Add --format onnx, or leave it out.",
        PipelineFixture.Expect(
            2, "export", "--checkpoint", trained.Checkpoint, "--with-preprocessing", "--output", trained.Fixture.At("x.pth")).Error,
        StringComparison.Ordinal);

    // From where the first entry begins: spos_format.
    private static byte[] MetadataOf(byte[] model)
    {
        int at = model.AsSpan().IndexOf("\n\u000bspos_format"u8);
        Assert.True(at > 2, at.ToString(CultureInfo.InvariantCulture));
        return model[(at - 2)..];
    }

    private string Export(string name, params string[] options)
    {
        string file = trained.Fixture.At(name);
        PipelineFixture.Expect(0, ["export", "--checkpoint", trained.Checkpoint, "--output", file, .. options]);
        return file;
    }

    private PredictTests.Prediction[] Predict(string checkpoint, params string[] options) =>
        PredictTests.Read(Run(0, [Val, "--checkpoint", checkpoint, "--format", "json", .. options]).Output);

    private static Outcome Run(int code, params string[] arguments)
    {
        Outcome outcome = SposProcess.RunWith(SposProcess.OnnxRuntime, ["predict", .. arguments]);
        Assert.True(code == outcome.Code, outcome.Error);
        return outcome;
    }
}
