using System.Text.Json;

namespace Spos.Cli.Tests;

public sealed class PredictTests(PredictTests.Trained trained) : IClassFixture<PredictTests.Trained>
{
    /// <summary>A network that is trained on the fixture's pictures.</summary>
    public sealed class Trained : IDisposable
    {
        public Trained()
        {
            PipelineFixture.Expect(
                0, ["scratch", .. Fixture.Network, "--architecture", "0 1 2 3 0", "--epochs", "3", "--output-dir", Checkpoint]);
        }

        public PipelineFixture Fixture { get; } = new();

        public string Checkpoint => Fixture.At("scratch");

        public void Dispose() => Fixture.Dispose();
    }

    private string Val => Path.Combine(trained.Fixture.Data, "val");

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void First_guesses_are_as_good_as_eval_says(string precision)
    {
        string[] network = ["--checkpoint", trained.Checkpoint, "--precision", precision];
        string evaluated = PipelineFixture.Expect(
            0, ["eval", "--imagenet-dir", trained.Fixture.Data, .. network, "--test-batch-size", "7"]).Output;
        Prediction[] predictions = Predict(0, [Val, .. network, "--batch-size", "5"]);
        Assert.Equal(18, predictions.Length);
        Assert.All(predictions, one =>
        {
            Assert.Equal([0, 1, 2], one.Classes.Select(guess => guess.Class).Order());
            Assert.Equal(1, one.Classes.Sum(guess => guess.Probability), 1e-12);
            Assert.Equal(one.Classes.OrderByDescending(guess => guess.Probability), one.Classes);
        });
        // Pictures lie in folders that are called as their class.
        int right = predictions.Count(one => one.Classes[0].Name == Path.GetFileName(Path.GetDirectoryName(one.Picture)));
        Assert.Contains($"  {"top-1 on val",-24}{right / 18.0:0.00%}", evaluated, StringComparison.Ordinal);
        double loss = -predictions.Average(one => Math.Log(
            one.Classes.First(guess => guess.Name == Path.GetFileName(Path.GetDirectoryName(one.Picture))).Probability));
        Assert.Contains($"  {"loss",-24}{loss:0.0000}", evaluated, StringComparison.Ordinal);

        // One by one, in another order and with other threads they are the same to the bit.
        string[] few = [.. predictions[..3].Reverse().Select(one => one.Picture)];
        Prediction[] alone = Predict(0, [.. few, .. network, "--batch-size", "1", "--threads", "1", "--workers", "1"]);
        Assert.Equal(
            predictions[..3].Reverse().SelectMany(one => one.Classes).ToArray(), alone.SelectMany(one => one.Classes).ToArray());
    }

    [Fact]
    public void A_table_tells_the_same_and_a_file_keeps_it()
    {
        string[] pictures = [.. Directory.GetFiles(Path.Combine(Val, Directory.GetDirectories(Val)[0])).Order().Take(2)];
        string file = trained.Fixture.At("predictions.json");
        string[] command = ["predict", "--checkpoint", trained.Checkpoint, "--top", "1", "--output", file];
        string table = PipelineFixture.Expect(0, [.. command, .. pictures]).Output;
        Prediction[] predictions = Read(File.ReadAllText(file));
        Assert.Equal(pictures, predictions.Select(one => one.Picture));
        Assert.All(predictions, one => Assert.Matches(
            $@"{one.Picture} +{Assert.Single(one.Classes).Name} +{one.Classes[0].Probability * 100:0.0}", table));
        // It is written over, but nothing else is.
        PipelineFixture.Expect(0, [.. command, pictures[0]]);
        Assert.Single(Read(File.ReadAllText(file)));
        File.WriteAllText(file, "[1]");
        Assert.Contains(
            $"--output {file} is there already, and is not a file of predictions.",
            PipelineFixture.Expect(2, [.. command, .. pictures]).Error, StringComparison.Ordinal);
        Assert.Equal("[1]", File.ReadAllText(file));
    }

    [Fact]
    public void A_picture_can_come_by_standard_input()
    {
        string picture = Directory.GetFiles(Val, "*.jpg", SearchOption.AllDirectories)[0];
        Prediction named = Assert.Single(Predict(0, picture, "--checkpoint", trained.Checkpoint));
        Outcome outcome = SposProcess.RunFed(
            File.ReadAllBytes(picture), "predict", "-", "--checkpoint", trained.Checkpoint, "--format", "json");
        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
        Prediction piped = Assert.Single(Read(outcome.Output));
        Assert.Equal("standard input", piped.Picture);
        Assert.Equal(named.Classes, piped.Classes);
        void Refused(int code, string message, byte[] input, params string[] pictures)
        {
            Outcome refused = SposProcess.RunFed(input, ["predict", .. pictures, "--checkpoint", trained.Checkpoint]);
            Assert.Equal(code, refused.Code);
            Assert.Contains(message, refused.Error, StringComparison.Ordinal);
        }

        Refused(2, "standard input is empty", [], "-");
        Refused(2, "Name it once.", [1], "-", "-");
        Refused(1, "spos: standard input: ", [1], "-");
    }

    [Fact]
    public void What_cannot_be_decoded_is_told_and_the_others_are_predicted()
    {
        string folder = trained.Fixture.At("mixed");
        Directory.CreateDirectory(folder);
        string good = Path.Combine(folder, "-good.jpg"), bad = Path.Combine(folder, "bad.jpg");
        File.Copy(Directory.GetFiles(Val, "*.jpg", SearchOption.AllDirectories)[0], good);
        File.WriteAllText(bad, "no picture");
        Outcome outcome = SposProcess.Run("predict", folder, "--checkpoint", trained.Checkpoint, "--format", "json");
        Assert.Equal(1, outcome.Code);
        Assert.Contains($"{bad}: ", outcome.Error, StringComparison.Ordinal);
        Prediction[] predictions = Read(outcome.Output);
        Assert.Equal([good, bad], predictions.Select(one => one.Picture));
        Assert.Equal((3, null), (predictions[0].Classes.Length, predictions[0].Error));
        Assert.Empty(predictions[1].Classes);
        Assert.Contains(bad, predictions[1].Error!, StringComparison.Ordinal);
        Assert.Matches($"{bad} +cannot be decoded", PipelineFixture.Expect(
            1, "predict", good, bad, "--checkpoint", trained.Checkpoint).Output);
        // Also where there are no others, and of more than a batch, of which the progress is shown to the end.
        Prediction damaged = Assert.Single(Predict(1, bad, "--checkpoint", trained.Checkpoint));
        Assert.Equal((0, predictions[1].Error), (damaged.Classes.Length, damaged.Error));
        string shown = PipelineFixture.Expect(
            1, "predict", good, good, bad, "--checkpoint", trained.Checkpoint, "--batch-size", "2").Output;
        Assert.Matches("predictions +3/3 ", shown);
    }

    [Theory]
    [InlineData(2, "Name pictures: ", "predict")]
    [InlineData(1, "no/such.jpg: no such file or folder.", "predict", "no/such.jpg")]
    [InlineData(1, "./-x.jpg: no such file or folder.", "predict", "--", "-x.jpg")]
    [InlineData(2, "--top 0: ", "predict", "a.jpg", "--top", "0")]
    public void Mistakes_are_told(int code, string message, params string[] command)
    {
        string[] network = command.Length == 1 ? [] : ["--checkpoint", trained.Checkpoint];
        Assert.Contains(
            message, PipelineFixture.Expect(code, [command[0], .. network, .. command[1..]]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_supernet_and_a_folder_without_pictures_are_refused()
    {
        string supernet = trained.Fixture.At("supernet"), empty = trained.Fixture.At("none");
        Assert.Contains(
            "is a supernet, whose paths are not for use as they are.",
            PipelineFixture.Expect(2, "predict", Val, "--checkpoint", supernet).Error, StringComparison.Ordinal);
        Directory.CreateDirectory(empty);
        Assert.Contains(
            $"{empty}: no pictures there (.jpg", PipelineFixture.Expect(1, "predict", empty, "--checkpoint", trained.Checkpoint).Error,
            StringComparison.Ordinal);
    }

    private static Prediction[] Predict(int code, params string[] arguments) =>
        Read(PipelineFixture.Expect(code, ["predict", .. arguments, "--format", "json"]).Output);

    internal static Prediction[] Read(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return
        [
            .. document.RootElement.GetProperty("predictions").EnumerateArray().Select(one => new Prediction(
                one.GetProperty("picture").GetString()!,
                [
                    .. one.GetProperty("classes").EnumerateArray().Select(guess => new Guess(
                        guess.GetProperty("class").GetInt32(), guess.GetProperty("name").GetString()!,
                        guess.GetProperty("probability").GetDouble())),
                ],
                one.TryGetProperty("error", out JsonElement error) ? error.GetString() : null)),
        ];
    }

    internal sealed record Prediction(string Picture, Guess[] Classes, string? Error);

    internal sealed record Guess(int Class, string Name, double Probability);
}
