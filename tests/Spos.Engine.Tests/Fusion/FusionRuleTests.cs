using Spos.Engine.Devices;
using Spos.Engine.Fusion;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Fusion;

/// <summary>What a rule fuses leaves the bits that ops leave one after the other.</summary>
public sealed class FusionRuleTests
{
    // No kernel makes one half of the channels, so that rule is in all lists.
    private static readonly FusionRules Ops = new(ChannelHalves.Match);

    [Theory]
    [OnEachDevice(false)]
    [OnEachDevice(true)]
    public void A_convolved_unit(string device, bool rectify)
    {
        using GraphFixture unit = Unit(device, rectify);
        FusionRules rules = new(ConvolvedUnit.Match);
        Assert.Single(new GraphSteps(unit.Graph, rules).Steps);
        Assert.Equal(rectify ? 3 : 2, new GraphSteps(unit.Graph, Ops).Steps.Length);
        Assert.Equal(unit.Infer(Ops), unit.Infer(rules));
        Assert.Equal(unit.Train(Ops), unit.Train(rules));
    }

    [Theory]
    [OnEachDevice(false)]
    [OnEachDevice(true)]
    public void A_normalised_unit(string device, bool rectify)
    {
        using GraphFixture unit = Unit(device, rectify);
        FusionRules rules = new(NormalisedUnit.Match);
        Assert.Single(new GraphSteps(unit.Graph, rules).Steps);
        Assert.Equal(unit.Infer(Ops), unit.Infer(rules));
    }

    // Rows enough for a strip for each thread of a CPU, and too few for two.
    [Theory]
    [OnEachDevice("pdp", 1, true)]
    [OnEachDevice("pdp", 2, true)]
    [OnEachDevice("dpdpdp", 1, true)]
    [OnEachDevice("dpdpdp", 2, true)]
    [OnEachDevice("dp", 1, true)]
    [OnEachDevice("p", 1, true)]
    [OnEachDevice("pdp", 1, false)]
    [OnEachDevice("dpdpdp", 1, false)]
    public void A_normalised_block(string device, string units, int stride, bool many)
    {
        int threads = device == "host" ? Device.Host.Multiprocessors : 1;
        Shape input = many ? new Shape(threads + 1, 12, 12, 6) : new Shape(1, 5, 5, 6);
        using var block = new GraphFixture(device, Block(units, stride), input);
        FusionRules rules = new(NormalisedBlock.Match, ChannelHalves.Match);
        Assert.Single(new GraphSteps(block.Graph, rules).Steps);
        Assert.Equal(block.Infer(Ops), block.Infer(rules));
        string[] launched = block.Launches(rules);
        // A GPU runs a branch's units one after the other.
        bool atOnce = device == "host" && units.Contains('d', StringComparison.Ordinal) && (many || threads == 1);
        Assert.Equal(atOnce, launched.Any(kernel => kernel.StartsWith("branch_normalised", StringComparison.Ordinal)));
        Assert.Equal(!atOnce, launched.Contains("pointwise_normalised_f32"));
    }

    [Theory]
    [OnEachDevice("pdp", 1)]
    [OnEachDevice("pdp", 2)]
    [OnEachDevice("dpdpdp", 1)]
    [OnEachDevice("dpdpdp", 2)]
    public void A_normalised_block_of_bf16(string device, string units, int stride)
    {
        // So small that on several threads a CPU, too, runs one unit after the other.
        using var block = new GraphFixture(device, Block(units, stride), new Shape(1, 5, 5, 6));
        FusionRules rules = new(NormalisedBlock.Match, ChannelHalves.Match);
        float[] floats = block.Infer(rules);
        block.RoundToBf16();
        float[] apart = block.Infer(rules);
        Assert.All(
            block.Launches(rules).Where(kernel => kernel is not ("batch_norm_fold" or "pointwise_pack")),
            kernel => Assert.EndsWith("_bf16", kernel));
        block.Session.UsesOneProcessor = true;
        Assert.Equal(apart, block.Infer(rules));
        Assert.Equal(
            device == "host", block.Launches(rules).Any(kernel => kernel.StartsWith("branch_normalised", StringComparison.Ordinal)));
        // At most six units, of which each rounds its result and perhaps its weights: a value by 2⁻⁸ of it at most.
        double error = Math.Sqrt(floats.Zip(apart, (a, b) => Math.Pow(a - b, 2)).Sum() / floats.Sum(v => Math.Pow(v, 2)));
        Assert.InRange(error, 1e-6, 12.0 / 256);
    }

    [Fact]
    public void A_unit_is_a_convolution_whose_result_its_batch_norm_alone_takes()
    {
        static ConvolutionUnit? UnitOf(Action<GraphBuilder, int, int> add)
        {
            var builder = new GraphBuilder();
            int convolved = builder.Add("0", ConvolutionOp.Pointwise(4, 4), GraphBuilder.Input);
            int normalised = builder.Add("1", new BatchNormOp(4, IsAffine: true, BatchNormLayer.Epsilon), convolved);
            add(builder, convolved, normalised);
            return ConvolutionUnit.At(Stateful(builder), 0);
        }
        Assert.False(UnitOf((_, _, _) => { })!.Rectify);
        Assert.True(UnitOf((graph, _, norm) => graph.Add(new ReluOp(), norm))!.Rectify);
        Assert.False(UnitOf((graph, _, norm) => graph.Add(new ConcatOp(), graph.Add(new ReluOp(), norm), norm))!.Rectify);
        Assert.Null(UnitOf((graph, convolved, norm) => graph.Add(new ConcatOp(), norm, convolved)));
    }

    [Theory]
    [InlineData("pdp", 1, true)]
    [InlineData("pdp", 2, true)]
    // Two of a kind after each other, an end that is depthwise, ReLU after a depthwise convolution, and none after a pointwise one.
    [InlineData("ppdp", 1, false)]
    [InlineData("pd", 1, false)]
    [InlineData("pDp", 2, false)]
    [InlineData("Pdp", 1, false)]
    // Another op, of which the fused kernels know nothing: after a branch, and within.
    [InlineData("pdpr", 2, false)]
    [InlineData("prdp", 2, false)]
    [InlineData("", 1, false)]
    public void A_block_of_branches_is_what_the_kernels_take(string units, int stride, bool matches) =>
        Assert.Equal(matches, BranchedBlock.Of(Stateful(Block(units, stride))) != null);

    [Fact]
    public void A_block_is_none_where_the_channels_go_another_way()
    {
        var builder = new GraphBuilder();
        int even = builder.Add(new EverySecondChannelOp(0), GraphBuilder.Input);
        int odd = builder.Add(new EverySecondChannelOp(1), GraphBuilder.Input);
        builder.Add(new ConcatOp(), odd, Add(builder, "main", even, "pdp", 1));
        Assert.Null(BranchedBlock.Of(Stateful(builder)));

        builder = new GraphBuilder();
        int first = Add(builder, "first", GraphBuilder.Input, "dp", 1);
        builder.Add(new ConcatOp(), first, Add(builder, "main", first, "pdp", 1));
        Assert.Null(BranchedBlock.Of(Stateful(builder)));
    }

    private static GraphFixture Unit(string device, bool rectify)
    {
        var builder = new GraphBuilder();
        int value = builder.Add("0", ConvolutionOp.Depthwise(5, 3, 1), GraphBuilder.Input);
        value = builder.Add("1", new BatchNormOp(5, IsAffine: true, BatchNormLayer.Epsilon), value);
        if (rectify) builder.Add("2", new ReluOp(), value);
        return new GraphFixture(device, builder, new Shape(3, 6, 7, 5));
    }

    // Of 6 channels, at stride 1 half of them pass by.
    private static GraphBuilder Block(string units, int stride)
    {
        var builder = new GraphBuilder();
        int first, main = GraphBuilder.Input;
        if (stride == 1)
        {
            first = builder.Add(new EverySecondChannelOp(0), GraphBuilder.Input);
            main = builder.Add(new EverySecondChannelOp(1), GraphBuilder.Input);
        }
        else
        {
            first = Add(builder, "first", GraphBuilder.Input, "dp", stride, 6);
        }
        builder.Add(new ConcatOp(), first, Add(builder, "main", main, units, stride, stride == 1 ? 3 : 6));
        return builder;
    }

    // d is a depthwise unit, p a pointwise one with ReLU; D and P have it the other way round; r is ReLU alone.
    private static int Add(GraphBuilder builder, string name, int value, string units, int stride, int channels = 3)
    {
        foreach ((int place, char unit) in units.Index())
        {
            if (unit == 'r')
            {
                value = builder.Add(new ReluOp(), builder.Add(new ReluOp(), value));
                continue;
            }
            bool depthwise = unit is 'd' or 'D';
            ConvolutionOp convolution = depthwise
                ? ConvolutionOp.Depthwise(channels, 3, stride) : ConvolutionOp.Pointwise(channels, channels);
            if (depthwise) stride = 1;
            value = builder.Add($"{name}.{place}.0", convolution, value);
            value = builder.Add($"{name}.{place}.1", new BatchNormOp(channels, IsAffine: true, BatchNormLayer.Epsilon), value);
            if (unit is 'D' or 'p') value = builder.Add(new ReluOp(), value);
        }
        return value;
    }

    private static StatefulGraph Stateful(GraphBuilder builder)
    {
        using var group = new ParameterGroup();
        Graph graph = builder.Build();
        return new StatefulGraph(graph, [.. graph.Nodes.Select(node => node.Op.NewState(node.Name, group))]);
    }
}
