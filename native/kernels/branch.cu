// Inference through a depthwise convolution and the pointwise ones around it in one pass, batch norm folded:
//
//   z = relu(scale1 * (x w1) + shift1)             pointwise, [in] -> [middle]; without w1 z is x
//   d = scale2 * depthwise(z) + shift2             KxK, stride S, padding K/2, on [middle] channels
//   y = relu(scale3 * (d w3) + shift3)             pointwise, [middle] -> [out]
//
// To the bit what {pointwise,depthwise}_normalised make of it one after the other, but z and d never leave the cache.
// The rows of y, images * out_height of them, are cut into strips. A block works on one strip after the other, and on
// each band by band: the rows of z that a band needs and that are not there yet, then the band's d, then its y. If
// `passed` is given (stride 1 only), the channels that pass the branch by are copied too while a band is in the cache:
// every second one of `passing`, whose rows are as far apart as x's, to `passed`, whose rows are as y's.
//
// Layouts: x [images][in_height][in_width], row m at x[m * x_stride], channels x_step apart (without w1: whole rows of
// [middle]); y [images][out_height][out_width], row m at y[m * y_stride]; w1 [in][middle], w2 [K][K][middle], w3
// [middle][out]; folded1 to folded3 [2][channels], scales and shifts. Activations, and the workspace with them, may be
// bf16: products then take weights rounded to it, and the depthwise convolution floats. The products' weights w1 and w3
// are what pointwise_pack (pointwise.cu) makes of them.
//
// Launch: any grid.x, and grid.y = 1. Each block needs workspace_stride values of workspace: rows_per_band * out_width
// * middle for d and, if there is w1, ((rows_per_band - 1) * S + K) * in_width * middle for z. Products of bf16 need
// the channels of x side by side: where x_step is not 1 they take ((rows_per_band - 1) * S + K) * in_width * in more.
#include "device/branch.h"

#define SPOS_BRANCH(K, S, T)                                                                                         \
    SPOS_WORK(shape(images, in_height, in_width, in, middle, out),                                                   \
              flops(2 * images * out_height * out_width * middle * (K * K)),                                         \
              products(2 * middle * (images * in_height * in_width * in + images * out_height * out_width * out)))   \
    SPOS_KERNEL branch_normalised_k##K##_s##S##_##T(                                                                 \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, out)) T* y,                                     \
        SPOS_IN(strided(x_stride, x_step, images, in_height, in_width, in > 0 ? in : middle)) const T* x,            \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, pass_channels), or_null) T* passed,             \
        SPOS_IN(strided(x_stride, 2, images, out_height, out_width, pass_channels), or_null) const T* passing,       \
        SPOS_OUT(gridDim.x, workspace_stride, uncounted) T* workspace, SPOS_IN(in, middle, or_null) const float* w1, \
        SPOS_IN(2, middle, uncounted, or_null) const float* folded1, SPOS_IN(K, K, middle) const float* w2,          \
        SPOS_IN(2, middle, uncounted) const float* folded2, SPOS_IN(middle, out) const float* w3,                    \
        SPOS_IN(2, out, uncounted) const float* folded3, int images, int in_height, int in_width, int out_height,    \
        int out_width, int middle, int in, int out, int x_stride, int x_step, int y_stride, int pass_channels,       \
        int rows_per_strip, int rows_per_band, int64_t workspace_stride) {                                           \
        run_branch<K, S>(y, x, passed, passing, workspace + blockIdx.x * workspace_stride, w1,                       \
                         {folded1, folded1 + middle, 1}, w2, {folded2, folded2 + middle, 0}, w3,                     \
                         {folded3, folded3 + out, 1},                                                                \
                         {{images, in_height, in_width, out_height, out_width, middle},                              \
                          in,                                                                                        \
                          out,                                                                                       \
                          x_stride,                                                                                  \
                          x_step,                                                                                    \
                          y_stride,                                                                                  \
                          pass_channels,                                                                             \
                          rows_per_strip,                                                                            \
                          rows_per_band});                                                                           \
    }                                                                                                                \
    SPOS_EXPORT(branch_normalised_k##K##_s##S##_##T)

SPOS_BRANCH(3, 1, f32)
SPOS_BRANCH(3, 2, f32)
SPOS_BRANCH(5, 1, f32)
SPOS_BRANCH(5, 2, f32)
SPOS_BRANCH(7, 1, f32)
SPOS_BRANCH(7, 2, f32)
SPOS_BRANCH(3, 1, bf16)
SPOS_BRANCH(3, 2, bf16)
SPOS_BRANCH(5, 1, bf16)
SPOS_BRANCH(5, 2, bf16)
SPOS_BRANCH(7, 1, bf16)
SPOS_BRANCH(7, 2, bf16)
