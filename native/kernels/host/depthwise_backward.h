// The fused depthwise backward pass (depthwise_fused.cu) for the CPU: a slice is walked lane by lane, the gradient of
// the weights stays in the first-level cache.
#pragma once
#include "device/batch_norm.h"
#include "device/depthwise.h"

namespace {

// One lane of channels of the tensors around the backward pass.
template <int K>
struct BackwardLane {
    const float *dy, *y, *x, *w;
    float* dx;
    Lane a, b, constant;      // g = a * dy + b * y + constant
    Lane scale, shift, mean;  // of x
    Lane weights[K * K];      // the weights' gradient so far
    Lane sum, products;       // of dx
};

// dx at columns ix0 .. ix0+T-1 of one row, and what they add to the weights' gradient and to the sums; ix0 is a
// multiple of S.
template <bool Full, bool Normalised, int K, int S, int T, class Access>
__device__ __forceinline__ void backward_tile(BackwardLane<K>& l, const DepthwiseShape& s, int64_t image, int iy,
                                              int ix0, Access lane) {
    constexpr int P = K / 2;
    // First and last result of dy that can touch the tile, relative to ix0 / S.
    constexpr int first = -((K - 1 - P) / S);
    constexpr int last = (T - 1 + P) / S;
    const int64_t row = ((image * s.in_height + iy) * s.in_width + ix0) * s.channels;
    // What the next row will read of x, and first read of dy and y; and write of dx, where that is faster.
    const int64_t below = ((image * s.out_height + (iy + P) / S + 1) * s.out_width + ix0 / S) * s.channels;
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        Lane::prefetch(l.x + row + (s.in_width + t) * s.channels);
        if (K > 3) Lane::prefetch(l.dx + row + (s.in_width + t) * s.channels);
        if (t >= T / S) continue;
        Lane::prefetch(l.dy + below + t * s.channels);
        Lane::prefetch(l.y + below + t * s.channels);
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
        const int64_t results = (image * s.out_height + scaled / S) * s.out_width;
        SPOS_UNROLL for (int j = first; j <= last; ++j) {
            const int ox = ix0 / S + j;
            if ((!(Full && j >= 0) && ox < 0) || (!(Full && j < T / S) && ox >= s.out_width)) continue;
            const int64_t at = (results + ox) * s.channels;
            const Lane g = multiply_add(lane.load(l.dy + at), l.a, multiply_add(lane.load(l.y + at), l.b, l.constant));
            SPOS_UNROLL for (int t = 0; t < T; ++t) {
                const int kx = t + P - j * S;
                if (kx < 0 || kx >= K) continue;
                sum[t] = multiply_add(g, lane.load(l.w + (ky * K + kx) * s.channels), sum[t]);
                l.weights[ky * K + kx] = multiply_add(g, input[t], l.weights[ky * K + kx]);
            }
        }
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

struct BackwardTensors {
    float *dx, *weight_partials, *sum_partials;
    const float *dy, *y, *y_statistics, *coefficients, *x, *x_statistics, *w;
};

template <bool Normalised, int K, int S, int T>
__device__ __forceinline__ void backward_rows(const BackwardTensors& t, const DepthwiseShape& s, int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    if (first >= s.images * s.in_height) return;
    const int last = min(first + rows_per_slice, s.images * s.in_height);
    for_lanes(s.channels, [&](int c, auto lane) {
        BackwardLane<K> l;
        l.dy = t.dy + c;
        l.y = t.y + c;
        l.x = t.x + c;
        l.w = t.w + c;
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
        for (int r = first; r < last; ++r) {
            const int n = r / s.in_height, iy = r % s.in_height;
            for (int ix = 0; ix < s.in_width; ix += T) {
                if (ix + T <= s.in_width) {
                    backward_tile<true, Normalised, K, S, T>(l, s, n, iy, ix, lane);
                } else {
                    backward_tile<false, Normalised, K, S, T>(l, s, n, iy, ix, lane);
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

template <bool Normalised, int K, int S>
__device__ __forceinline__ void backward(const BackwardTensors& t, const DepthwiseShape& s, int rows_per_slice) {
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
