// Pointwise (1x1) convolution, and the linear layer, which is the same product on one pixel an image.
//
//   forward           y[m][o]  = sum_i x[m][i] * w[i][o]
//   backward data     dx[m][i] = sum_o dy[m][o] * w[i][o]
//   backward weights  dw[i][o] = sum_m x[m][i] * dy[m][o]
//
// Layouts: x [rows][in], y [rows][out] with rows = N*H*W (NHWC), w [in][out]. Outputs are overwritten.
// pointwise_normalised is the forward pass with batch norm and perhaps ReLU applied to what it stores. Row m of y
// begins at y[m * y_stride], so that results can be a part of wider rows. With x and y of bf16 weights are rounded to
// it. Its weights are what pointwise_pack makes of w: on a CPU more values than are declared, columns being filled up.
//
// Launch: grid.x = ceil(rows / rows_per_block). Backward weights writes one partial sum [in][out] a block,
// to be added by reduce_partials in block order: deterministic, no atomics.
//
// The product itself has a body for a CPU thread and one for a block of GPU threads. grid.y is the number of blocks
// that share the columns of a result, or on a GPU in backward weights its tiles.
#if SPOS_HOST
#include "host/gemm_bf16.h"
#else
#include "device/gemm.h"
#endif

// The block's rows of x w.
template <class T, class Weights, class Epilogue>
__device__ __forceinline__ void multiply_block(T* y, const T* x, Weights w, int rows, int in, int out, int y_stride,
                                               int rows_per_block, Epilogue epilogue) {
    const int first = (int)blockIdx.x * rows_per_block;
    multiply_rows<true>(y, y_stride, MatrixOf<T>{x, in, 1}, w, first, min(first + rows_per_block, rows), out, in,
                        epilogue);
}

SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
SPOS_KERNEL pointwise_forward(SPOS_OUT(rows, out) float* y, SPOS_IN(rows, in) const float* x,
                              SPOS_IN(in, out) const float* w, int rows, int in, int out, int rows_per_block) {
    multiply_block(y, x, MatrixView{w, out, 1}, rows, in, out, out, rows_per_block, RawResult{});
}
SPOS_EXPORT(pointwise_forward)

// Weights as a CPU's products read them in inference: panels of some columns, one after the other, of floats or of
// pairs of rows that are rounded to bf16; columns are filled up with zeros. A GPU's products read weights as they are,
// and there they are copied. Launch: any grid; blocks share the columns.
SPOS_WORK(shape(in, out))
SPOS_KERNEL pointwise_pack(SPOS_OUT(in, product(16, ceil_div(out, 16)), counted(in, out)) float* packed,
                           SPOS_IN(in, out) const float* w, int in, int out, SPOS_FLAG int in_pairs) {
    if (in_pairs) {
        pack_weights_in_pairs(packed, w, in, out, (int)blockIdx.x, (int)gridDim.x);
    } else {
        pack_weights(packed, w, in, out, (int)blockIdx.x, (int)gridDim.x);
    }
}
SPOS_EXPORT(pointwise_pack)

#define SPOS_POINTWISE_NORMALISED(T)                                                                                   \
    SPOS_WORK(shape(rows, in, out), products(2 * rows * in * out))                                                     \
    SPOS_KERNEL pointwise_normalised_##T(SPOS_OUT(strided(y_stride, 1, rows, out)) T* y, SPOS_IN(rows, in) const T* x, \
                                         SPOS_IN(in, out) const float* w, SPOS_IN(out, uncounted) const float* scale,  \
                                         SPOS_IN(out, uncounted) const float* shift, int rows, int in, int out,        \
                                         int y_stride, SPOS_FLAG int rectify, int rows_per_block) {                    \
        multiply_block(y, x, packed_weights(w, out), rows, in, out, y_stride, rows_per_block,                          \
                       NormalisedResult{scale, shift, rectify});                                                       \
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
