using Spos.Report.Chains;
using Spos.Report.Documents;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Report.Sections;

/// <summary>The network that was found, block by block.</summary>
internal static class NetworkSection
{
    private const int MostNetworks = 3;

    public static Section? Of(RunChain chain, IReadOnlyList<Trainings> trainings)
    {
        var parts = new List<Part>();
        KnownNetwork[] networks =
        [
            .. trainings.Select(one => one.Network).Concat(chain.Of(RunKind.Search).Select(run => run.Network)).OfType<KnownNetwork>()
                .DistinctBy(network => $"{network.Path}").Take(MostNetworks),
        ];
        foreach ((int index, KnownNetwork network) in networks.Index())
        {
            if (networks.Length > 1) parts.Add(new Heading($"Network {index + 1}"));
            parts.Add(new Facts(
            [
                ("architecture", $"{network.Path}"),
                ("FLOPs", CostMeasure.Flops.NumberOf(network.Flops)),
                ("parameters", CostMeasure.Parameters.NumberOf(network.Parameters)),
                ("input", $"{network.Spec.ImageSize}×{network.Spec.ImageSize} pixels"),
            ]));
            IReadOnlyList<DrawnBlock> blocks = network.Blocks();
            parts.Add(new NetworkDrawing($"The {blocks.Count} blocks of the network, from the picture on", blocks));
            parts.Add(new Folded("All blocks in numbers", [Table(network, blocks)]));
        }
        return parts.Count == 0 ? null : new Section("network", "The network", parts);
    }

    private static Grid Table(KnownNetwork network, IReadOnlyList<DrawnBlock> blocks)
    {
        bool hasScales = network.Path.HasScales;
        (long flops, long parameters) = network.Around;
        string ShareOf(long cost) => Figure.Share((double)cost / network.Flops);
        var columns = new List<Column>
        {
            new("block"), new("operation"), new("channels", true), new("stride", true), new("output", true), new("FLOPs", true),
            new("of all", true), new("parameters", true),
        };
        if (hasScales) columns.Insert(2, new Column("scale", true));
        var rows = blocks.Select(block =>
        {
            var row = new List<string>
            {
                $"{block.Index}", block.Name, $"{block.Channels}", $"{block.Stride}", $"{block.Size}×{block.Size}",
                Figure.Count(block.Flops), ShareOf(block.Flops), Figure.Count(block.Parameters),
            };
            if (hasScales) row.Insert(2, block.Scale ?? "");
            return row.ToArray();
        }).ToList();
        string[] around = ["", "stem and tail", "", "", "", Figure.Count(flops), ShareOf(flops), Figure.Count(parameters)];
        rows.Add(hasScales ? [.. around.Take(2), "", .. around.Skip(2)] : around);
        return new Grid(columns, rows);
    }
}
