// The pointwise convolution that ends a branch, for a CPU thread: a panel's results, and the gradients of them, are
// sorted between the cache and where they are kept.
#pragma once
#include "host/places.h"
#include "host/pointwise_fused.h"

namespace {

struct PlacedGradients {
    PlacedRows<const float> dy, y;
    GradientFactors factors;

    PlacedGradients from_row(int row) const { return {dy.from_row(row), y.from_row(row), factors}; }
};

inline void stage(float* target, const PlacedGradients& gradients, int first, int rows, int channels) {
    float dy[kSortedRows * kMostPlaced + PlacedRows<float>::kSlack];
    float y[kSortedRows * kMostPlaced + PlacedRows<float>::kSlack];
    for (int begin = 0; begin < rows; begin += kSortedRows) {
        const int count = min(kSortedRows, rows - begin);
        gradients.dy.get(first + begin, count, dy);
        gradients.y.get(first + begin, count, y);
        stage(target + (int64_t)begin * channels, GradientView{dy, y, gradients.factors}, 0, count, channels);
    }
}

inline void fetch(FetchAhead& ahead, const PlacedGradients& gradients, int first, int rows) {
    gradients.dy.fetch(ahead, first, rows);
    gradients.y.fetch(ahead, first, rows);
}

inline void placed_forward_block(const PlacedRows<float>& y, float* partial, const InputView& x, const float* w,
                                 int rows, int in, int out) {
    alignas(64) float staged[kStagedValues + PlacedRows<float>::kSlack];
    for (Panels panel(rows, in + out); !panel.is_end(); panel.advance()) {
        const int first = panel.first(), count = panel.count();
        float* const inputs = staged;
        float* const results = staged + (int64_t)count * in;
        FetchAhead ahead(tiles_of(count, out, in));
        fetch(ahead, x, panel.after(), panel.count_after());
        y.fetch(ahead, first, count);
        const float* columns = loaded_rows(inputs, x, first, count);
        multiply<true>(results, out, {columns, in, 1}, {w, out, 1}, count, out, in, RawResult{}, false, &ahead);
        for_lanes(out,
                  [&](int c, auto lane) { column_statistics(partial, first, results + c, out, count, out, c, lane); });
        for (int r = 0; r < count; r += kSortedRows) {
            y.put(first + r, min(kSortedRows, count - r), results + (int64_t)r * out);
        }
    }
}

inline void placed_forward(const PlacedRows<float>& y, float* partials, const InputView& x, const float* w, int rows,
                           int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    placed_forward_block(y.from_row(first), block_sums(partials, out), x.from_row(first), w,
                         min(rows_per_block, rows - first), in, out);
}

}  // namespace
