// Pointwise (1x1) convolution, and the linear layer, which is the same product on one pixel an image.
//
//   forward           y[m][o]  = sum_i x[m][i] * w[i][o]
//   backward data     dx[m][i] = sum_o dy[m][o] * w[i][o]
//   backward weights  dw[i][o] = sum_m x[m][i] * dy[m][o]
//
// Layouts: x [rows][in], y [rows][out] with rows = N*H*W (NHWC), w [in][out]. Outputs are overwritten.
// pointwise_normalised is the forward pass with batch norm and perhaps ReLU applied to what it stores. Row m of y
// begins at y[m * y_stride], so that results can be a part of wider rows. With x and y of bf16 weights are rounded to
// it.
//
// Launch: grid.x = ceil(rows / rows_per_block). Backward weights writes one partial sum [in][out] a block,
// to be added by reduce_partials in block order: deterministic, no atomics.
//
// The product itself has a body for a CPU thread and one for a block of GPU threads. On a GPU grid.y is the number of
// blocks that share the columns of a result, or in backward weights its tiles.
#if SPOS_HOST
#include "host/gemm_bf16.h"
#else
#include "device/gemm.h"
#endif

// The block's rows of x w.
template <class T, class Epilogue>
__device__ __forceinline__ void multiply_block(T* y, const T* x, const float* w, int rows, int in, int out,
                                               int y_stride, int rows_per_block, Epilogue epilogue) {
    const int first = (int)blockIdx.x * rows_per_block;
    multiply_rows<true>(y, y_stride, MatrixOf<T>{x, in, 1}, MatrixView{w, out, 1}, first,
                        min(first + rows_per_block, rows), out, in, epilogue);
}

SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
SPOS_KERNEL pointwise_forward(SPOS_OUT(rows, out) float* y, SPOS_IN(rows, in) const float* x,
                              SPOS_IN(in, out) const float* w, int rows, int in, int out, int rows_per_block) {
    multiply_block(y, x, w, rows, in, out, out, rows_per_block, RawResult{});
}
SPOS_EXPORT(pointwise_forward)

#define SPOS_POINTWISE_NORMALISED(T)                                                                                   \
    SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))                                                        \
    SPOS_KERNEL pointwise_normalised_##T(SPOS_OUT(strided(y_stride, 1, rows, out)) T* y, SPOS_IN(rows, in) const T* x, \
                                         SPOS_IN(in, out) const float* w, SPOS_IN(out, uncounted) const float* scale,  \
                                         SPOS_IN(out, uncounted) const float* shift, int rows, int in, int out,        \
                                         int y_stride, SPOS_FLAG int rectify, int rows_per_block) {                    \
        multiply_block(y, x, w, rows, in, out, y_stride, rows_per_block, NormalisedResult{scale, shift, rectify});     \
    }                                                                                                                  \
    SPOS_EXPORT(pointwise_normalised_##T)

SPOS_POINTWISE_NORMALISED(f32)
SPOS_POINTWISE_NORMALISED(bf16)

SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
SPOS_KERNEL pointwise_backward_data(SPOS_OUT(rows, in) float* dx, SPOS_IN(rows, out) const float* dy,
                                    SPOS_IN(in, out) const float* w, int rows, int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    multiply_rows<false>(dx, in, {dy, out, 1}, {w, 1, out}, first, min(first + rows_per_block, rows), in, out);
}
SPOS_EXPORT(pointwise_backward_data)

SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
SPOS_KERNEL pointwise_backward_weights(SPOS_OUT(ceil_div(rows, rows_per_block), in, out,
                                                counted(in, out)) float* partials,
                                       SPOS_IN(rows, out) const float* dy, SPOS_IN(rows, in) const float* x, int rows,
                                       int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    multiply_deep(partials + (int64_t)blockIdx.x * in * out, {x + (int64_t)first * in, 1, in},
                  {dy + (int64_t)first * out, out, 1}, in, out, min(rows_per_block, rows - first));
}
SPOS_EXPORT(pointwise_backward_weights)
