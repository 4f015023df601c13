using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Spos.Runs.Proposals;

namespace Spos.Cli.Configs;

/// <summary>The file of options that is written for a data set, with what each of them does.</summary>
/// <param name="data">The data set as it was named.</param>
/// <param name="file">The path of the file, to whose folder paths are relative.</param>
/// <param name="device">What times were measured on.</param>
internal sealed partial class ProposedFile(
    string data, string file, string device, DataFacts facts, Proposal options, PhaseTimes times)
{
    // Where a value's comment begins, if there is room.
    private const int Column = 30;

    private readonly StringBuilder _text = new();

    // The folder of the runs is called as the file.
    private string Runs => $"runs/{Path.GetFileNameWithoutExtension(file)}";

    public string Text()
    {
        _text.Clear();
        string set = $"{facts.Classes} classes; {facts.Train} pictures to train with and {facts.Val} to measure with (val)";
        string name = Shown.Line(ShellText.Word(file));
        Comment($"Options for the pictures in {Shown.Line(data)}: {set},");
        Comment($"of about {facts.LongSide}x{facts.ShortSide} pixels. Times are for {Shown.Line(device)}.");
        Comment("");
        Comment($"  spos run {name}   all three phases: {PhaseTimes.Words(times.Total)}");
        Comment($"  spos predict PICTURE --config {name}   what is in a picture");
        Comment("");
        Comment($"The phases can be run one by one, too: spos supernet --config {name}, then search, then scratch.");
        Comment("Options that all commands share stand first, then those of each command. An option on the command line wins.");
        Comment("`spos supernet --help` lists all options of supernet. Paths are relative to this file.");
        Line();
        Shared();
        Line();
        Supernet();
        Line();
        Search();
        Line();
        Scratch();
        Line();
        Comment("What the trained network is asked for.");
        Section("eval");
        Option("checkpoint", $"{Runs}/scratch");
        Section("predict");
        Option("checkpoint", $"{Runs}/scratch");
        return _text.ToString();
    }

    private void Shared()
    {
        Top("imagenet-dir", Scalar(PathOf(data)), "the data set: train and val, with a folder of pictures per class");
        if (options.CacheSize is { } side)
        {
            Comment("The pictures are much larger than what the network sees. So they are shrunk once, and kept here:");
            Top("cache", Scalar($"{Runs}/cache"));
            Top("cache-size", $"{side}", "pixels of their shorter side");
        }
        Comment("What the network sees: larger shows more, and takes longer by its square. A multiple of 32.");
        Top("image-size", $"{options.Network.ImageSize}");
        Comment("The network: choice blocks and channels of its four stages, and channels of the last convolution.");
        Top("stage-repeats", $"[{string.Join(", ", options.Network.StageRepeats)}]");
        Top("stage-channels", $"[{string.Join(", ", options.Network.StageChannels)}]");
        Top("last-channels", $"{options.Network.LastChannels}");
        if (!options.IsSmall) return;
        Batches("", options.BatchSize, options.LearningRate);
        Comment("For small data sets (docs/imagenet.md#small-data-sets):");
        Top("init", "aligned", "operations of a block begin alike, so that they can be compared");
        Top("warmup-steps", $"{options.WarmupSteps}", "steps in which the learning rate rises");
        Top("crop-min-area", "0.6", "random crops keep this share of a picture");
        Top("flip", "0.5", "mirror this share of pictures; 0 for digits, letters and signs");
    }

    private void Supernet()
    {
        Comment($"Phase 1, {PhaseTimes.Words(times.Supernet)}: one network that holds all that are searched.");
        Section("supernet");
        if (!options.IsSmall) Batches("  ", options.BatchSize, options.LearningRate);
        Option("epochs", $"{options.Epochs}", "passes over the pictures: more learn more, and take longer");
        if (options.IsSmall) Option("paths-per-step", $"{options.PathsPerStep}", "paths trained on each batch");
        Option("held-out", Number(options.HeldOut), "share of train on which the search compares");
        Option("output-dir", $"{Runs}/supernet");
    }

    private void Search()
    {
        Comment($"Phase 2, {PhaseTimes.Words(times.Search)}: evolution looks for the path that does best.");
        Section("search");
        Option("checkpoint", $"{Runs}/supernet");
        Option("max-epochs", $"{options.Generations}", "generations");
        Option("num-population", $"{options.Population}", "candidates of a generation");
        Option("num-select", $"{Math.Min(10, options.Population / 3)}", "the best, from which others are made");
        Option("num-crossover", $"{options.Population * 2 / 5}");
        Option("num-mutation", $"{options.Population * 2 / 5}");
        Option("train-iters", $"{options.CalibrationBatches}", "batches on which batch norm is recalibrated for each");
        Option("train-batch-size", $"{options.CalibrationBatch}");
        Option("output-dir", $"{Runs}/search");
    }

    private void Scratch()
    {
        Comment($"Phase 3, {PhaseTimes.Words(times.Scratch)}: the path that was found is trained from scratch, and measured on val.");
        Section("scratch");
        if (!options.IsSmall) Batches("  ", options.ScratchBatchSize, options.ScratchLearningRate);
        Option("architecture", $"{Runs}/search");
        Option("epochs", $"{options.ScratchEpochs}");
        if (options.IsSmall) Option("lr-decay", "cosine", "how the learning rate falls");
        if (options.ValFrequency > 1) Option("val-frequency", $"{options.ValFrequency}", "epochs between measurements on val");
        Option("output-dir", $"{Runs}/scratch");
    }

    private void Batches(string blanks, int size, float learningRate)
    {
        Line($"{blanks}# Pictures a step. Half as many take half the memory; halve the learning rate, too.");
        Top($"{blanks}batch-size", $"{size}");
        Top($"{blanks}learning-rate", Number(learningRate));
    }

    private void Comment(string text) => Line($"# {text}".TrimEnd());

    private void Section(string verb) => Line($"{verb}:");

    private void Option(string name, string value, string? comment = null) => Top($"  {name}", Scalar(value), comment);

    private void Top(string name, string value, string? comment = null)
    {
        string line = $"{name}: {value}";
        Line(comment == null ? line : $"{line.PadRight(Column)}  # {comment}");
    }

    private void Line(string text = "") => _text.Append(text).Append('\n');

    // As a relative path stays one, and leads there from the file's folder.
    private string PathOf(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        return Path.IsPathRooted(path) ? path : Path.GetRelativePath(folder, Path.GetFullPath(path));
    }

    private static string Number(float value) => value.ToString(CultureInfo.InvariantCulture);

    // In quotes where YAML could take it for something else.
    private static string Scalar(string value) =>
        Plain().IsMatch(value) && value != "null" ? value : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"\A(?:[A-Za-z/][\w/.-]*|\.\.?/[\w/.-]+|[0-9]+(?:\.[0-9]+)?)\z", RegexOptions.ECMAScript)]
    private static partial Regex Plain();
}
