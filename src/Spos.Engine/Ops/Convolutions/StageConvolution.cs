using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// <see cref="FusedConvolution"/>'s pointwise convolution where a branch of a choice block ends: its raw results are written to who
/// takes them, and their gradients are read from there. Kernels: stage_pointwise_{forward,backward}.
/// </summary>
internal static class StageConvolution
{
    // kMostPlaced of kernels/host/places.h.
    private const int MostChannels = 4096;

    /// <summary>The convolution, and the statistics [4, 1, 1, C] of the batch norm after it, which go the same ways.</summary>
    /// <param name="place">Of the first result among the channels of the block.</param>
    public static Tensor Forward(
        Session session, StageChannels results, int block, int place, in ConvolutionShape shape, FusedInput x, Tensor weight,
        BatchNormLayer layer)
    {
        (int rows, int input, int output) = (shape.Input.Rows, shape.Input.C, shape.OutputChannels);
        if (Math.Max(input, output) > MostChannels)
        {
            throw new LimitException(
                $"{layer.Name}: at the end of a branch the fused plan takes {MostChannels} channels, not {input} and {output}. "
                + "Use --plan unfused.");
        }
        ElementType type = x.Values.ElementType;
        Partition partition = PointwiseConvolution.Rows(session.Device, type, rows, output);
        using Tensor partials = session.Rent(new Shape(partition.Blocks, 1, 2, output));
        session.Grid(partition.Blocks, PointwiseConvolution.BlocksAcross(session.Device, type, output)).StagePointwiseForward(
            results.InputsAfter(block), results.Outputs, partials, x.Values, x.Statistics, weight,
            rows, input, output, x.Rectify, place, results.BlocksAfter(block), results.Outputs.Shape.C / 2, partition.RowsPerBlock);
        Tensor statistics = BatchNormalisation.Finalize(session, layer, partials, shape.Output, partition.RowsPerBlock);
        results.ScatterTable(block, place, statistics);
        return statistics;
    }

    /// <summary>The gradients of the input and, added to what is there, of the weight and the batch norm.</summary>
    /// <param name="results">With the raw results.</param>
    /// <param name="gradients">With the gradients of what batch norm and ReLU make of them, and the sums [2, C] of those.</param>
    /// <param name="statistics">What the forward pass returned.</param>
    /// <param name="dx">Overwritten with the gradient of the input [N, H, W, in].</param>
    /// <returns>The sums of a pending input's gradients that <see cref="BatchNormalisation.Coefficients"/> takes.</returns>
    public static Tensor? Backward(
        Session session, StageChannels results, StageChannels gradients, int block, int place, in ConvolutionShape shape, Parameter weight,
        BatchNormLayer layer, Tensor statistics, Tensor dx, FusedInput x)
    {
        (int rows, int input, int output) = (shape.Input.Rows, shape.Input.C, shape.OutputChannels);
        using Tensor sums = gradients.GatherTable(block, place, output);
        using Tensor coefficients = BatchNormalisation.Coefficients(session, layer, statistics, rows, sums);
        using var pass = new FusedConvolution.PointwiseBackward(session, shape, weight, x);
        session.Grid(pass.Blocks).StagePointwiseBackward(
            dx, pass.Partials, pass.Sums, gradients.InputsAfter(block), gradients.Outputs, results.InputsAfter(block), results.Outputs,
            statistics, coefficients, x.Values, x.Statistics, pass.KernelWeight, rows, input, output, x.Rectify, place,
            results.BlocksAfter(block), results.Outputs.Shape.C / 2, pass.Rows.RowsPerBlock, pass.Chunks.RowsPerBlock);
        return pass.Finish();
    }
}
