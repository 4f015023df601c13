using Spos.Engine.Autograd;
using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Ops;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Graphs of any ops run as these do one by one.</summary>
public sealed class GraphModuleTests
{
    [Theory]
    [OnEachDevice(true)]
    [OnEachDevice(false)]
    public void A_value_that_several_ops_take_is_there_for_all_of_them(string device, bool trains)
    {
        using var fixture = new OpFixture(device);
        Session session = fixture.Session;
        // The batch norm's result goes to ReLU and past it, so the three are no unit.
        var builder = new GraphBuilder();
        int convolved = builder.Add("branch_main.0", ConvolutionOp.Pointwise(3, 4), GraphBuilder.Input);
        int normalised = builder.Add("branch_main.1", new BatchNormOp(4, IsAffine: false, BatchNormLayer.Epsilon), convolved);
        int rectified = builder.Add(new ReluOp(), normalised);
        builder.Add(new ConcatOp(), normalised, rectified);
        using var group = new ParameterGroup();
        using var module = new GraphModule(builder.Build(), "", _ => group);
        var layer = (BatchNormLayer)module.StateOf("branch_main.1")!;
        Assert.False(module.IsOfUnits);
        group.Allocate(session.Pool, session.Stream);
        layer.Allocate(session.Pool, session.Stream);
        Parameter weight = Assert.Single(group.Parameters);
        weight.Value.Upload(session.Stream, fixture.Values(12));
        var shape = new Shape(2, 5, 3, 3);
        float[] xs = fixture.Values(shape.Count), dys = fixture.Values(shape.Rows * 8);

        (float[] Y, float[]? Dx, float[] Dw) Run(Func<Pass, Tensor, Tensor> forward)
        {
            var tape = new Tape();
            Tensor x = fixture.Tensor(shape, xs);
            using Tensor held = x.Retain();
            using Tensor y = forward(trains ? Pass.Training(session, tape) : Pass.Recalibration(session), x);
            float[] ys = y.Download(session.Stream);
            if (!trains) return (ys, null, []);
            using Tensor dx = tape.Backward(session, y, fixture.Tensor(y.Shape, dys), held)!.Value;
            group.ClearGradients();
            return (ys, dx.Download(session.Stream), weight.Gradient.Download(session.Stream));
        }
        var one = Run((pass, x) => module.Forward(pass, x));
        var other = Run((pass, x) =>
        {
            using Tensor input = x;
            using Tensor raw = Convolution.Forward(pass, ConvolutionOp.Pointwise(3, 4).ShapeOn(x.Shape), x, weight);
            using Tensor normal = BatchNormalisation.Forward(pass, raw, layer, rectify: false);
            using Tensor positive = Relu.Forward(pass, normal);
            return ChannelConcat.Forward(pass, normal, positive);
        });
        Assert.Equal(other.Y, one.Y);
        Assert.Equal(other.Dx, one.Dx);
        Assert.Equal(other.Dw, one.Dw);
    }

    [Fact]
    public void Every_alternative_of_the_network_has_kernels_of_the_fused_plan()
    {
        foreach (BlockSpec block in new NetworkSpec().BlockSpecs())
        {
            foreach (Choice choice in Enum.GetValues<Choice>())
            {
                using var operation = new Operation("", block, choice, affine: true);
                Assert.True(operation.IsFused);
            }
        }
    }
}
