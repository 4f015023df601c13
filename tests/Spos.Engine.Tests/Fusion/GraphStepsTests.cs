using Spos.Engine.Fusion;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Fusion;

/// <summary>A graph is done in steps that are made once, each of an op or of several.</summary>
public sealed class GraphStepsTests
{
    [Theory]
    [OnEachDevice(0)]
    [OnEachDevice(1)]
    public void Both_halves_of_the_channels_are_made_before_either_is_taken(string device, int first)
    {
        var builder = new GraphBuilder();
        int one = builder.Add(new EverySecondChannelOp(first), GraphBuilder.Input);
        int rectified = builder.Add(new ReluOp(), one);
        int other = builder.Add(new EverySecondChannelOp(1 - first), GraphBuilder.Input);
        builder.Add(new ConcatOp(), rectified, other);
        using var graph = new GraphFixture(device, builder, new Shape(1, 1, 1, 4));
        float[] x = graph.X;
        Assert.Equal([Math.Max(x[first], 0), Math.Max(x[2 + first], 0), x[1 - first], x[3 - first]], graph.Infer(FusionRules.OpByOp));
    }

    [Theory]
    [OnEachDevice]
    public void A_value_that_several_ops_take_is_there_for_all_of_them(string device)
    {
        // The graph's input, what ReLU has made, and the same twice in one op.
        var builder = new GraphBuilder();
        int rectified = builder.Add(new ReluOp(), GraphBuilder.Input);
        int twice = builder.Add(new ConcatOp(), rectified, rectified);
        int joined = builder.Add(new ConcatOp(), twice, GraphBuilder.Input);
        builder.Add(new ConcatOp(), joined, rectified);
        using var graph = new GraphFixture(device, builder, new Shape(1, 1, 1, 2));
        float[] x = graph.X, y = [.. x.Select(v => Math.Max(v, 0))];
        Assert.Equal([.. y, .. y, .. x, .. y], graph.Infer(FusionRules.OpByOp));
    }

    [Fact]
    public void The_first_rule_that_matches_is_taken_unless_others_need_what_it_does_not_make()
    {
        static Step? ThreeAtOnce(StatefulGraph graph, int node) => node != 0 ? null : new Step([0, 1, 2], [0], [3], (_, _) => []);
        static Step? TwoAtOnce(StatefulGraph graph, int node) =>
            node > 1 ? null : new Step([node, node + 1], [node], [node + 2], (_, _) => []);
        static int[] Counts(StatefulGraph graph, params FusionRule[] rules) =>
            [.. new GraphSteps(graph, new FusionRules([.. rules])).Steps.Select(step => step.Nodes.Length)];

        StatefulGraph chain = Chain(node => [node]);
        Assert.Equal([3], Counts(chain, ThreeAtOnce, TwoAtOnce));
        Assert.Equal([2, 1], Counts(chain, TwoAtOnce, ThreeAtOnce));
        Assert.Equal([1, 1, 1], Counts(chain));
        // The last takes the first one's result too.
        StatefulGraph crossed = Chain(node => node < 2 ? [node] : [1]);
        Assert.Equal([1, 2], Counts(crossed, TwoAtOnce));
    }

    [Fact]
    public void What_nothing_here_computes_is_refused()
    {
        static void Refused(params GraphOp[] ops)
        {
            var graph = new GraphBuilder();
            foreach ((int i, GraphOp op) in ops.Index()) graph.Add($"{i}", op, GraphBuilder.Input);
            Assert.Throws<NotSupportedException>(() => Stateful(graph, FusionRules.OpByOp));
        }
        Refused(new EverySecondChannelOp(0));
        Refused(new EverySecondChannelOp(1), new EverySecondChannelOp(1));
        Refused(new EverySecondChannelOp(0), new EverySecondChannelOp(1), new EverySecondChannelOp(0));
        Refused(new ConvolutionOp(8, 8, 1, 2, 1));
        Refused(new ConvolutionOp(8, 8, 1, 1, 2));
        Refused(new ConvolutionOp(8, 8, 3, 1, 1));
        Refused(new ConvolutionOp(8, 16, 3, 1, 8));
        Refused(ConvolutionOp.Depthwise(8, 9, 1));
        Refused(new BatchNormOp(8, IsAffine: true, 1e-3f));
    }

    private static StatefulGraph Chain(Func<int, int[]> inputsOf)
    {
        var graph = new GraphBuilder();
        for (int node = 0; node < 3; node++) graph.Add(new ReluOp(), inputsOf(node));
        return Stateful(graph);
    }

    private static StatefulGraph Stateful(GraphBuilder builder, FusionRules? rules = null)
    {
        using var group = new ParameterGroup();
        Graph graph = builder.Build();
        var stateful = new StatefulGraph(graph, [.. graph.Nodes.Select(node => node.Op.NewState(node.Name, group))]);
        if (rules != null) _ = new GraphSteps(stateful, rules);
        return stateful;
    }
}
