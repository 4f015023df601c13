using System.Text.Json;

namespace Spos.Cli.Tests;

/// <summary>From a folder of pictures to a network that tells what is in one, as a new user does it.</summary>
public sealed class NewTests(PipelineFixture fixture) : IClassFixture<PipelineFixture>
{
    [Fact]
    public void Three_commands_lead_from_folders_of_pictures_to_a_prediction()
    {
        string pictures = Path.Combine(fixture.Data, "train"), set = fixture.At("set"), file = fixture.At("it's set.yml");
        Outcome made = PipelineFixture.Expect(0, "new", pictures, "--split", set, "--output", file, "--time", "1s");
        Assert.Contains("of 48 pictures", made.Output, StringComparison.Ordinal);
        Assert.Contains("linked", made.Output, StringComparison.Ordinal);
        Assert.Contains("32×32", made.Output, StringComparison.Ordinal);
        Assert.Contains("takes longer than --time 1s", made.Error, StringComparison.Ordinal);
        // As a user shortens it.
        string text = File.ReadAllText(file);
        Assert.Contains($"imagenet-dir: {set}", text, StringComparison.Ordinal);
        Assert.Contains("  epochs: 30 ", text, StringComparison.Ordinal);
        File.WriteAllText(
            file,
            text.Replace("epochs: 30 ", "epochs: 1 ", StringComparison.Ordinal)
                .Replace("epochs: 60\n", "epochs: 2\n", StringComparison.Ordinal)
                .Replace("num-population: 24", "num-population: 4", StringComparison.Ordinal)
                .Replace("num-select: 8", "num-select: 2", StringComparison.Ordinal)
                .Replace("num-crossover: 9", "num-crossover: 1", StringComparison.Ordinal)
                .Replace("num-mutation: 9", "num-mutation: 1", StringComparison.Ordinal));
        Outcome ran = PipelineFixture.Expect(0, "run", file);
        foreach (string done in new[] { "Supernet trained", "Search done", "Trained from scratch" })
        {
            Assert.Contains(done, ran.Output, StringComparison.Ordinal);
        }
        string runs = fixture.At("runs/it's set"), picture = Directory.GetFiles(pictures, "*.jpg", SearchOption.AllDirectories)[0];
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(runs, "scratch/run.json")));
        Assert.Equal("2", record.RootElement.GetProperty("options").GetProperty("epochs").GetString());
        Assert.Equal(JsonValueKind.Null, record.RootElement.GetProperty("options").GetProperty("config").ValueKind);
        Outcome predicted = PipelineFixture.Expect(0, "predict", picture, "--config", file);
        Assert.Contains(Path.Combine(runs, "scratch"), predicted.Output, StringComparison.Ordinal);
        // What is done is not done again, and a phase that is refused is the last one.
        Assert.Contains("Trained from scratch", PipelineFixture.Expect(0, "run", file).Output, StringComparison.Ordinal);
        File.AppendAllText(file, "search:\n");
        Assert.Contains("is there twice", PipelineFixture.Expect(2, "run", file).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_there_is_kept()
    {
        string file = fixture.At("mine.yml");
        File.WriteAllText(file, "seed: 3\n");
        Outcome refused = PipelineFixture.Expect(2, "new", fixture.Data, "--output", file);
        Assert.Contains("is there already", refused.Error, StringComparison.Ordinal);
        Assert.Equal("seed: 3\n", File.ReadAllText(file));
    }

    [Theory]
    [InlineData("empty", "no class folders")]
    [InlineData("missing", "no such folder")]
    [InlineData("loose", "no class folders")]
    [InlineData("one class", "one class, 'a'")]
    [InlineData("one class, not to be divided", "one class folder alone")]
    [InlineData("one picture", "a class of one picture cannot be divided")]
    [InlineData("only train", "has train but no val")]
    [InlineData("few", "5 training pictures are too few: 2 of them are held out")]
    [InlineData("damaged", "none of 6 pictures can be decoded")]
    [InlineData("one to train with", "b: one picture is too few to train on, since")]
    [InlineData("one to train with, one damaged", "b: one picture of 2, the others are damaged: this is too few to train on")]
    [InlineData("one to train with, and that damaged", "b: its one picture cannot be decoded. Add others")]
    [InlineData("all of one class damaged", "b: none of its 2 pictures can be decoded. Add others")]
    [InlineData("all of val damaged", "val: none of 2 pictures can be decoded. Replace them")]
    public void Folders_that_cannot_be_learnt_from_are_refused_with_what_to_do(string what, string named)
    {
        string folder = fixture.At($"odd {what}"), split = fixture.At($"split {what}"), file = fixture.At($"{what}.yml");
        string[] pictures = Directory.GetFiles(Path.Combine(fixture.Data, "val"), "*.jpg", SearchOption.AllDirectories);
        if (what != "missing") Directory.CreateDirectory(folder);
        foreach ((int i, string name) in (what switch
        {
            "loose" => new[] { "x.jpg" },
            "one class" or "one class, not to be divided" => ["a/0.jpg", "a/1.jpg", "a/2.jpg"],
            "one picture" => ["a/0.jpg", "a/1.jpg", "a/2.jpg", "b/3.jpg"],
            "only train" => ["train/a/0.jpg", "train/b/1.jpg"],
            "few" or "damaged" => ["a/0.jpg", "a/1.jpg", "a/2.jpg", "a/3.jpg", "b/4.jpg", "b/5.jpg", "b/6.jpg"],
            "one to train with" or "one to train with, one damaged" or "one to train with, and that damaged"
                or "all of one class damaged" or "all of val damaged" =>
                ["train/a/0.jpg", "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg"],
            _ => [],
        }).Index())
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            bool isDamaged = what == "damaged" || (what == "all of val damaged" && name.StartsWith("val", StringComparison.Ordinal));
            if (isDamaged) File.WriteAllText(path, "no picture");
            else File.Copy(pictures[i], path);
        }
        string[] more = Directory.Exists(Path.Combine(folder, "val")) ? [] : ["--split", split];
        if (what is "one to train with, and that damaged" or "all of one class damaged")
        {
            File.WriteAllText(Path.Combine(folder, "train/b/2.jpg"), "no picture");
        }
        if (what is "one to train with, one damaged" or "all of one class damaged")
        {
            File.WriteAllText(Path.Combine(folder, "train/b/5.jpg"), "no picture");
        }
        if (what == "damaged") File.WriteAllText(Path.Combine(folder, "b", "7.jpg"), "no picture");
        if (what is "only train" or "one class, not to be divided") more = [];
        Outcome outcome = PipelineFixture.Expect(1, ["new", folder, .. more, "--output", file]);
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(File.Exists(file) || Directory.Exists(split));
    }

    [Fact]
    public void A_folder_of_classes_alone_is_not_divided_unless_it_is_asked_for()
    {
        string folder = Path.Combine(fixture.Data, "train");
        Assert.Contains(
            "has 3 folders of pictures, but neither train nor val. Add --split FOLDER",
            PipelineFixture.Expect(2, "new", folder, "--output", fixture.At("undivided.yml")).Error, StringComparison.Ordinal);
        string inside = Path.Combine(folder, "split");
        Assert.Contains(
            "lies in", PipelineFixture.Expect(2, "new", folder, "--split", inside, "--output", fixture.At("x.yml")).Error,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(inside));
        Assert.Contains(
            "the folder is not empty. It is a data set already: spos new",
            PipelineFixture.Expect(2, "new", folder, "--split", fixture.Data, "--output", fixture.At("x.yml")).Error,
            StringComparison.Ordinal);
        Assert.Contains(
            "has train and val already", PipelineFixture.Expect(2, "new", fixture.Data, "--split", fixture.At("x")).Error,
            StringComparison.Ordinal);
    }
}
