// The fused pointwise convolution for a CPU thread: rows go panel by panel through a buffer that stays in the cache,
// where they lie as they become on load, for all the products that need them. What the next panel is made of is
// fetched meanwhile.
#pragma once
#include "device/batch_norm.h"
#include "host/gemm_bf16.h"

namespace {

// Values of a type that the buffer holds: a quarter of a second-level cache of 1 MB.
template <class V>
constexpr int kStagedValues = 262144 / sizeof(V);
constexpr int kMostStagedRows = 20 * kTileRows;

// What nobody has fetched yet.
constexpr int kMostRowsAtFirst = 4 * kTileRows;

// The panels of a block's rows, of which `channels` values each are staged: whole tiles where they fit. The first of
// several is small, since it has to wait for memory.
class Panels {
 public:
    Panels(int rows, int channels, int staged_values) : rows_(rows), most_(most_rows(channels, staged_values)) {
        count_ = rows <= most_ ? rows : min(most_, kMostRowsAtFirst);
    }

    bool is_end() const { return first_ >= rows_; }
    int first() const { return first_; }
    int count() const { return count_; }
    int after() const { return first_ + count_; }
    int count_after() const { return min(most_, rows_ - after()); }

    void advance() {
        first_ = after();
        count_ = min(most_, rows_ - first_);
    }

 private:
    static int most_rows(int channels, int staged_values) {
        const int rows = min(kMostStagedRows, staged_values / channels);
        return rows >= kTileRows ? rows / kTileRows * kTileRows : max(1, rows);
    }

    int rows_, most_, first_ = 0, count_;
};

// Where the partial sums of a block lie.
inline float* block_sums(float* partials, int channels) { return partials + (int64_t)blockIdx.x * 2 * channels; }

// A few rows at a time: each is read as a whole soon enough, and what a lane needs for its channels is loaded once for
// all.
template <class V, class View>
inline void stage(V* target, const View& view, int first, int rows, int channels) {
    constexpr int kRowsAtOnce = 4;
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

// The same as pairs of rows, the first of two in the lower half: [rows / 2, rounded up][channels].
template <class View>
inline void stage_pairs(uint32_t* target, const View& view, int first, int rows, int channels) {
    constexpr int kPairsAtOnce = 2;
    const int pairs = (rows + 1) / 2;
    for (int begin = 0; begin < pairs; begin += kPairsAtOnce) {
        const int end = min(begin + kPairsAtOnce, pairs);
        for_lanes(channels, [=](int c, auto lane) {
            const auto column = view.column(c, lane);
            for (int p = begin; p < end; ++p) {
                const Lane even = column.load(first + 2 * p, lane);
                const Lane odd = 2 * p + 1 < rows ? column.load(first + 2 * p + 1, lane) : Lane(0.0f);
                lane.store((float*)(target + (int64_t)p * channels + c), Lane((Lane::Vector)pairs_of(even, odd)));
            }
        });
    }
}

// Rows of x as they become on load: where they are, or staged in the buffer.
template <class V>
inline const V* loaded_rows(V* buffer, const InputView<V>& x, int first, int rows) {
    if (!x.scale) return x.data + (int64_t)first * x.channels;
    stage(buffer, x, first, rows, x.channels);
    return buffer;
}

template <class V>
inline void fetch(FetchAhead& ahead, const InputView<V>& x, int first, int rows) {
    ahead.add(x.data + (int64_t)first * x.channels, rows, x.channels, x.channels);
}

template <class V>
inline void fetch(FetchAhead& ahead, const GradientView<V>& view, int first, int rows) {
    const int channels = view.factors.channels;
    ahead.add(view.dy + (int64_t)first * channels, rows, channels, channels);
    ahead.add(view.y + (int64_t)first * channels, rows, channels, channels);
}

// The product of a panel's rows [rows][depth] with weights [depth][columns], and `ahead` meanwhile.
inline void multiply_panel_rows(float* c, const float* a, const float* w, int rows, int columns, int depth,
                                FetchAhead* ahead) {
    multiply<true>(c, columns, {a, depth, 1}, {w, columns, 1}, rows, columns, depth, RawResult{}, false, ahead);
}
inline void multiply_panel_rows(Bf16* c, const Bf16* a, const float* w, int rows, int columns, int depth,
                                FetchAhead* ahead) {
    multiply_bf16(c, columns, {a, depth, 1}, {w, columns, 1}, rows, columns, depth, RawResult{}, ahead);
}

// What a panel adds to the gradient of the weights [in][out], or begins it with: of the input's rows as they become on
// load, and of the gradients, [rows][out].
inline void add_panel_weights(float* partial, float* buffer, const InputView<float>& x, int first,
                              const float* gradients, int rows, int out, FetchAhead* ahead) {
    const int in = x.channels;
    const float* columns = loaded_rows(buffer, x, first, rows);
    multiply<false>(partial, out, {columns, 1, in}, {gradients, out, 1}, in, out, rows, RawResult{}, first > 0, ahead);
}
inline void add_panel_weights(float* partial, Bf16* buffer, const InputView<Bf16>& x, int first, const Bf16* gradients,
                              int rows, int out, FetchAhead* ahead) {
    uint32_t* const pairs = (uint32_t*)buffer;
    stage_pairs(pairs, x, first, rows, x.channels);
    multiply_deep_pairs(partial, pairs, gradients, x.channels, out, rows, first > 0, ahead);
}

template <class V>
inline void pointwise_forward_block(V* y, float* partial, const InputView<V>& x, const float* w, int rows, int in,
                                    int out) {
    if (!x.scale && in <= kPanelWidth) {
        // The CPU's own prefetcher follows rows as short as these.
        multiply_panel_rows(y, x.data, w, rows, out, in, nullptr);
    } else {
        alignas(64) V staged[kStagedValues<V>];
        for (Panels panel(rows, in, kStagedValues<V>); !panel.is_end(); panel.advance()) {
            const int first = panel.first(), count = panel.count();
            FetchAhead ahead(tiles_of(count, out, in));
            fetch(ahead, x, panel.after(), panel.count_after());
            multiply_panel_rows(y + (int64_t)first * out, loaded_rows(staged, x, first, count), w, count, out, in,
                                &ahead);
        }
    }
    for_lanes(out, [&](int c, auto lane) { column_statistics(partial, 0, y + c, out, rows, out, c, lane); });
}

// `dy`: the gradients of the results, which can be staged.
template <class V, class Gradients>
inline void pointwise_backward_block(V* dx, float* weight_partial, float* sums, const Gradients& dy,
                                     const InputView<V>& x, const Statistics& x_statistics, const float* w_transposed,
                                     int rows, int in, int out) {
    // Inputs and then gradients. Pairs of an odd number of rows take a row more, which has kMostPairedTerms values at
    // most.
    constexpr int kAnotherRow = sizeof(V) < sizeof(float) ? kMostPairedTerms : 0;
    alignas(64) V staged[kStagedValues<V> + kAnotherRow];
    for (Panels panel(rows, in + out, kStagedValues<V>); !panel.is_end(); panel.advance()) {
        const int first = panel.first(), count = panel.count();
        V* const inputs = staged;
        V* const gradients = staged + (int64_t)(kAnotherRow > 0 ? (count + 1) / 2 * 2 : count) * in;
        FetchAhead ahead(tiles_of(count, in, out) + tiles_of(in, out, count));
        fetch(ahead, dy, panel.after(), panel.count_after());
        fetch(ahead, x, panel.after(), panel.count_after());
        V* target = dx + (int64_t)first * in;
        stage(gradients, dy, first, count, out);
        multiply_panel_rows(target, gradients, w_transposed, count, in, out, &ahead);
        add_panel_weights(weight_partial, inputs, x, first, gradients, count, out, &ahead);
        if (!sums) continue;
        for_lanes(in, [&](int c, auto lane) {
            column_gradient_sums(sums, first == 0, target, x.data + (int64_t)first * in, count, in, x_statistics,
                                 x.rectify, c, lane);
        });
    }
}

template <class V>
inline void pointwise_forward(V* y, float* partials, const InputView<V>& x, const float* w, int rows, int in, int out,
                              int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    pointwise_forward_block(y + (int64_t)first * out, block_sums(partials, out), x.from_row(first), w,
                            min(rows_per_block, rows - first), in, out);
}

// The block's rows of the whole; those of a block and those of a chunk are the same.
template <class V, class Gradients>
inline void pointwise_backward(V* dx, float* weight_partials, float* sum_partials, const Gradients& dy,
                               const InputView<V>& x, const Statistics& x_statistics, const float* w_transposed,
                               int rows, int in, int out, int rows_per_block, int) {
    const int first = (int)blockIdx.x * rows_per_block;
    pointwise_backward_block(dx + (int64_t)first * in, weight_partials + (int64_t)blockIdx.x * in * out,
                             sum_partials ? block_sums(sum_partials, in) : nullptr, dy.from_row(first),
                             x.from_row(first), x_statistics, w_transposed, min(rows_per_block, rows - first), in, out);
}

}  // namespace
