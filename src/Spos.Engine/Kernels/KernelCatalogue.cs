namespace Spos.Engine.Kernels;

/// <summary>
/// Every kernel, its file under native/kernels and its parameters, one letter each: P pointer, i int32, l int64,
/// f float. A test compares this with what each target's library exports.
/// </summary>
public static class KernelCatalogue
{
    /// <summary>One kernel.</summary>
    public readonly record struct Entry(string Module, string Name, string Parameters);

    /// <summary>All kernels, in the order of their files.</summary>
    public static IReadOnlyList<Entry> Entries { get; } =
    [
        new("average", "moving_average", "PPlfi"),
        new("batch_norm", "batch_norm_statistics", "PPiii"),
        new("batch_norm", "batch_norm_finalize", "PPPPPPPPPiiiff"),
        new("batch_norm", "batch_norm_fold", "PPiifi"),
        new("batch_norm", "batch_norm_apply", "PPPPiiii"),
        new("batch_norm", "batch_norm_backward_sums", "PPPPiiii"),
        new("batch_norm", "batch_norm_backward_finalize", "PPPPPPiiii"),
        new("batch_norm", "batch_norm_backward_apply", "PPPPPPPiiii"),
        .. OfEachSize("branch", ("normalised", "PPPPPPPPPPPiiiiiiiiiiiiiil")),
        new("channels", "channel_split", "PPPiii"),
        new("channels", "channel_take", "PPiiiii"),
        new("channels", "channel_merge", "PPPiii"),
        new("channels", "channel_concat", "PPPiiii"),
        new("channels", "channel_cut", "PPPiiii"),
        .. Depthwise(),
        .. DepthwiseFused(),
        new("dropout", "dropout", "PPlPfi"),
        new("image", "image_filter_taps", "PPPii"),
        new("image", "image_resize", "PPPPPPiii"),
        new("image", "image_jitter_before_contrast", "PPPi"),
        new("image", "image_jitter_and_normalise", "PPPPifffffffi"),
        new("image", "image_resize_fixed", "PPPi"),
        new("jpeg", "jpeg_inverse_dct", "PPPPP"),
        new("jpeg", "jpeg_to_rgb", "PPPP"),
        new("loss", "softmax_cross_entropy", "PPPPiifffi"),
        new("loss", "label_rank", "PPPiii"),
        new("mixup", "mixup", "Pilfi"),
        new("peak", "peak_multiply_add", "Pfi"),
        new("peak", "peak_copy", "PPli"),
        new("pointwise", "pointwise_forward", "PPPiiii"),
        new("pointwise", "pointwise_normalised", "PPPPPiiiiiiii"),
        new("pointwise", "pointwise_backward_data", "PPPiiii"),
        new("pointwise", "pointwise_backward_weights", "PPPiiii"),
        new("pointwise_fused", "pointwise_fused_forward", "PPPPPiiiii"),
        new("pointwise_fused", "pointwise_fused_backward", "PPPPPPPPPPiiiiiii"),
        new("pooling", "global_average_pool_forward", "PPii"),
        new("pooling", "global_average_pool_backward", "PPii"),
        new("reduce", "reduce_partials", "PPiiii"),
        new("reduce", "add_in_place", "PPli"),
        new("relu", "relu_forward", "PPli"),
        new("relu", "relu_backward", "PPPli"),
        new("sgd", "sgd_momentum", "PPPlffffi"),
        new("stage", "stage_scatter", "PPPiiiii"),
        new("stage", "stage_gather", "PPPiiiii"),
        new("stage_pointwise", "stage_pointwise_forward", "PPPPPPiiiiiiii"),
        new("stage_pointwise", "stage_pointwise_backward", "PPPPPPPPPPPPiiiiiiiii"),
        new("stem", "stem_forward", "PPPiiiiiii"),
        new("stem", "stem_normalised", "PPPPPiiiiiiii"),
        new("stem", "stem_backward_weights", "PPPiiiiiii"),
        new("transpose", "transpose", "PPiii"),
    ];

    private static IEnumerable<Entry> Depthwise() => OfEachSize(
        "depthwise", ("forward", "PPPiiiiiii"), ("normalised", "PPPPPiiiiiiii"), ("backward_data", "PPPiiiiiii"), ("backward_weights", "PPPiiiiiii"));

    private static IEnumerable<Entry> DepthwiseFused() => OfEachSize(
        "depthwise_fused", ("forward", "PPPPPiiiiiii"), ("backward", "PPPPPPPPPPiiiiiii"));

    private static IEnumerable<Entry> OfEachSize(string module, params (string Pass, string Parameters)[] passes) =>
        from size in new[] { 3, 5, 7 }
        from stride in new[] { 1, 2 }
        from pass in passes
        select new Entry(module, $"{module}_{pass.Pass}_k{size}_s{stride}", pass.Parameters);
}
