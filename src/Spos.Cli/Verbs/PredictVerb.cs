using System.Text.Json.Serialization;
using CommandLine;
using Spectre.Console;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Pytorch;
using Spos.Runs;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.Verbs;

/// <summary>How predictions are printed.</summary>
internal enum PredictionFormat
{
    /// <summary>For people.</summary>
    Table,

    /// <summary>For programs: what --output writes.</summary>
    Json,
}

/// <summary>Tells what is in pictures.</summary>
[Place(9)]
[Verb("predict", HelpText = "Tell what is in pictures: the likeliest classes of each, by a trained network.")]
[Example("Look at a picture and at a folder of them", "cat.jpg photos --checkpoint runs/scratch")]
internal sealed class PredictVerb : DeviceOptions, IWeightsOption, IPrecisionOption, IVerb
{
    [Value(0, MetaName = "pictures", Required = true, HelpText =
        "files, folders of them (with all below), or - for one on standard input. JPEG, PNG, WebP, BMP and GIF are read.")]
    [PictureName]
    public IEnumerable<string> Pictures { get; set; } = [];

    [Option("checkpoint", Default = "runs/scratch", HelpText =
        "A checkpoint of a single path, or the folder of its run; or an ONNX file of spos export, which ONNX Runtime runs. The variable "
        + "SPOS_ONNXRUNTIME names its library, libonnxruntime.so, where the system does not find it.")]
    [Input(PathKind.Any)]
    public string CheckpointPath { get; set; } = "runs/scratch";

    [Option("top", Default = 5, HelpText = "Classes told of each picture, as far as the network has so many.")]
    [InRange(1, 1_000_000)]
    public int Top { get; set; } = 5;

    [Option("format", Default = PredictionFormat.Table, HelpText = "What is printed.")]
    public PredictionFormat Format { get; set; }

    [Option("output", HelpText = "A JSON file for the predictions, too (default: they are only printed).")]
    [Output(PathKind.File)]
    public string? Output { get; set; }

    public WeightKind Weights { get; set; } = WeightKind.Best;

    [Option("batch-size", Default = 32, HelpText = "Pictures of a batch. Results do not depend on it.")]
    [InRange(1, 65_536)]
    public int BatchSize { get; set; } = 32;

    [Option("workers", Default = 2, HelpText = "Threads that read and decode pictures ahead. Results do not depend on it.")]
    [InRange(1, 256)]
    public int Workers { get; set; } = 2;

    [Option(PreprocessingRecord.Option, Default = false, HelpText =
        "Feed pictures as the official code does (default: as the network was trained).")]
    public bool SposPreprocessing { get; set; }

    public Precision Precision { get; set; }

    public int Run()
    {
        if (Output != null)
        {
            OutputFile.Require("--output", Output, "a file of predictions", OutputFile.BeginsWith(PredictionFile.Beginning));
        }
        if (OnnxFile.IsAt(CheckpointPath)) RequireOnnxRuntime($"{CheckpointPath} is run by");
        using var input = new NamedPictures(Pictures);
        var spec = new PredictionSpec
        {
            Checkpoint = CheckpointPath,
            Pictures = input.Paths,
            Data = new DataSpec { Folder = "", Workers = Workers, OfficialPreprocessing = SposPreprocessing },
            Plan = Plan,
            Precision = Precision,
            Weights = Weights,
            BatchSize = BatchSize,
            Top = Top,
        };
        var observer = new Observer(Format == PredictionFormat.Json ? null : new RunConsole(), input);
        PredictionResult result = Prediction.Run(spec, new RunContext(() => OpenDevice(), observer, CancellationToken.None));
        var file = new PredictionFile(result.Checkpoint, [.. result.Pictures.Select(picture => PredictedFile.Of(picture, input))]);
        if (Output != null) JsonFile.Write(Output, file);
        if (Format == PredictionFormat.Json) Console.Out.Write(JsonFile.TextOf(file));
        else Print(result, file.Predictions);
        return result.Pictures.All(picture => picture.Fault == null) ? ExitCode.Success : ExitCode.Failure;
    }

    private void Print(PredictionResult result, PredictedFile[] pictures)
    {
        Table table = PlainTable.New("picture", "class", "probability");
        foreach (PredictedFile picture in pictures)
        {
            string name = Shown.Line(picture.Picture);
            if (picture.Guesses.Length == 0) table.AddRow(Markup.Escape(name), "cannot be decoded", "");
            foreach (PredictedClass guess in picture.Guesses)
            {
                table.AddRow(Markup.Escape(name), Markup.Escape(Shown.Line(guess.Name ?? $"{guess.Class}")), $"{guess.Probability:0.0%}");
                name = "";
            }
        }
        PlainTable.Write(table);
        int damaged = result.Pictures.Count(picture => picture.Fault != null);
        ResultTable.Print(
            "Predictions",
            ("checkpoint", result.Checkpoint),
            ("architecture", result.Architecture?.ToString()),
            ("weights", result.IsAveraged is { } averaged ? IWeightsOption.NameOf(averaged) : null),
            ("pictures", $"{pictures.Length - damaged}"),
            ("damaged pictures", damaged == 0 ? null : $"{damaged}"),
            ("file", Output == null ? null : Path.GetFullPath(Output)));
    }

    // Without a console it shows no progress: standard output is for JSON alone.
    private sealed class Observer(RunConsole? console, NamedPictures pictures) : IRunObserver
    {
        public void BeginPart(RunPart part) => console?.BeginPart(part);

        public void Predicted(long done) => console?.Predicted(done);

        public void EndPart() => console?.EndPart();

        public void Warn(string message) => Notice.Warn(pictures.Shown(message));
    }

    private sealed record PredictionFile(
        [property: JsonPropertyName("checkpoint")] string Checkpoint,
        [property: JsonPropertyName("predictions")] PredictedFile[] Predictions)
    {
        /// <summary>What tells a file of predictions, however long it is.</summary>
        public const string Beginning = "{\n  \"checkpoint\":";
    }

    private sealed record PredictedFile(
        [property: JsonPropertyName("picture")] string Picture,
        [property: JsonPropertyName("classes")] PredictedClass[] Guesses,
        [property: JsonPropertyName("error"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error)
    {
        public static PredictedFile Of(PredictedPicture picture, NamedPictures names) =>
            new(
                names.Shown(picture.Picture),
                [.. picture.Guesses.Select(guess => new PredictedClass(guess.Class, guess.Name, guess.Probability))],
                picture.Fault == null ? null : names.Shown(picture.Fault));
    }

    private sealed record PredictedClass(
        [property: JsonPropertyName("class")] int Class,
        [property: JsonPropertyName("name"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name,
        [property: JsonPropertyName("probability")] double Probability);
}
