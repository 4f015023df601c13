// Pointwise (1x1) convolution among batch norms, for training: raw results only are stored, batch norm and ReLU are
// applied where they are loaded.
//
//   forward   y[m][o]  = sum_i f(x[m][i]) * w[i][o],  f(x) = ReLU(scale[i] * x + shift[i])
//             and for the batch norm after it each block's mean of y and sum of squared deviations (batch_norm.cu)
//   backward  g[m][o]  = the gradient of y, from that of what batch norm makes of it (device/batch_norm.h)
//             dx[m][i] = sum_o g[m][o] * w[i][o],  the gradient of f(x)
//             dw[i][o] = sum_m f(x[m][i]) * g[m][o]
//             and for the batch norm before it each block's sums of dx and dx * (x - mean)
//
// Layouts: x and dx [rows][in], y and dy [rows][out], w [in][out]; in the backward pass a CPU takes w as [out][in].
// x, y and their gradients are floats or bf16; of bf16, products take all that they multiply rounded to bf16, and add
// up floats. Statistics of y are of what is stored, or on a GPU of the sums before they are rounded. On a CPU a product
// of bf16 has at most kMostPairedTerms terms in a row of x or of y. Statistics are batch_norm_finalize's table of the
// tensor; without those of x, x is taken as it is, and there are no sums. ReLU where x_rectify or y_rectify is set.
//
// Launch, forward: grid.x = ceil(rows / rows_per_block), on a GPU grid.y = the number of blocks that share the columns
// of y. Partial sums [2][channels] are one for each rows_per_block rows.
// Backward: partial sums likewise, partial weights [in][out] one for each rows_per_chunk rows. On the CPU the two are
// the same, and grid.x is their number; on a GPU grid.x = the chunks times the tiles of w, and on top
// ceil(rows / rows_per_block) times the column tiles of x.
#include "device/batch_norm.h"
#if SPOS_HOST
#include "host/pointwise_fused.h"
#else
#include "device/pointwise_fused.h"
#endif

#define SPOS_POINTWISE_FUSED(T)                                                                                       \
    SPOS_WORK(shape(rows, in, out), products(2 * rows * in * out))                                                    \
    SPOS_KERNEL pointwise_fused_forward_##T(                                                                          \
        SPOS_OUT(rows, out) T* y, SPOS_OUT(ceil_div(rows, rows_per_block), 2, out, uncounted) float* partials,        \
        SPOS_IN(rows, in) const T* x, SPOS_IN(4, in, uncounted, or_null) const float* x_statistics,                   \
        SPOS_IN(in, out) const float* w, int rows, int in, int out, SPOS_FLAG int x_rectify, int rows_per_block) {    \
        pointwise_forward(y, partials, input_view(x, x_statistics, in, x_rectify), w, rows, in, out, rows_per_block); \
    }                                                                                                                 \
    SPOS_EXPORT(pointwise_fused_forward_##T)                                                                          \
    SPOS_WORK(shape(rows, in, out), products(4 * rows * in * out))                                                    \
    SPOS_KERNEL pointwise_fused_backward_##T(                                                                         \
        SPOS_OUT(rows, in) T* dx,                                                                                     \
        SPOS_OUT(ceil_div(rows, rows_per_chunk), in, out, counted(in, out)) float* weight_partials,                   \
        SPOS_OUT(ceil_div(rows, rows_per_block), 2, in, uncounted, or_null) float* sum_partials,                      \
        SPOS_IN(rows, out) const T* dy, SPOS_IN(rows, out) const T* y,                                                \
        SPOS_IN(4, out, uncounted) const float* y_statistics, SPOS_IN(3, out, uncounted) const float* coefficients,   \
        SPOS_IN(rows, in) const T* x, SPOS_IN(4, in, uncounted, or_null) const float* x_statistics,                   \
        SPOS_IN(in, out) const float* w, int rows, int in, int out, SPOS_FLAG int y_rectify, SPOS_FLAG int x_rectify, \
        int rows_per_block, int rows_per_chunk) {                                                                     \
        const GradientView<T> gradient{dy, y, {out, statistics_at(y_statistics, out), coefficients, y_rectify}};      \
        pointwise_backward(dx, weight_partials, x_statistics ? sum_partials : nullptr, gradient,                      \
                           input_view(x, x_statistics, in, x_rectify), statistics_at(x_statistics, in), w, rows, in,  \
                           out, rows_per_block, rows_per_chunk);                                                      \
    }                                                                                                                 \
    SPOS_EXPORT(pointwise_fused_backward_##T)

SPOS_POINTWISE_FUSED(f32)
SPOS_POINTWISE_FUSED(bf16)
