using System.Globalization;
using Spos.Engine.Supernet;
using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>What was searched.</summary>
internal static class SpaceSection
{
    // The options of limits, in the order in which they are told.
    private static readonly string[] Limits =
        ["flops-limit", "flops-lb", "params-limit", "params-lb", "latency-limit", "latency-lb", "flops-ub"];

    public static Section? Of(RunChain chain)
    {
        ReportedRun[] runs = [.. chain.Runs.Where(run => run.Kind == RunKind.Supernet || run.Kind == RunKind.Search)];
        if (runs.Length == 0) return null;
        // One space where the runs agree.
        var parts = new List<Part>();
        foreach (IGrouping<string, ReportedRun> alike in runs.GroupBy(run => $"{KnownNetwork.SpecOf(run)} {Left(run)}"))
        {
            parts.Add(new Heading(Figure.List([.. alike.Select(run => run.Name)])));
            parts.Add(KnownNetwork.SpecOf(alike.First()) is { } spec
                ? new Facts([.. FactsOf(spec, alike.First()), .. alike.SelectMany(LimitsOf)])
                : new Paragraph("The record does not tell the network's sizes."));
        }
        return new Section("space", "What was searched", parts);
    }

    private static IEnumerable<(string, string)> FactsOf(NetworkSpec spec, ReportedRun run)
    {
        SearchSpace space = Within(spec.Space, Left(run));
        yield return ("paths", Shown.Large((double)space.Size));
        yield return ("blocks", $"{spec.Blocks}, in stages of {string.Join(", ", spec.StageRepeats)}");
        yield return ("each block is one of", string.Join(", ", spec.BlockSet.DesignsOf(spec.BlockSpecs().First())
            .Select(design => design.Scale == null ? design.Name : design.Name[..design.Name.LastIndexOf('_')]).Distinct()));
        if (space.HasScales)
        {
            string least = ChannelScales.NameOf(0), most = ChannelScales.NameOf(ChannelScales.Widest);
            yield return ("channels inside", $"{least} to {most} times the block's");
        }
        if (!space.IsWhole)
        {
            yield return ("left out before", $"{space.Blocks.Sum(b => b.Length) - space.Choices.Sum(b => b.Length)} of "
                + $"{space.Blocks.Sum(block => block.Length)} alternatives of blocks");
        }
        yield return ("channels", $"stem {spec.StemChannels}, stages {string.Join(", ", spec.StageChannels)}, last {spec.LastChannels}");
        yield return ("input", $"{spec.ImageSize}×{spec.ImageSize} pixels");
        CostTable flops = NetworkFlops.Of(spec).In(space), parameters = NetworkParameters.Of(spec).In(space);
        yield return ("FLOPs of a path", CostMeasure.Flops.NumberOf(flops.Least, flops.Most));
        yield return ("parameters of a path", CostMeasure.Parameters.NumberOf(parameters.Least, parameters.Most));
    }

    private static IEnumerable<(string, string)> LimitsOf(ReportedRun run) =>
        from option in Limits
        where run.CameTo(option) != null
        select ($"--{option} of {run.Name}", AmountOf(option, run.CameTo(option)!));

    // As people write it, where it is a plain number.
    private static string AmountOf(string option, string value) =>
        !option.StartsWith(CostName.Latency, StringComparison.Ordinal)
        && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? CostMeasure.Flops.NumberOf(number)
            : value;

    private static string Left(ReportedRun run) =>
        run.Kept?.Options?.GetValueOrDefault(KeptOptions.SearchSpaceOption)
        ?? run.Checkpoint?.Header.Options.GetValueOrDefault(KeptOptions.SearchSpaceOption) ?? "";

    private static SearchSpace Within(SearchSpace space, string left)
    {
        try
        {
            return space.With(left);
        }
        catch (FormatException)
        {
            return space;
        }
    }
}
