using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Ops;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Which steps a graph is run in.</summary>
public sealed class GraphStepsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Both_halves_of_the_channels_are_made_before_either_is_taken(int first)
    {
        using var fixture = new OpFixture("host");
        var graph = new GraphBuilder();
        int one = graph.Add(new EverySecondChannelOp(first), GraphBuilder.Input);
        int rectified = graph.Add(new ReluOp(), one);
        int other = graph.Add(new EverySecondChannelOp(1 - first), GraphBuilder.Input);
        graph.Add(new ConcatOp(), rectified, other);
        using var module = new GraphModule(graph.Build(), "", _ => new ParameterGroup());
        float[] x = [-1, -2, 3, 4];
        using Tensor y = module.Forward(Pass.Inference(fixture.Session), fixture.Tensor(new Shape(1, 1, 1, 4), x).Retain());
        Assert.Equal([Math.Max(x[first], 0), Math.Max(x[2 + first], 0), x[1 - first], x[3 - first]], y.Download(fixture.Session.Stream));
    }

    [Fact]
    public void A_unit_is_a_convolution_whose_result_its_batch_norm_alone_takes()
    {
        GraphBuilder graph = Unit(out int convolution, out int norm);
        graph.Add("unit.2", new ReluOp(), norm);
        Assert.True(Assert.Single(Module(graph).UnitsOf("unit")).Spec.Rectify);
        Assert.Empty(Module(graph).OutsideUnits);

        graph = Unit(out convolution, out norm);
        graph.Add(new ConcatOp(), graph.Add(new ReluOp(), norm), norm);
        Assert.False(Assert.Single(Module(graph).UnitsOf("unit")).Spec.Rectify);

        graph = Unit(out convolution, out norm);
        graph.Add(new ConcatOp(), norm, convolution);
        Assert.Empty(Module(graph).UnitsOf("unit"));
        Assert.Equal(["unit.0", "unit.1"], Module(graph).OutsideUnits);
    }

    [Fact]
    public void What_nothing_here_computes_is_refused()
    {
        static void Refused(params GraphOp[] ops)
        {
            var graph = new GraphBuilder();
            foreach ((int i, GraphOp op) in ops.Index()) graph.Add($"{i}", op, GraphBuilder.Input);
            Assert.Throws<NotSupportedException>(() => Module(graph));
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

    private static GraphModule Module(GraphBuilder graph) => new(graph.Build(), "", _ => new ParameterGroup());

    private static GraphBuilder Unit(out int convolution, out int norm)
    {
        var graph = new GraphBuilder();
        convolution = graph.Add("unit.0", ConvolutionOp.Pointwise(4, 4), GraphBuilder.Input);
        norm = graph.Add("unit.1", new BatchNormOp(4, IsAffine: true, BatchNormLayer.Epsilon), convolution);
        return graph;
    }
}
