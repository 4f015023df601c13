// The pointwise convolution that ends a branch, for a CPU thread: a panel's results, and the gradients of them, are
// sorted between the cache and where they are kept.
#pragma once
#include "host/places.h"
#include "host/pointwise_fused.h"

namespace {

template <class V>
struct PlacedGradients {
    PlacedRows<const V> dy, y;
    GradientFactors factors;

    PlacedGradients from_row(int row) const { return {dy.from_row(row), y.from_row(row), factors}; }
};

template <class V>
inline void stage(V* target, const PlacedGradients<V>& gradients, int first, int rows, int channels) {
    V dy[kSortedRows * kMostPlaced + PlacedRows<V>::kSlack], y[kSortedRows * kMostPlaced + PlacedRows<V>::kSlack];
    for (int begin = 0; begin < rows; begin += kSortedRows) {
        const int count = min(kSortedRows, rows - begin);
        gradients.dy.get(first + begin, count, dy);
        gradients.y.get(first + begin, count, y);
        stage(target + (int64_t)begin * channels, GradientView<V>{dy, y, gradients.factors}, 0, count, channels);
    }
}

template <class V>
inline void fetch(FetchAhead& ahead, const PlacedGradients<V>& gradients, int first, int rows) {
    gradients.dy.fetch(ahead, first, rows);
    gradients.y.fetch(ahead, first, rows);
}

template <class V>
inline void placed_forward_block(const PlacedRows<V>& y, float* partial, const InputView<V>& x, const float* w,
                                 int rows, int in, int out) {
    alignas(64) V staged[kStagedValues<V> + PlacedRows<V>::kSlack];
    for (Panels panel(rows, in + out, kStagedValues<V>); !panel.is_end(); panel.advance()) {
        const int first = panel.first(), count = panel.count();
        V* const inputs = staged;
        V* const results = staged + (int64_t)count * in;
        FetchAhead ahead(tiles_of(count, out, in));
        fetch(ahead, x, panel.after(), panel.count_after());
        y.fetch(ahead, first, count);
        multiply_panel_rows(results, loaded_rows(inputs, x, first, count), w, count, out, in, &ahead);
        for_lanes(out,
                  [&](int c, auto lane) { column_statistics(partial, first, results + c, out, count, out, c, lane); });
        for (int r = 0; r < count; r += kSortedRows) {
            y.put(first + r, min(kSortedRows, count - r), results + (int64_t)r * out);
        }
    }
}

template <class V>
inline void placed_forward(const PlacedRows<V>& y, float* partials, const InputView<V>& x, const float* w, int rows,
                           int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    placed_forward_block(y.from_row(first), block_sums(partials, out), x.from_row(first), w,
                         min(rows_per_block, rows - first), in, out);
}

}  // namespace
