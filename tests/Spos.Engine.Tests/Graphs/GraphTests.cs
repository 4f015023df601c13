using Spos.Engine.Graphs;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Graphs;

public sealed class GraphTests
{
    [Fact]
    public void Shapes_costs_and_tensors_are_read_off_a_graph()
    {
        var builder = new GraphBuilder();
        int even = builder.Add(new EverySecondChannelOp(0), GraphBuilder.Input),
            odd = builder.Add(new EverySecondChannelOp(1), GraphBuilder.Input);
        int wide = builder.Add("wide", ConvolutionOp.Pointwise(3, 5), odd);
        int norm = builder.Add("norm", new BatchNormOp(5, IsAffine: true, 1e-5f), wide);
        int small = builder.Add("small", ConvolutionOp.Depthwise(5, 7, 2), builder.Add(new ReluOp(), norm));
        int other = builder.Add("other", new ConvolutionOp(3, 4, 3, 2, 1), even);
        builder.Add(new ConcatOp(), other, small);
        Graph graph = builder.Build();
        var input = new FeatureShape(6, 9, 4);
        Assert.Equal(new FeatureShape(9, 5, 2), graph.OutputOn(input));
        Assert.Equal((3 * 5 * 9 * 4) + (5 * 49 * 5 * 2) + (3 * 4 * 9 * 5 * 2), graph.MultiplyAddsOn(input));
        Assert.Equal(
            ["wide.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "small.weight", "other.weight"],
            graph.Tensors.Select(t => t.Name));
        Assert.Equal([5L, 1, 7, 7], graph.Tensors.ElementAt(5).Tensor.Sizes.ToArray());
        Assert.Equal((3 * 5) + 5 + 5 + (5 * 49) + (3 * 4 * 9), graph.Parameters);
        // Ops are values: two that say the same are equal.
        Assert.Equal(ConvolutionOp.Depthwise(5, 7, 2), graph.Nodes[small - 1].Op);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        static Graph Of(GraphOp op, int inputs = 1)
        {
            var builder = new GraphBuilder();
            builder.Add(op.Tensors.IsEmpty ? "" : "op", op, [.. Enumerable.Repeat(GraphBuilder.Input, inputs)]);
            return builder.Build();
        }

        void Refused(GraphOp op, FeatureShape input, int inputs = 1) =>
            Assert.Throws<ArgumentException>(() => Of(op, inputs).ShapesOn(input));
        Refused(ConvolutionOp.Pointwise(3, 5), new FeatureShape(4, 2, 2));
        Refused(new BatchNormOp(3, IsAffine: false, 1e-5f), new FeatureShape(4, 2, 2));
        Refused(new EverySecondChannelOp(0), new FeatureShape(5, 2, 2));
        Refused(new LinearOp(8, 3), new FeatureShape(4, 2, 1));
        Refused(new ReluOp(), new FeatureShape(4, 2, 2), inputs: 2);
        Refused(new HardSwishOp(), new FeatureShape(4, 2, 2), inputs: 2);
        Refused(new HardSigmoidOp(), new FeatureShape(4, 2, 2), inputs: 2);
        Refused(new FlattenOp(), new FeatureShape(4, 2, 1));
        Refused(new ChannelScaleOp(), new FeatureShape(4, 1, 1));
        Refused(new ChannelScaleOp(), new FeatureShape(4, 2, 1), inputs: 2);
        Refused(new ChannelScaleOp(), new FeatureShape(4, 1, 1), inputs: 3);
        Assert.Equal(3, Of(new LinearOp(8, 3)).OutputOn(new FeatureShape(8, 1, 1)).Channels);

        Assert.Throws<ArgumentException>(() => new GraphBuilder().Build());
        Assert.Throws<ArgumentException>(() => new Graph([new GraphNode("", new ReluOp(), [1])]));
        Assert.Throws<ArgumentException>(() => new Graph([new GraphNode("", new ReluOp(), [])]));
        Assert.Throws<ArgumentException>(() => new Graph([new GraphNode("", ConvolutionOp.Pointwise(1, 1), [0])]));
        Assert.Throws<ArgumentException>(() => new Graph([new GraphNode("a", new ReluOp(), [0]), new GraphNode("a", new ReluOp(), [1])]));
    }

    [Fact]
    public void Squeeze_and_excitation_is_a_graph_of_ops()
    {
        var input = new FeatureShape(5, 4, 3);
        var builder = new GraphBuilder();
        int mean = builder.Add(new GlobalAveragePoolOp(KeepsPixel: true), GraphBuilder.Input);
        int factors = builder.Add(new HardSigmoidOp(), mean);
        builder.Add(new HardSwishOp(), builder.Add(new ChannelScaleOp(), GraphBuilder.Input, factors));
        Assert.Equal([new FeatureShape(5, 1, 1), new FeatureShape(5, 1, 1), input, input], builder.Build().ShapesOn(input).ToArray()[^4..]);
        // Factors of fewer channels than are scaled.
        var wrong = new GraphBuilder();
        int half = wrong.Add(new GlobalAveragePoolOp(KeepsPixel: true), wrong.Add(new EverySecondChannelOp(0), GraphBuilder.Input));
        wrong.Add(new ChannelScaleOp(), GraphBuilder.Input, half);
        Assert.Throws<ArgumentException>(() => wrong.Build().ShapesOn(new FeatureShape(4, 4, 3)));
    }

    [Fact]
    public void An_expression_of_operators_is_put_in_parentheses_where_a_larger_one_works_on_it()
    {
        var scale = new ChannelScaleOp();
        string product = scale.PytorchExpression(["x", "self.fc(x * y)"]);
        Assert.Equal("x * self.fc(x * y)", product);
        Assert.Equal("(x * self.fc(x * y)) * x[:, 0::2]", scale.PytorchExpression([product, "x[:, 0::2]"]));
        Assert.Equal("(x * self.fc(x * y))[:, 1::2]", new EverySecondChannelOp(1).PytorchExpression([product]));
        Assert.Equal("(x * self.fc(x * y)).mean(dim=(2, 3))", new GlobalAveragePoolOp().PytorchExpression([product]));
        Assert.Equal("x.mean(dim=(2, 3), keepdim=True)", new GlobalAveragePoolOp(KeepsPixel: true).PytorchExpression(["x"]));
    }

    // FLOPs and parameters by the official code with forward hooks on its convolutions and linear layers (ShuffleNet-Series aa91feb,
    // ShuffleNetV2+/network.py); its README has 156M, 222M and 360M FLOPs, and 5.1M, 5.6M and 6.7M parameters.
    [Theory]
    [InlineData(new[] { 36, 104, 208, 416 }, 155_845_008, 5_137_116)]
    [InlineData(new[] { 48, 128, 256, 512 }, 222_249_984, 5_679_840)]
    [InlineData(new[] { 68, 168, 336, 672 }, 360_050_704, 6_768_220)]
    public void The_published_networks_with_squeeze_and_excitation_have_their_costs(int[] channels, long flops, long parameters)
    {
        var spec = new NetworkSpec { StageChannels = [.. channels], LastChannels = 1280, BlockSet = BlockSet.ShuffleV2PlusPublished };
        Architecture published = Architecture.Parse("0 0 3 1 1 1 0 0 2 0 2 1 1 0 2 0 2 1 3 2");
        Assert.Equal(flops, NetworkFlops.Of(spec).Of(published));
        Assert.Equal(parameters, NetworkParameters.Of(spec).Of(published));
    }

    [Fact]
    public void The_parts_of_the_official_network_fit_each_other()
    {
        var spec = new NetworkSpec { Affine = true };
        Architecture released = Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3");
        FeatureShape shape = NetworkGraph.ImagesOf(spec);
        long flops = 0, parameters = 0;
        foreach ((_, Graph part) in NetworkGraph.PartsOf(spec, released))
        {
            flops += part.MultiplyAddsOn(shape);
            parameters += part.Parameters;
            shape = part.OutputOn(shape);
        }
        Assert.Equal(new FeatureShape(1000, 1, 1), shape);
        Assert.Equal(322_918_720, flops);
        // Of the official code's network with this architecture, by sum(p.numel() for p in network.parameters()).
        Assert.Equal(3_558_464, parameters);
        foreach (BlockSpec block in spec.BlockSpecs())
        {
            foreach (BlockDesign design in BlockSet.All.SelectMany(set => set.DesignsOf(block)))
            {
                FeatureShape output = NetworkGraph.Block(block, design, affine: false).OutputOn(NetworkGraph.InputOf(block));
                Assert.Equal(
                    new FeatureShape(block.Output, (block.Size - 1) / block.Stride + 1, (block.Size - 1) / block.Stride + 1), output);
            }
        }
    }
}
