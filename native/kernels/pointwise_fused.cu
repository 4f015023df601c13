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
// Layouts: x and dx [rows][in], y and dy [rows][out], w [in][out], w_transposed [out][in]. Statistics are
// batch_norm_finalize's table of the tensor; without those of x, x is taken as it is, and there are no sums. ReLU where
// x_rectify or y_rectify is set.
//
// Launch: grid.x = ceil(rows / rows_per_block), on a GPU grid.y = the number of blocks that share the tiles of a
// result. Partial weights [in][out] and, on the CPU, partial sums [2][channels] are one a block; on a GPU partial sums
// are one for each 64 rows, rows_per_block is a multiple of that, and in the forward pass that.
#include "device/batch_norm.h"
#if SPOS_HOST
#include "host/pointwise_fused.h"
#else
#include "device/pointwise_fused.h"
#endif

SPOS_KERNEL pointwise_fused_forward(float* y, float* partials, const float* x, const float* x_statistics,
                                    const float* w, int rows, int in, int out, int x_rectify, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const InputView input = input_view(x, x_statistics, in, x_rectify);
    pointwise_forward_block(y + (int64_t)first * out, first_sums(partials, first, out), input.from_row(first), w,
                            min(rows_per_block, rows - first), in, out);
}
SPOS_EXPORT(pointwise_fused_forward)

SPOS_KERNEL pointwise_fused_backward(float* dx, float* weight_partials, float* sum_partials, const float* dy,
                                     const float* y, const float* y_statistics, const float* coefficients,
                                     const float* x, const float* x_statistics, const float* w_transposed, int rows,
                                     int in, int out, int y_rectify, int x_rectify, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const InputView input = input_view(x, x_statistics, in, x_rectify);
    const GradientView gradient{dy, y, {out, statistics_at(y_statistics, out), coefficients, y_rectify}};
    pointwise_backward_block(dx + (int64_t)first * in, weight_partials + (int64_t)blockIdx.x * in * out,
                             x_statistics ? first_sums(sum_partials, first, in) : nullptr, gradient.from_row(first),
                             input.from_row(first), statistics_at(x_statistics, in), w_transposed,
                             min(rows_per_block, rows - first), in, out);
}
SPOS_EXPORT(pointwise_fused_backward)
