// branch.cu with activations of bf16: x, y, what passes by and the workspace. Weights are floats, which products take
// rounded to bf16; sums are floats, and so are the depthwise convolution's weights.
//
// As in branch.cu, to the bit what {pointwise,depthwise}_normalised_bf16 make of it one after the other. Where x_step
// is not 1, there must be ((rows_per_strip - 1) * S + K) * in_width * in more values of workspace, for the channels of
// x that are read together. On the CPU a product has at most kMostPairedTerms terms.
#include "device/branch.h"

#define SPOS_BRANCH_BF16(K, S)                                                                                      \
    SPOS_WORK(                                                                                                      \
        shape(images, in_height, in_width, in, middle, out),                                                        \
        flops(2 * middle * (images * in_height * in_width * in + images * out_height * out_width * (K * K + out)))) \
    SPOS_KERNEL branch_normalised_bf16_k##K##_s##S(                                                                 \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, out)) Bf16* y,                                 \
        SPOS_IN(strided(x_stride, x_step, images, in_height, in_width, in > 0 ? in : middle)) const Bf16* x,        \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, pass_channels), or_null) Bf16* passed,         \
        SPOS_IN(strided(x_stride, 2, images, out_height, out_width, pass_channels), or_null) const Bf16* passing,   \
        SPOS_OUT(gridDim.x, workspace_stride, uncounted) Bf16* workspace,                                           \
        SPOS_IN(in, middle, or_null) const float* w1, SPOS_IN(2, middle, uncounted, or_null) const float* folded1,  \
        SPOS_IN(K, K, middle) const float* w2, SPOS_IN(2, middle, uncounted) const float* folded2,                  \
        SPOS_IN(middle, out) const float* w3, SPOS_IN(2, out, uncounted) const float* folded3, int images,          \
        int in_height, int in_width, int out_height, int out_width, int middle, int in, int out, int x_stride,      \
        int x_step, int y_stride, int pass_channels, int rows_per_strip, int rows_per_band,                         \
        int64_t workspace_stride) {                                                                                 \
        run_branch<K, S>(y, x, passed, passing, workspace + blockIdx.x * workspace_stride, w1,                      \
                         {folded1, folded1 + middle, 1}, w2, {folded2, folded2 + middle, 0}, w3,                    \
                         {folded3, folded3 + out, 1},                                                               \
                         {{images, in_height, in_width, out_height, out_width, middle},                             \
                          in,                                                                                       \
                          out,                                                                                      \
                          x_stride,                                                                                 \
                          x_step,                                                                                   \
                          y_stride,                                                                                 \
                          pass_channels,                                                                            \
                          rows_per_strip,                                                                           \
                          rows_per_band});                                                                          \
    }                                                                                                               \
    SPOS_EXPORT(branch_normalised_bf16_k##K##_s##S)

SPOS_BRANCH_BF16(3, 1)
SPOS_BRANCH_BF16(3, 2)
SPOS_BRANCH_BF16(5, 1)
SPOS_BRANCH_BF16(5, 2)
SPOS_BRANCH_BF16(7, 1)
SPOS_BRANCH_BF16(7, 2)
