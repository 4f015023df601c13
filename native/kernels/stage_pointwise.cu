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
    placed_forward({inputs, outputs, {rows, out, first_place, after, half}}, partials,
                   input_view(x, x_statistics, in, x_rectify), w, rows, in, out, rows_per_block);
}
SPOS_EXPORT(stage_pointwise_forward)

SPOS_KERNEL stage_pointwise_backward(float* dx, float* weight_partials, float* sum_partials, const float* d_inputs,
                                     const float* d_outputs, const float* y_inputs, const float* y_outputs,
                                     const float* y_statistics, const float* coefficients, const float* x,
                                     const float* x_statistics, const float* w, int rows, int in, int out,
                                     int x_rectify, int first_place, int after, int half, int rows_per_block,
                                     int rows_per_chunk) {
    const Places places{rows, out, first_place, after, half};
    const PlacedGradients gradients{{d_inputs, d_outputs, places},
                                    {y_inputs, y_outputs, places},
                                    {out, statistics_at(y_statistics, out), coefficients, 1}};
    pointwise_backward(dx, weight_partials, x_statistics ? sum_partials : nullptr, gradients,
                       input_view(x, x_statistics, in, x_rectify), statistics_at(x_statistics, in), w, rows, in, out,
                       rows_per_block, rows_per_chunk);
}
SPOS_EXPORT(stage_pointwise_backward)
