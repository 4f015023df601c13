// The fused pointwise convolution for a CPU thread: rows go panel by panel through a buffer that stays in the cache,
// where they lie as they become on load, for all the products that need them. What the next panel is made of is
// fetched meanwhile.
#pragma once
#include "device/batch_norm.h"
#include "host/gemm.h"

namespace {

constexpr int kStagedValues = 65536;
constexpr int kMostStagedRows = 20 * kTileRows;

// What nobody has fetched yet.
constexpr int kMostRowsAtFirst = 4 * kTileRows;

// The panels of a block's rows, of which `channels` values each are staged: whole tiles where they fit. The first of
// several is small, since it has to wait for memory.
class Panels {
 public:
    Panels(int rows, int channels) : rows_(rows), most_(most_rows(channels)) {
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
    static int most_rows(int channels) {
        const int rows = min(kMostStagedRows, kStagedValues / channels);
        return rows >= kTileRows ? rows / kTileRows * kTileRows : max(1, rows);
    }

    int rows_, most_, first_ = 0, count_;
};

// Where the partial sums of a block lie.
inline float* block_sums(float* partials, int channels) { return partials + (int64_t)blockIdx.x * 2 * channels; }

// A few rows at a time: each is read as a whole soon enough, and what a lane needs for its channels is loaded once for
// all.
template <class View>
inline void stage(float* target, const View& view, int first, int rows, int channels) {
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

// Rows of x as they become on load: where they are, or staged in the buffer.
inline const float* loaded_rows(float* buffer, const InputView& x, int first, int rows) {
    if (!x.scale) return x.data + (int64_t)first * x.channels;
    stage(buffer, x, first, rows, x.channels);
    return buffer;
}

inline void fetch(FetchAhead& ahead, const InputView& x, int first, int rows) {
    ahead.add(x.data + (int64_t)first * x.channels, rows, x.channels, x.channels);
}

inline void fetch(FetchAhead& ahead, const GradientView& view, int first, int rows) {
    const int channels = view.factors.channels;
    ahead.add(view.dy + (int64_t)first * channels, rows, channels, channels);
    ahead.add(view.y + (int64_t)first * channels, rows, channels, channels);
}

inline void pointwise_forward_block(float* y, float* partial, const InputView& x, const float* w, int rows, int in,
                                    int out) {
    if (!x.scale && in <= kPanelWidth) {
        // The CPU's own prefetcher follows rows as short as these.
        multiply<true>(y, out, {x.data, in, 1}, {w, out, 1}, rows, out, in);
    } else {
        alignas(64) float staged[kStagedValues];
        for (Panels panel(rows, in); !panel.is_end(); panel.advance()) {
            const int first = panel.first(), count = panel.count();
            FetchAhead ahead(tiles_of(count, out, in));
            fetch(ahead, x, panel.after(), panel.count_after());
            const float* columns = loaded_rows(staged, x, first, count);
            multiply<true>(y + (int64_t)first * out, out, {columns, in, 1}, {w, out, 1}, count, out, in, RawResult{},
                           false, &ahead);
        }
    }
    for_lanes(out, [&](int c, auto lane) { column_statistics(partial, 0, y + c, out, rows, out, c, lane); });
}

// `dy`: the gradients of the results, which can be staged.
template <class Gradients>
inline void pointwise_backward_block(float* dx, float* weight_partial, float* sums, const Gradients& dy,
                                     const InputView& x, const Statistics& x_statistics, const float* w_transposed,
                                     int rows, int in, int out) {
    alignas(64) float staged[kStagedValues];
    for (Panels panel(rows, in + out); !panel.is_end(); panel.advance()) {
        const int first = panel.first(), count = panel.count();
        float* const gradients = staged;
        float* const inputs = staged + (int64_t)count * out;
        FetchAhead ahead(tiles_of(count, in, out) + tiles_of(in, out, count));
        fetch(ahead, dy, panel.after(), panel.count_after());
        fetch(ahead, x, panel.after(), panel.count_after());
        float* target = dx + (int64_t)first * in;
        stage(gradients, dy, first, count, out);
        multiply<true>(target, in, {gradients, out, 1}, {w_transposed, in, 1}, count, in, out, RawResult{}, false,
                       &ahead);
        const float* columns = loaded_rows(inputs, x, first, count);
        multiply<false>(weight_partial, out, {columns, 1, in}, {gradients, out, 1}, in, out, count, RawResult{},
                        first > 0, &ahead);
        if (!sums) continue;
        for_lanes(in, [&](int c, auto lane) {
            column_gradient_sums(sums, first == 0, target, x.data + (int64_t)first * in, count, in, x_statistics,
                                 x.rectify, c, lane);
        });
    }
}

inline void pointwise_forward(float* y, float* partials, const InputView& x, const float* w, int rows, int in, int out,
                              int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    pointwise_forward_block(y + (int64_t)first * out, block_sums(partials, out), x.from_row(first), w,
                            min(rows_per_block, rows - first), in, out);
}

// The block's rows of the whole; those of a block and those of a chunk are the same.
template <class Gradients>
inline void pointwise_backward(float* dx, float* weight_partials, float* sum_partials, const Gradients& dy,
                               const InputView& x, const Statistics& x_statistics, const float* w_transposed, int rows,
                               int in, int out, int rows_per_block, int) {
    const int first = (int)blockIdx.x * rows_per_block;
    pointwise_backward_block(dx + (int64_t)first * in, weight_partials + (int64_t)blockIdx.x * in * out,
                             sum_partials ? block_sums(sum_partials, in) : nullptr, dy.from_row(first),
                             x.from_row(first), x_statistics, w_transposed, min(rows_per_block, rows - first), in, out);
}

}  // namespace
