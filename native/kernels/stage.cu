// Moves channels of tables of a few rows to who takes them in a stage, and back (device/places.h): the statistics of a
// block's results, the sums of their gradients.
//
//   scatter  x [rows][channels] to its places in inputs and outputs, which alone are overwritten
//   gather   the same back, overwriting x
//
// Launch: any grid.
#include "device/places.h"

SPOS_WORK(shape(rows, channels))
SPOS_KERNEL stage_scatter(SPOS_OUT(after, rows, half, uncounted, or_null) float* inputs,
                          SPOS_OUT(rows, 2, half, counted(rows, channels)) float* outputs,
                          SPOS_IN(rows, channels) const float* x, int rows, int channels, int first_place, int after,
                          int half) {
    const int threads = (int)(gridDim.x * blockDim.x);
    for (int c = (int)(blockIdx.x * blockDim.x + threadIdx.x); c < channels; c += threads) {
        const PlacedColumn<float> y = find_column(inputs, outputs, Places{rows, channels, first_place, after, half}, c);
        for (int r = 0; r < rows; ++r) y.data[r * y.stride] = x[(int64_t)r * channels + c];
    }
}
SPOS_EXPORT(stage_scatter)

SPOS_WORK(shape(rows, channels))
SPOS_KERNEL stage_gather(SPOS_OUT(rows, channels) float* x,
                         SPOS_IN(after, rows, half, uncounted, or_null) const float* inputs,
                         SPOS_IN(rows, 2, half, counted(rows, channels)) const float* outputs, int rows, int channels,
                         int first_place, int after, int half) {
    const int threads = (int)(gridDim.x * blockDim.x);
    for (int c = (int)(blockIdx.x * blockDim.x + threadIdx.x); c < channels; c += threads) {
        const PlacedColumn<const float> y =
            find_column(inputs, outputs, Places{rows, channels, first_place, after, half}, c);
        for (int r = 0; r < rows; ++r) x[(int64_t)r * channels + c] = y.data[r * y.stride];
    }
}
SPOS_EXPORT(stage_gather)
