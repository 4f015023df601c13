using Spos.Engine.Data;
using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>What who uses a trained network should know of it.</summary>
internal static class ModelCard
{
    private const int MostClasses = 100;

    /// <summary>The training whose network a card is of: the first that is finished; null if there is none.</summary>
    public static ReportedRun? RunOf(RunChain chain) =>
        chain.Of(RunKind.Scratch).FirstOrDefault(run => run.IsFinished && run.Checkpoint != null && run.Network != null);

    /// <summary>The card as a section of a report.</summary>
    public static Section? Of(RunChain chain) =>
        RunOf(chain) is { } run ? new Section("model-card", "Model card", [.. PartsOf(run, run.Network!)]) : null;

    /// <summary>The card as a document of its own; null if nothing is trained yet.</summary>
    public static Document? Alone(RunChain chain)
    {
        if (RunOf(chain) is not { } run) return null;
        KnownNetwork network = run.Network!;
        return new Document(
            $"Model card: {run.Name}",
            [$"An image classifier of {Figure.Count(network.Spec.Classes)} classes with {CostMeasure.Flops.TextOf(network.Flops)}."], [],
            [new Section("model-card", "The network", [.. PartsOf(run, network)])]);
    }

    private static IEnumerable<Part> PartsOf(ReportedRun run, KnownNetwork network)
    {
        (string name, var header) = run.Checkpoint!.Value;
        bool official = run.Setting?.Network?.Preprocessing == Preprocessing.Spos;
        yield return new Facts(
        [
            ("what it does", $"It tells which of {Figure.Count(network.Spec.Classes)} classes a picture is of."),
            ("how it was made", "It is one path of a Single Path One-Shot search space, trained "
                + (run.Option("load-checkpoint") != null ? "from the weights of a checkpoint." : "from random weights.")),
            ("architecture", $"{network.Path}"),
            ("size", $"{CostMeasure.Flops.TextOf(network.Flops)}, {CostMeasure.Parameters.TextOf(network.Parameters)}"),
            ("checkpoint", $"{name}, SHA-256 {Convert.ToHexStringLower(header.Sha256)}"),
            ("input", $"{(official ? "BGR" : "RGB")}, {network.Spec.ImageSize}×{network.Spec.ImageSize} pixels, "
                + (official
                    ? "levels 0 to 255, resized as OpenCV does"
                    : "values from 0 to 1, less ImageNet's mean and divided by its deviation")),
            ("output", $"{Figure.Count(network.Spec.Classes)} logits, in the order of the classes below"),
            ("trained on", DataSection.Pictures(run.Data?.Train) ?? "not known"),
            ("digest of the pictures", run.Data?.Train?.Digest ?? "not known"),
            ("measured on", $"{(run.Result.Number("pictures") is { } count ? Figure.Count(count, "picture") : "pictures")} of val"),
            ("accuracy", $"{Figure.Share(run.Result.Share("top1"))} top-1, {Figure.Share(run.Result.Share("top5"))} top-5, "
                + $"with seed {run.Option("seed") ?? "not known"}{(run.Result.Flag("averaged") == true ? ", averaged weights" : "")}"),
            ("made with", $"Spos {run.Setting?.Version ?? "of an unknown version"}"),
            ("licence", "not known: the files do not tell those of the pictures, nor what may be done with the network"),
        ]);
        yield return new Paragraph(
            "Limits: the accuracy is that on val of this data set. How the network does on other pictures, on damaged or hostile ones, and "
            + "on groups of people or things that are rare there was not measured by these runs. It always answers with one of its "
            + "classes, also where a picture shows none of them.");
        string folder = ShellText.Word(run.Option("output-dir") ?? $"runs/{run.Kind.Command}");
        yield return new Commands(
            [$"spos predict picture.jpg --checkpoint={folder}", $"spos export --checkpoint={folder} --output=network.onnx"]);
        if (run.Classes is not { } classes) yield break;
        string[][] rows = [.. classes.Take(MostClasses).Select((one, index) => new[] { $"{index}", one ?? "" })];
        yield return new Folded(
            classes.Count > MostClasses ? $"The first {MostClasses} of {classes.Count} classes" : $"The {classes.Count} classes",
            [new Grid([new Column("output", true), new Column("class")], rows)]);
    }
}
