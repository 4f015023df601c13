using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// One operation of one choice block: a main branch, and at stride 2 a projection branch. At stride 1 half of the
/// channels pass by (channel shuffle); the results are concatenated, the passed or projected channels first.
/// </summary>
public sealed class Operation : IDisposable
{
    private Operation(BlockSpec block, ParameterGroup parameters, IReadOnlyList<ConvolutionUnit> main, IReadOnlyList<ConvolutionUnit> projection)
    {
        Block = block;
        Parameters = parameters;
        Main = main;
        Projection = projection;
    }

    public BlockSpec Block { get; }

    public ParameterGroup Parameters { get; }

    public IReadOnlyList<ConvolutionUnit> Main { get; }

    /// <summary>Empty at stride 1.</summary>
    public IReadOnlyList<ConvolutionUnit> Projection { get; }

    /// <param name="prefix">The name of the operation in the official checkpoints, such as "features.3.0".</param>
    public static Operation Create(string prefix, BlockSpec block, Choice choice, bool affine)
    {
        var group = new ParameterGroup();
        return new Operation(
            block,
            group,
            UnitBuilder.Build($"{prefix}.branch_main", MainUnits(block, choice), affine, group),
            UnitBuilder.Build($"{prefix}.branch_proj", ProjectionUnits(block, choice), affine, group));
    }

    /// <summary>The units of the main branch.</summary>
    public static IReadOnlyList<UnitSpec> MainUnits(BlockSpec block, Choice choice)
    {
        (int input, int middle, int output, int stride) = (block.Input, block.Middle, block.MainOutput, block.Stride);
        return choice == Choice.Xception
            ?
            [
                UnitSpec.Depthwise(input, 3, stride), UnitSpec.Pointwise(input, middle),
                UnitSpec.Depthwise(middle, 3, 1), UnitSpec.Pointwise(middle, middle),
                UnitSpec.Depthwise(middle, 3, 1), UnitSpec.Pointwise(middle, output),
            ]
            : [UnitSpec.Pointwise(input, middle), UnitSpec.Depthwise(middle, KernelOf(choice), stride), UnitSpec.Pointwise(middle, output)];
    }

    /// <summary>The units of the projection branch: none at stride 1.</summary>
    public static IReadOnlyList<UnitSpec> ProjectionUnits(BlockSpec block, Choice choice) =>
        block.Stride == 1 ? [] : [UnitSpec.Depthwise(block.Input, KernelOf(choice), 2), UnitSpec.Pointwise(block.Input, block.Input)];

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    public Tensor Forward(Session session, Tensor x)
    {
        if (NormalisedConvolution.Applies(session)) return NormalisedOperation.Forward(session, this, x);
        Tensor passed, main;
        if (Block.Stride == 1)
        {
            (passed, Tensor odd) = ChannelShuffle.Forward(session, x);
            x.Dispose();
            main = RunBranch(session, Main, odd);
        }
        else
        {
            passed = RunBranch(session, Projection, x.Retain());
            main = RunBranch(session, Main, x);
        }
        Tensor y = ChannelConcat.Forward(session, passed, main);
        passed.Dispose();
        main.Dispose();
        return y;
    }

    /// <summary>The shape of the result for an input of shape <paramref name="x"/>.</summary>
    internal Shape OutputOn(Shape x) => new(x.N, (x.H - 1) / Block.Stride + 1, (x.W - 1) / Block.Stride + 1, Block.Output);

    public void Dispose()
    {
        foreach (ConvolutionUnit unit in Main.Concat(Projection)) unit.BatchNorm.Dispose();
        Parameters.Dispose();
    }

    private static Tensor RunBranch(Session session, IReadOnlyList<ConvolutionUnit> units, Tensor x)
    {
        foreach (ConvolutionUnit unit in units)
        {
            Tensor y = unit.Forward(session, x);
            x.Dispose();
            x = y;
        }
        return x;
    }

    private static int KernelOf(Choice choice) => choice switch
    {
        Choice.Shuffle5 => 5,
        Choice.Shuffle7 => 7,
        _ => 3,
    };
}

/// <summary>Gives units their parameters and their official names.</summary>
internal static class UnitBuilder
{
    /// <summary>Names count layers as the official nn.Sequential does: convolution, batch norm, ReLU where there is one.</summary>
    public static IReadOnlyList<ConvolutionUnit> Build(string prefix, IReadOnlyList<UnitSpec> specs, bool affine, ParameterGroup group)
    {
        var units = new List<ConvolutionUnit>();
        int layer = 0;
        foreach (UnitSpec spec in specs)
        {
            Parameter weight = group.Add($"{prefix}.{layer}.weight", spec.WeightShape, decays: true);
            units.Add(new ConvolutionUnit(spec, weight, new BatchNormLayer($"{prefix}.{layer + 1}", spec.Output, affine, group)));
            layer += spec.Rectify ? 3 : 2;
        }
        return units;
    }
}
