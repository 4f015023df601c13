using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>What a fused convolution reads: values as they are, or what is pending of them.</summary>
/// <param name="Statistics">[4, 1, 1, C] as <see cref="PendingTensor"/> has them; null for values as they are.</param>
internal readonly record struct FusedInput(Tensor Values, Tensor? Statistics, bool Rectify)
{
    public FusedInput(PendingTensor pending)
        : this(pending.Raw, pending.Statistics, pending.Rectify)
    {
    }
}

/// <summary>
/// Training's convolutions among batch norms, each pass one kernel: batch norm and ReLU are applied on load, forward and backward, and
/// the sums that batch norm needs are taken while results are in the cache. The same, up to rounding, as <see cref="Convolution"/> and
/// <see cref="BatchNormalisation"/> after each other. Kernels: {pointwise,depthwise}_fused_{forward,backward}.
/// </summary>
internal static class FusedConvolution
{
    // kStagedValues of kernels/host/pointwise_fused.h: a row of inputs and outputs must fit.
    private const int MostChannels = 65536;

    /// <summary>Most channels of a pointwise convolution of bf16: kMostPairedTerms of kernels/host/gemm_bf16.h.</summary>
    public const int MostTerms = 4096;

    /// <summary>The convolution, and the statistics of the batch norm after it.</summary>
    public static PendingTensor Forward(
        Session session, in ConvolutionShape shape, FusedInput x, Tensor weight, BatchNormLayer layer, bool rectify)
    {
        if (shape.Input.C + shape.OutputChannels > MostChannels)
        {
            throw new LimitException(
                $"{layer.Name}: the fused plan takes {MostChannels} channels of inputs and outputs, "
                + $"not {shape.Input.C} and {shape.OutputChannels}. Use --plan unfused.");
        }
        if (shape.Kind == ConvolutionKind.Pointwise)
        {
            RequireTerms(x.Values.ElementType, Math.Max(shape.Input.C, shape.OutputChannels), layer);
        }
        Tensor y = session.Rent(shape.Output, x.Values.ElementType);
        int rowsPerSlice;
        Tensor partials;
        if (shape.Kind == ConvolutionKind.Pointwise)
        {
            ElementType type = x.Values.ElementType;
            Partition partition = PointwiseConvolution.Rows(session.Device, type, shape.Input.Rows, shape.OutputChannels);
            partials = session.Rent(new Shape(partition.Blocks, 1, 2, shape.OutputChannels));
            int across = PointwiseConvolution.BlocksAcross(session.Device, type, shape.OutputChannels);
            session.Grid(partition.Blocks, across).PointwiseFusedForward(
                y, partials, x.Values, x.Statistics, weight, shape.Input.Rows, shape.Input.C, shape.OutputChannels, x.Rectify,
                partition.RowsPerBlock);
            rowsPerSlice = partition.RowsPerBlock;
        }
        else
        {
            (Shape input, Shape output) = (shape.Input, shape.Output);
            Partition slices = Partition.Slices(session.Device, output.N * output.H, output.C, 64, waves: 4);
            partials = session.Rent(new Shape(slices.Blocks, 1, 2, shape.OutputChannels));
            session.Slices(slices, input.C).DepthwiseFusedForward(
                shape.Kernel, shape.Stride, y, partials, OfDepthwise(x), x.Statistics, weight,
                input.N, input.H, input.W, output.H, output.W, input.C, slices.RowsPerBlock);
            rowsPerSlice = slices.RowsPerBlock * shape.Output.W;
        }
        using (partials)
        {
            return new PendingTensor(y, BatchNormalisation.Finalize(session, layer, partials, y.Shape, rowsPerSlice), layer, rectify);
        }
    }

    /// <summary>The gradients of the input and, added to what is there, of the weight.</summary>
    /// <param name="dx">Overwritten with the gradient of the input [N, H, W, in]; a depthwise convolution's is gated.</param>
    /// <param name="y">What the forward pass made.</param>
    /// <param name="coefficients">Of y's batch norm, as <see cref="BatchNormalisation.Coefficients"/> has them.</param>
    /// <param name="dy">The gradient of y's batch norm's result.</param>
    /// <param name="gated">Whether values that y's ReLU cut off have no gradient already.</param>
    /// <returns>The sums of a pending input's gradients that <see cref="BatchNormalisation.Coefficients"/> takes.</returns>
    public static Tensor? Backward(
        Session session, in ConvolutionShape shape, Parameter weight, Tensor dx, PendingTensor y, Tensor coefficients, Tensor dy,
        bool gated, FusedInput x)
    {
        if (shape.Kind == ConvolutionKind.Pointwise)
        {
            using var pass = new PointwiseBackward(session, shape, weight, x);
            session.Grid(pass.Blocks).PointwiseFusedBackward(
                dx, pass.Partials, pass.Sums, dy, y.Raw, y.Statistics, coefficients, x.Values, x.Statistics, pass.KernelWeight,
                shape.Input.Rows, shape.Input.C, shape.OutputChannels, y.Rectify && !gated, x.Rectify,
                pass.Rows.RowsPerBlock, pass.Chunks.RowsPerBlock);
            return pass.Finish();
        }
        (Shape from, Shape to) = (shape.Input, shape.Output);
        Partition slices = Partition.Slices(session.Device, from.N * from.H, from.C, 32, waves: 1);
        using Tensor partials = session.Rent(Shape.Matrix(slices.Blocks, checked((int)weight.Shape.Count)));
        Tensor? sums = x.Statistics == null ? null : session.Rent(new Shape(slices.Blocks, 1, 2, shape.Input.C));
        session.Slices(slices, from.C).DepthwiseFusedBackward(
            shape.Kernel, shape.Stride, dx, partials, sums, dy, y.Raw, y.Statistics, coefficients, OfDepthwise(x), x.Statistics,
            weight.Value, from.N, from.H, from.W, to.H, to.W, from.C, slices.RowsPerBlock);
        PartialSums.ReduceInto(session, weight, partials);
        return sums;
    }

    /// <summary>Checks that a pointwise convolution's kernel can add up so many products of values of a type.</summary>
    /// <exception cref="LimitException">They are too many products of bf16.</exception>
    internal static void RequireTerms(ElementType type, int terms, BatchNormLayer layer)
    {
        if (type != ElementType.BFloat16 || terms <= MostTerms) return;
        throw new LimitException($"{layer.Name}: products of bf16 take {MostTerms} channels, not {terms}. Use --precision fp32.");
    }

    // A depthwise convolution takes what is pending as batch norm with ReLU.
    private static Tensor OfDepthwise(FusedInput x) =>
        x.Statistics == null || x.Rectify
            ? x.Values
            : throw new ArgumentException("A depthwise convolution takes pending tensors with ReLU.");

    /// <summary>What both backward kernels of a pointwise convolution need besides its tensors.</summary>
    internal readonly struct PointwiseBackward : IDisposable
    {
        private readonly Session _session;
        private readonly Parameter _weight;
        private readonly Tensor? _transposed;

        public PointwiseBackward(Session session, in ConvolutionShape shape, Parameter weight, FusedInput x)
        {
            (_session, _weight) = (session, weight);
            (int rows, int input, int output) = (shape.Input.Rows, shape.Input.C, shape.OutputChannels);
            Device device = session.Device;
            ElementType type = x.Values.ElementType;
            Chunks = PointwiseConvolution.Chunks(device, type, rows, input, output, PointwiseConvolution.TileOnCpu);
            Partials = session.Rent(Shape.Matrix(Chunks.Blocks, checked((int)weight.Shape.Count)));
            if (device.BlocksAreThreads)
            {
                (Rows, Blocks) = (Chunks, Chunks.Blocks);
                _transposed = session.Rent(weight.Shape);
                Transposition.Launch(session, _transposed.Value, weight.Value, input, output, accumulate: false);
            }
            else
            {
                Rows = PointwiseConvolution.Rows(device, type, rows, input);
                Blocks = (Chunks.Blocks * ProductTiles.OfSums(type, input, output))
                    + (Rows.Blocks * PointwiseConvolution.BlocksAcross(device, type, input));
            }
            Sums = x.Statistics == null ? null : session.Rent(new Shape(Rows.Blocks, 1, 2, input));
        }

        /// <summary>Of the input's gradient, for partial sums of it; on a CPU the same as <see cref="Chunks"/>.</summary>
        public Partition Rows { get; }

        /// <summary>Of the rows, for partial gradients of the weight.</summary>
        public Partition Chunks { get; }

        /// <summary>Of the grid.</summary>
        public int Blocks { get; }

        /// <summary>[chunks, in·out], of the weight's gradient.</summary>
        public Tensor Partials { get; }

        /// <summary>[rows' blocks, 1, 2, in]; null where the input is not pending.</summary>
        public Tensor? Sums { get; }

        /// <summary>As the kernel takes it: [in][out], or on a CPU [out][in].</summary>
        public Tensor KernelWeight => _transposed ?? _weight.Value;

        /// <summary>Adds up the weight's gradient; <see cref="Sums"/> go to the caller.</summary>
        public Tensor? Finish()
        {
            PartialSums.ReduceInto(_session, _weight, Partials);
            return Sums;
        }

        public void Dispose()
        {
            Partials.Dispose();
            _transposed?.Dispose();
        }
    }
}
