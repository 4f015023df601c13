// The fused pointwise convolution for a CPU thread: rows go panel by panel through a buffer that stays in the cache,
// where they lie as they become on load, for all the products that need them.
#pragma once
#include "device/batch_norm.h"
#include "host/gemm.h"

namespace {

constexpr int kStagedValues = 65536;
constexpr int kMostStagedRows = 20 * kTileRows;

// Rows of a panel, if `channels` values of each are staged: whole tiles where they fit.
inline int rows_of_panel(int channels) {
    const int rows = min(kMostStagedRows, kStagedValues / channels);
    return rows >= kTileRows ? rows / kTileRows * kTileRows : max(1, rows);
}

// Where the partial sums of the block that begins at row `first` lie: one a block.
inline float* first_sums(float* partials, int, int channels) { return partials + (int64_t)blockIdx.x * 2 * channels; }

// A few rows at a time: each is read as a whole soon enough, and what a lane needs for its channels is loaded once for
// all.
template <class View>
inline void stage(float* target, const View& view, int first, int rows, int channels) {
    constexpr int kRowsAtOnce = 16;
    for (int begin = 0; begin < rows; begin += kRowsAtOnce) {
        const int end = min(begin + kRowsAtOnce, rows);
        for_lanes(channels, [=](int c, auto lane) {
            const auto column = view.column(c, lane);
            for (int r = begin; r < end; ++r) {
                lane.store(target + (int64_t)r * channels + c, column.load(first + r, lane));
            }
        });
    }
}

inline void pointwise_forward_block(float* y, float* partial, const InputView& x, const float* w, int rows, int in,
                                    int out) {
    if (!x.scale) {
        multiply<true>(y, out, {x.data, in, 1}, {w, out, 1}, rows, out, in);
    } else {
        alignas(64) float staged[kStagedValues];
        const int panel = rows_of_panel(in);
        for (int first = 0; first < rows; first += panel) {
            const int count = min(panel, rows - first);
            stage(staged, x, first, count, in);
            multiply<true>(y + (int64_t)first * out, out, {staged, in, 1}, {w, out, 1}, count, out, in);
        }
    }
    for_lanes(out, [&](int c, auto lane) { column_statistics(partial, y, rows, out, c, lane); });
}

inline void pointwise_backward_block(float* dx, float* weight_partial, float* sums, const GradientView& dy,
                                     const InputView& x, const Statistics& x_statistics, const float* w_transposed,
                                     int rows, int in, int out) {
    alignas(64) float staged[kStagedValues];
    const int panel = rows_of_panel(in + out);
    float* const gradients = staged;
    float* const inputs = staged + (int64_t)panel * out;
    for (int first = 0; first < rows; first += panel) {
        const int count = min(panel, rows - first);
        float* target = dx + (int64_t)first * in;
        stage(gradients, dy, first, count, out);
        multiply<true>(target, in, {gradients, out, 1}, {w_transposed, in, 1}, count, in, out);
        const float* columns = x.data + (int64_t)first * in;
        if (x.scale) {
            stage(inputs, x, first, count, in);
            columns = inputs;
        }
        multiply<false>(weight_partial, out, {columns, 1, in}, {gradients, out, 1}, in, out, count, RawResult{},
                        first > 0);
        if (!sums) continue;
        for_lanes(in, [&](int c, auto lane) {
            column_gradient_sums(sums, first == 0, target, x.data + (int64_t)first * in, count, in, x_statistics,
                                 x.rectify, c, lane);
        });
    }
}

}  // namespace
