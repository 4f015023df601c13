// The fused depthwise backward pass (depthwise_fused.cu) for the CPU: a slice is walked lane by lane, the gradient of
// the weights stays in the first-level cache.
#pragma once
#include "device/batch_norm.h"
#include "device/depthwise.h"

namespace {

// One lane of channels of the tensors around the backward pass.
template <int K, class V>
struct BackwardLane {
    const V *dy, *y, *x;
    V* dx;
    Lane a, b, constant;      // g = a * dy + b * y + constant
    Lane scale, shift, mean;  // of x
    Lane taps[K * K];
    Lane weights[K * K];  // the weights' gradient so far
    Lane sum, products;   // of dx
};

// Columns of x whose gradients are made together, a multiple of each tile's width.
constexpr int kStripColumns = 224;

// A lane's gradients g of the rows of y that a row of x touches, below a strip of x: each is computed once. Zeros stand
// beyond the picture's edges.
template <int K, int S>
class GradientRows {
 public:
    // First result of y that touches a tile, relative to the tile's first column / S.
    static constexpr int kFirst = -((K - 1 - K / 2) / S);

    // Tiles of T from column ix0 of x on.
    GradientRows(const DepthwiseShape& s, int ix0, int tiles, int T)
        : s_(s), first_(ix0 / S + kFirst), columns_((tiles * T - 1 + K / 2) / S - kFirst + 1) {
        begin_ = max(0, -first_);
        end_ = min(columns_, s.out_width - first_);
        for (int r = 0; r < kRows; ++r) {
            for (int j = 0; j < begin_; ++j) values_[r * columns_ + j] = Lane(0.0f);
            for (int j = max(0, end_); j < columns_; ++j) values_[r * columns_ + j] = Lane(0.0f);
        }
    }

    // Those that row iy of x touches are there from now on. Rows of an image come one after the other.
    template <class V, class Access>
    void advance(const BackwardLane<K, V>& l, int image, int iy, Access lane) {
        if (image != image_) next_ = max(0, iy + K / 2 - K + 1) / S;
        image_ = image;
        for (; next_ < s_.out_height && next_ * S <= iy + K / 2; ++next_) {
            const int64_t row = (((int64_t)image * s_.out_height + next_) * s_.out_width + first_) * s_.channels;
            const int64_t below = (int64_t)s_.out_width * s_.channels;
            Lane* const values = values_ + next_ % kRows * columns_;
            for (int j = begin_; j < end_; ++j) {
                const int64_t at = row + (int64_t)j * s_.channels;
                Lane::prefetch(l.dy + at + below);
                Lane::prefetch(l.y + at + below);
                values[j] = multiply_add(lane.load(l.dy + at), l.a, multiply_add(lane.load(l.y + at), l.b, l.constant));
            }
        }
    }

    // Row oy, from the first column on.
    const Lane* row(int oy) const { return values_ + oy % kRows * columns_; }

 private:
    static constexpr int kRows = (K - 1) / S + 1;

    const DepthwiseShape& s_;
    int first_, columns_, begin_, end_, image_ = -1, next_ = 0;
    Lane values_[kRows * (kStripColumns / S + K)];
};

// dx at columns ix0 .. ix0+T-1 of one row, and what they add to the weights' gradient and to the sums; `column` is
// that of the gradients at which the tile begins.
template <bool Full, bool Normalised, int K, int S, int T, class V, class Access>
__device__ __forceinline__ void backward_tile(BackwardLane<K, V>& l, const GradientRows<K, S>& gradients, int column,
                                              const DepthwiseShape& s, int64_t image, int iy, int ix0, Access lane) {
    constexpr int P = K / 2;
    constexpr int first = GradientRows<K, S>::kFirst;
    constexpr int last = (T - 1 + P) / S;
    const int64_t row = ((image * s.in_height + iy) * s.in_width + ix0) * s.channels;
    // What the next row will read of x; and write of dx, where that is faster.
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        Lane::prefetch(l.x + row + (s.in_width + t) * s.channels);
        if (K > 3) Lane::prefetch(l.dx + row + (s.in_width + t) * s.channels);
    }
    Lane input[T], sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        sum[t] = Lane(0.0f);
        input[t] = Lane(0.0f);
        if (Full || ix0 + t < s.in_width) {
            const Lane value = lane.load(l.x + row + t * s.channels);
            input[t] = Normalised ? relu(multiply_add(value, l.scale, l.shift)) : value;
        }
    }
    for (int ky = 0; ky < K; ++ky) {
        const int scaled = iy + P - ky;
        if (scaled < 0 || scaled % S != 0 || scaled / S >= s.out_height) continue;
        const Lane* const touched = gradients.row(scaled / S) + column;
        const Lane* const taps = l.taps + ky * K;
        Lane weights[K];
        SPOS_UNROLL for (int kx = 0; kx < K; ++kx) weights[kx] = l.weights[ky * K + kx];
        SPOS_UNROLL for (int j = first; j <= last; ++j) {
            const Lane g = touched[j - first];
            SPOS_UNROLL for (int t = 0; t < T; ++t) {
                const int kx = t + P - j * S;
                if (kx < 0 || kx >= K) continue;
                sum[t] = multiply_add(g, taps[kx], sum[t]);
                weights[kx] = multiply_add(g, input[t], weights[kx]);
            }
        }
        SPOS_UNROLL for (int kx = 0; kx < K; ++kx) l.weights[ky * K + kx] = weights[kx];
    }
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (!Full && ix0 + t >= s.in_width) continue;
        if (Normalised) {
            sum[t] = where_positive(input[t], sum[t]);
            l.sum += sum[t];
            l.products = multiply_add(sum[t], lane.load(l.x + row + t * s.channels) - l.mean, l.products);
        }
        lane.store(l.dx + row + t * s.channels, sum[t]);
    }
}

template <class V>
struct BackwardTensors {
    V* dx;
    float *weight_partials, *sum_partials;
    const V *dy, *y;
    const float *y_statistics, *coefficients;
    const V* x;
    const float *x_statistics, *w;
};

template <bool Normalised, int K, int S, int T, class V>
__device__ __forceinline__ void backward_rows(const BackwardTensors<V>& t, const DepthwiseShape& s,
                                              int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    if (first >= s.images * s.in_height) return;
    const int last = min(first + rows_per_slice, s.images * s.in_height);
    for_lanes(s.channels, [&](int c, auto lane) {
        BackwardLane<K, V> l;
        l.dy = t.dy + c;
        l.y = t.y + c;
        l.x = t.x + c;
        l.dx = t.dx + c;
        l.a = lane.load(t.coefficients + c);
        l.b = lane.load(t.coefficients + s.channels + c);
        l.constant = lane.load(t.coefficients + 2 * s.channels + c) -
                     l.b * lane.load(statistics_at(t.y_statistics, s.channels).mean + c);
        if (Normalised) {
            const Statistics x = statistics_at(t.x_statistics, s.channels);
            l.scale = lane.load(x.scale + c);
            l.shift = lane.load(x.shift + c);
            l.mean = lane.load(x.mean + c);
        }
        l.sum = l.products = Lane(0.0f);
        SPOS_UNROLL for (int k = 0; k < K * K; ++k) l.weights[k] = Lane(0.0f);
        SPOS_UNROLL for (int k = 0; k < K * K; ++k) l.taps[k] = lane.load(t.w + (int64_t)k * s.channels + c);
        for (int strip = 0; strip < s.in_width; strip += kStripColumns) {
            const int end = min(strip + kStripColumns, s.in_width);
            GradientRows<K, S> gradients(s, strip, (end - strip + T - 1) / T, T);
            for (int r = first; r < last; ++r) {
                const int n = r / s.in_height, iy = r % s.in_height;
                gradients.advance(l, n, iy, lane);
                for (int ix = strip; ix < end; ix += T) {
                    const int column = (ix - strip) / S;
                    if (ix + T <= s.in_width) {
                        backward_tile<true, Normalised, K, S, T>(l, gradients, column, s, n, iy, ix, lane);
                    } else {
                        backward_tile<false, Normalised, K, S, T>(l, gradients, column, s, n, iy, ix, lane);
                    }
                }
            }
        }
        float* weights = t.weight_partials + (int64_t)slice_index() * K * K * s.channels + c;
        SPOS_UNROLL for (int k = 0; k < K * K; ++k) lane.store(weights + (int64_t)k * s.channels, l.weights[k]);
        if (Normalised) {
            float* sums = t.sum_partials + (int64_t)slice_index() * 2 * s.channels + c;
            lane.store(sums, l.sum);
            lane.store(sums + s.channels, l.products);
        }
    });
}

template <bool Normalised, int K, int S, class V>
__device__ __forceinline__ void backward(const BackwardTensors<V>& t, const DepthwiseShape& s, int rows_per_slice) {
    if constexpr (S == 1) {
        with_tile_width(s.in_width, [&](auto tile) {
            backward_rows<Normalised, K, S, decltype(tile)::value>(t, s, rows_per_slice);
        });
    } else if (s.in_width > 2) {
        // Tiles begin at multiples of the stride.
        backward_rows<Normalised, K, S, 4>(t, s, rows_per_slice);
    } else {
        backward_rows<Normalised, K, S, 2>(t, s, rows_per_slice);
    }
}

}  // namespace
