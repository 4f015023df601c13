using Spos.Engine.Files;
using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Records;

namespace Spos.Report.Sections;

/// <summary>The pictures.</summary>
internal static class DataSection
{
    private const int MostClasses = 200;

    public static Section Of(RunChain chain)
    {
        var parts = new List<Part>();
        var groups = chain.Runs.Where(run => run.Data?.Train != null)
            .GroupBy(run => (run.Data!.Train!.Digest, run.Data.Val?.Digest)).ToArray();
        foreach (IGrouping<(string, string?), ReportedRun> alike in groups)
        {
            if (groups.Length > 1) parts.Add(new Heading(Figure.List([.. alike.Select(run => run.Name)])));
            DataRecord data = alike.First().Data!;
            parts.Add(new Facts(
            [
                ("folder", Figure.List([.. alike.Select(run => run.Option("imagenet-dir")).OfType<string>().Distinct()])),
                ("train", Pictures(data.Train) ?? "not known"),
                ("val", Pictures(data.Val) ?? "not known"),
                .. alike.SelectMany(HeldOut).Distinct(),
                ("digest of train", data.Train!.Digest ?? "not known"),
                ("digest of val", data.Val?.Digest ?? "not known"),
            ]));
            parts.Add(Classes(data));
        }
        if (groups.Length == 0) parts.Add(new Paragraph("No file tells which pictures were used."));
        else parts.Add(new Paragraph("A digest is of the names of classes and of the names and sizes of pictures."));
        return new Section("data", "Data", parts);
    }

    /// <summary>"5,000 pictures of 10 classes"; null where that is not known.</summary>
    public static string? Pictures(DataSetIdentity? data) => data is { Classes: { } classes }
        ? $"{Figure.Count(classes.Sum(one => (long)(one?.Pictures ?? 0)), "picture")} of {Figure.Count(classes.Length)} "
            + (classes.Length == 1 ? "class" : "classes")
        : null;

    private static IEnumerable<(string, string)> HeldOut(ReportedRun run)
    {
        string? share = run.CameTo(KeptOptions.HeldOutOption)
            ?? run.Checkpoint?.Header.Options.GetValueOrDefault(KeptOptions.HeldOutOption);
        if (share is { Length: > 0 }) yield return ("held out of train", $"a share of {share}, for comparing candidates");
        if (run.Option(KeptOptions.SelectOnOption) is { } on) yield return ($"{run.Name} compares on", on);
    }

    private static Folded Classes(DataRecord data)
    {
        ClassIdentity?[] train = data.Train!.Classes ?? [], val = data.Val?.Classes ?? [];
        var rows = train.Take(MostClasses).Select((one, index) => new[]
        {
            one?.Name ?? "", Figure.Count(one?.Pictures ?? 0), index < val.Length ? Figure.Count(val[index]?.Pictures ?? 0) : "–",
        }).ToList();
        if (train.Length > MostClasses) rows.Add([$"and {Figure.Count(train.Length - MostClasses)} more", "", ""]);
        return new Folded(
            $"The {train.Length} classes", [new Grid([new Column("class"), new Column("train", true), new Column("val", true)], rows)]);
    }
}
