namespace Spos.Engine.Kernels;

/// <summary>What one launch of a kernel has to do, whatever the kernel makes of it.</summary>
/// <param name="Shape">The sizes that it depends on.</param>
/// <param name="Bytes">Each input read once and each output written once; 0 if it depends on more than the arguments.</param>
/// <param name="Flops">Multiplications and additions of floats, each counted as one.</param>
public readonly record struct KernelWork(string Shape, long Bytes, long Flops)
{
    private const int Float = sizeof(float);

    internal static KernelWork Of(string kernel, int gridX, int gridY, ReadOnlySpan<KernelArgument> arguments)
    {
        // The arguments that are sizes, in their order.
        Span<long> sizes = stackalloc long[arguments.Length];
        int count = 0;
        foreach (KernelArgument argument in arguments)
        {
            if (argument.Kind == 'i') sizes[count++] = (int)argument.Bits;
            else if (argument.Kind == 'l') sizes[count++] = (long)argument.Bits;
        }
        ReadOnlySpan<long> s = sizes[..count];
        return kernel switch
        {
            "batch_norm_statistics" => Rows(s[0], s[1], reads: 1, writes: 0, flops: 4),
            "batch_norm_apply" => Rows(s[0], s[1], reads: 1, writes: 1, flops: 2),
            "batch_norm_backward_sums" => Rows(s[0], s[1], reads: 2, writes: 0, flops: 6),
            "batch_norm_backward_apply" => Rows(s[0], s[1], reads: 2, writes: 1, flops: 7),
            "batch_norm_finalize" => Rows((s[0] + s[2] - 1) / s[2], s[1], reads: 2, writes: 0, flops: 8),
            "batch_norm_backward_finalize" => Rows(s[2], s[1], reads: 2, writes: 0, flops: 2),
            "batch_norm_fold" => Rows(1, s[1], reads: 4, writes: 2, flops: 4),
            "channel_split" or "channel_merge" => Rows(s[0], 2 * s[1], reads: 1, writes: 1, flops: 0),
            "channel_concat" or "channel_cut" => Rows(s[0], s[1] + s[2], reads: 1, writes: 1, flops: 0),
            "softmax_cross_entropy" => Rows(s[0], s[1], reads: 1, writes: 1, flops: 8),
            "label_rank" => Rows(s[0], s[1], reads: 1, writes: 0, flops: 2),
            "pointwise_forward" or "pointwise_normalised" or "pointwise_fused_forward" or "stage_pointwise_forward" or "pointwise_backward_data" or "pointwise_backward_weights" => Pointwise(s),
            "pointwise_fused_backward" or "stage_pointwise_backward" => Twice(Pointwise(s)),
            "global_average_pool_forward" => Rows(gridX * s[0], s[1], reads: 1, writes: 0, flops: 1),
            "global_average_pool_backward" => Rows(gridX * s[0], s[1], reads: 0, writes: 1, flops: 0),
            "reduce_partials" => Rows(s[0], s[1], reads: 1, writes: 0, flops: 1),
            "transpose" => Rows(s[0], s[1], reads: 1, writes: 1, flops: 0),
            "add_in_place" => Rows(1, s[0], reads: 2, writes: 1, flops: 1),
            "relu_forward" or "peak_copy" => Rows(1, s[0], reads: 1, writes: 1, flops: 0),
            "relu_backward" => Rows(1, s[0], reads: 2, writes: 1, flops: 0),
            "dropout" => Rows(1, s[0], reads: 1, writes: 1, flops: 1),
            "moving_average" => Rows(1, s[0], reads: 2, writes: 1, flops: 3),
            "mixup" => Rows(s[0], s[1], reads: 1, writes: 1, flops: 3),
            "sgd_momentum" => Rows(1, s[0], reads: 3, writes: 2, flops: 5),
            "channel_take" or "stage_scatter" or "stage_gather" => Rows(s[0], s[1], reads: 1, writes: 1, flops: 0),
            "stem_forward" or "stem_normalised" or "stem_backward_weights" => Convolution(s, 9 * 3, 3),
            _ when kernel.StartsWith("depthwise_fused_backward_", StringComparison.Ordinal) => Twice(Convolution(s, Square(kernel[^4] - '0'), s[5])),
            _ when kernel.StartsWith("depthwise_", StringComparison.Ordinal) => Convolution(s, Square(kernel[^4] - '0'), s[5]),
            _ when kernel.StartsWith("branch_", StringComparison.Ordinal) => Branch(s, Square(kernel[^4] - '0')),
            "peak_multiply_add" => new($"{gridX}", 0, 0),
            _ => new($"{gridX}×{gridY} blocks", 0, 0),
        };
    }

    // rows, inputs, outputs
    private static KernelWork Pointwise(ReadOnlySpan<long> s) =>
        new($"{s[0]}×{s[1]}×{s[2]}", Float * (s[0] * s[1] + s[1] * s[2] + s[0] * s[2]), 2 * s[0] * s[1] * s[2]);

    // Both gradients at once: twice the products, and two tensors of the input's size and two of the output's.
    private static KernelWork Twice(KernelWork once) => once with { Bytes = 2 * once.Bytes, Flops = 2 * once.Flops };

    private static long Square(long value) => value * value;

    private static KernelWork Rows(long rows, long channels, int reads, int writes, int flops) =>
        new(rows == 1 ? $"{channels}" : $"{rows}×{channels}", Float * rows * channels * (reads + writes), rows * channels * flops);

    // images, input height and width, output height and width, channels between; inputs of the first product (0: there is none), outputs;
    // the strides of rows and channels, of results; channels that pass by
    private static KernelWork Branch(ReadOnlySpan<long> s, long taps)
    {
        (long inputPixels, long outputPixels, long middle, long inputs, long outputs) = (s[0] * s[1] * s[2], s[0] * s[3] * s[4], s[5], s[6], s[7]);
        long weights = middle * (inputs + taps + outputs);
        long values = (inputPixels * (inputs > 0 ? inputs : middle)) + (outputPixels * (outputs + (2 * s[11]))) + weights;
        return new($"{s[0]}×{s[1]}×{s[2]}×{inputs}×{middle}×{outputs}", Float * values, 2 * middle * ((inputPixels * inputs) + (outputPixels * (taps + outputs))));
    }

    // images, input height and width, output height and width, output channels
    private static KernelWork Convolution(ReadOnlySpan<long> s, long tapsPerOutput, long inputChannels)
    {
        long inputs = s[0] * s[1] * s[2] * inputChannels, outputs = s[0] * s[3] * s[4] * s[5];
        return new($"{s[0]}×{s[1]}×{s[2]}×{s[5]}", Float * (inputs + outputs + tapsPerOutput * s[5]), 2 * outputs * tapsPerOutput);
    }
}
