// The pointwise convolution that a branch of a choice block ends in, for training: as in pointwise_fused.cu, but its
// raw results y [rows][out] are written to who takes them in the stage (device/places.h), and the gradients of what
// batch norm and ReLU make of them come from there, d_inputs and d_outputs laid out as inputs and outputs are.
//
// Of inputs and outputs only the places of the results are overwritten. On the CPU there are at most kMostPlaced
// results. Launch: as in pointwise_fused.cu.
#include "device/batch_norm.h"
#include "device/places.h"
#if SPOS_HOST
#include "host/stage_pointwise.h"
#else
#include "device/stage_pointwise.h"
#endif

SPOS_KERNEL stage_pointwise_forward(float* inputs, float* outputs, float* partials, const float* x,
                                    const float* x_statistics, const float* w, int rows, int in, int out, int x_rectify,
                                    int first_place, int after, int half, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const InputView input = input_view(x, x_statistics, in, x_rectify);
    placed_forward_block({inputs, outputs, {rows, out, first_place, after, half}, first},
                         first_sums(partials, first, out), input.from_row(first), w, min(rows_per_block, rows - first),
                         in, out);
}
SPOS_EXPORT(stage_pointwise_forward)

SPOS_KERNEL stage_pointwise_backward(float* dx, float* weight_partials, float* sum_partials, const float* d_inputs,
                                     const float* d_outputs, const float* y_inputs, const float* y_outputs,
                                     const float* y_statistics, const float* coefficients, const float* x,
                                     const float* x_statistics, const float* w_transposed, int rows, int in, int out,
                                     int x_rectify, int first_place, int after, int half, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const InputView input = input_view(x, x_statistics, in, x_rectify);
    const Places places{rows, out, first_place, after, half};
    const PlacedGradients gradients{{d_inputs, d_outputs, places, first},
                                    {y_inputs, y_outputs, places, first},
                                    {out, statistics_at(y_statistics, out), coefficients, 1}};
    pointwise_backward_block(dx + (int64_t)first * in, weight_partials + (int64_t)blockIdx.x * in * out,
                             x_statistics ? first_sums(sum_partials, first, in) : nullptr, gradients,
                             input.from_row(first), statistics_at(x_statistics, in), w_transposed,
                             min(rows_per_block, rows - first), in, out);
}
SPOS_EXPORT(stage_pointwise_backward)
