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

#define SPOS_STAGE_POINTWISE(T)                                                                                      \
    SPOS_WORK(shape(rows, in, out), products(2 * rows * in * out))                                                   \
    SPOS_KERNEL stage_pointwise_forward_##T(                                                                         \
        SPOS_OUT(after, rows, half, uncounted, or_null) T* inputs,                                                   \
        SPOS_OUT(rows, 2, half, counted(rows, out)) T* outputs,                                                      \
        SPOS_OUT(ceil_div(rows, rows_per_block), 2, out, uncounted) float* partials, SPOS_IN(rows, in) const T* x,   \
        SPOS_IN(4, in, uncounted, or_null) const float* x_statistics, SPOS_IN(in, out) const float* w, int rows,     \
        int in, int out, SPOS_FLAG int x_rectify, int first_place, int after, int half, int rows_per_block) {        \
        placed_forward(PlacedRows<T>{inputs, outputs, {rows, out, first_place, after, half}}, partials,              \
                       input_view(x, x_statistics, in, x_rectify), w, rows, in, out, rows_per_block);                \
    }                                                                                                                \
    SPOS_EXPORT(stage_pointwise_forward_##T)                                                                         \
    SPOS_WORK(shape(rows, in, out), products(4 * rows * in * out))                                                   \
    SPOS_KERNEL stage_pointwise_backward_##T(                                                                        \
        SPOS_OUT(rows, in) T* dx,                                                                                    \
        SPOS_OUT(ceil_div(rows, rows_per_chunk), in, out, counted(in, out)) float* weight_partials,                  \
        SPOS_OUT(ceil_div(rows, rows_per_block), 2, in, uncounted, or_null) float* sum_partials,                     \
        SPOS_IN(after, rows, half, uncounted, or_null) const T* d_inputs,                                            \
        SPOS_IN(rows, 2, half, counted(rows, out)) const T* d_outputs,                                               \
        SPOS_IN(after, rows, half, uncounted, or_null) const T* y_inputs,                                            \
        SPOS_IN(rows, 2, half, counted(rows, out)) const T* y_outputs,                                               \
        SPOS_IN(4, out, uncounted) const float* y_statistics, SPOS_IN(3, out, uncounted) const float* coefficients,  \
        SPOS_IN(rows, in) const T* x, SPOS_IN(4, in, uncounted, or_null) const float* x_statistics,                  \
        SPOS_IN(in, out) const float* w, int rows, int in, int out, SPOS_FLAG int x_rectify, int first_place,        \
        int after, int half, int rows_per_block, int rows_per_chunk) {                                               \
        const Places places{rows, out, first_place, after, half};                                                    \
        const PlacedGradients<T> gradients{{d_inputs, d_outputs, places},                                            \
                                           {y_inputs, y_outputs, places},                                            \
                                           {out, statistics_at(y_statistics, out), coefficients, 1}};                \
        pointwise_backward(dx, weight_partials, x_statistics ? sum_partials : nullptr, gradients,                    \
                           input_view(x, x_statistics, in, x_rectify), statistics_at(x_statistics, in), w, rows, in, \
                           out, rows_per_block, rows_per_chunk);                                                     \
    }                                                                                                                \
    SPOS_EXPORT(stage_pointwise_backward_##T)

SPOS_STAGE_POINTWISE(f32)
SPOS_STAGE_POINTWISE(bf16)
