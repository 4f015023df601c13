// Depthwise convolution (depthwise.cu) among batch norms, for training: raw results only are stored, batch norm and
// ReLU are applied where they are loaded.
//
//   forward   y = the convolution of f(x),  f(x) = ReLU(scale[c] * x + shift[c]), 0 beyond the picture's edges
//             and for the batch norm after it each slice's mean of y and sum of squared deviations (batch_norm.cu)
//   backward  in one pass, where g is the gradient of y, from that of what batch norm makes of it (no ReLU):
//             g  = a[c] * dy + b[c] * (y - mean[c]) + c[c],  batch_norm_backward_finalize's coefficients
//             dx = the gradient of scale * x + shift
//             dw = the gradient of the weights
//             and for the batch norm before it each slice's sums of dx and dx * (x - mean)
//
// x, y and their gradients are floats or bf16; sums are floats, and so are weights. Statistics of y are of what is
// stored, or on a GPU of the sums before they are rounded. Layouts: NHWC, w [K][K][C]. Statistics are
// batch_norm_finalize's table of the tensor; without those of x, x is taken as it is, and there are no sums. Launch:
// slices (device/slices.h) of rows_per_slice rows; forward those of y, N * (output height) in all, one partial [2][C]
// each; backward those of x, one partial [K][K][C] of the weights and one [2][C] each.
#include "device/batch_norm.h"
#include "device/block_sums.h"
#include "device/depthwise.h"

// Batch norm and ReLU.
struct NormalisedInput {
    Statistics statistics;

    struct OfLane {
        Lane scale, shift;
        __device__ __forceinline__ Lane operator()(Lane value) const { return relu(multiply_add(value, scale, shift)); }
    };

    template <class Access>
    __device__ __forceinline__ OfLane at(int c, Access lane) const {
        return {lane.load(statistics.scale + c), lane.load(statistics.shift + c)};
    }
};

// Results stay raw; their statistics follow.
struct CountedResult {
    RunningStatistics statistics;

    template <class Access>
    __device__ __forceinline__ Lane operator()(Lane value, int, Access) {
        statistics.add(value);
        return value;
    }
};

#if SPOS_HOST
#include "host/depthwise_backward.h"

template <int K, int S, class V, class Input>
__device__ __forceinline__ void forward_slice(V* y, float* partials, const V* x, const Input& input, const float* w,
                                              const DepthwiseShape& s, int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    const int rows = min(rows_per_slice, s.images * s.out_height - first);
    float* partial = partials + (int64_t)slice_index() * 2 * s.channels;
    forward<K, S>(y, x, w, s, rows_per_slice, input, RawResult{});
    // A lane's channels have been stored by its own thread, and are in its cache.
    for_lanes(s.channels, [&](int c, auto lane) {
        column_statistics(partial, 0, y + (int64_t)first * s.out_width * s.channels + c, s.channels, rows * s.out_width,
                          s.channels, c, lane);
    });
}

#else
#include "device/depthwise_backward.h"

template <int K, int S, class V, class Input>
__device__ __forceinline__ void forward_slice(V* y, float* partials, const V* x, const Input& input, const float* w,
                                              const DepthwiseShape& s, int rows_per_slice) {
    const RowRange of_thread = rows_of_thread(rows_per_slice, s.images * s.out_height);
    const int rows = of_thread.last - slice_index() * rows_per_slice;
    float* partial = partials + (int64_t)slice_index() * 2 * s.channels;
    for_channels_together(s.channels, [&](int c, auto lane) {
        CountedResult results;
        if constexpr (kIsStaged<K>) {
            staged_forward<K, S>(y, x, w, s, rows_per_slice, input, c, lane, results);
        } else {
            forward_channel<K, S>(y, x, w, s, of_thread, input, c, lane, results);
        }
        store_block_statistics(partial + c, results.statistics, rows, s.out_width, s.channels, lane);
    });
}

// dx at columns ix0 .. ix0+T-1 of one row, and what they add to the weights' gradient and to the sums; ix0 is a
// multiple of S.
template <bool Full, bool Normalised, int K, int S, int T, class V, class Access, class Taps>
__device__ __forceinline__ void backward_tile(BackwardLane<K, V>& l, const Taps& taps, const DepthwiseShape& s,
                                              int64_t image, int iy, int ix0, Access lane) {
    constexpr int P = K / 2;
    // First and last result of dy that can touch the tile, relative to ix0 / S.
    constexpr int first = -((K - 1 - P) / S);
    constexpr int last = (T - 1 + P) / S;
    const int64_t row = ((image * s.in_height + iy) * s.in_width + ix0) * s.channels;
    const V* x_tile = settled(l.x + row);
    V* dx_tile = settled(l.dx + row);
    // What the next row will read of x, and first read of dy and y; and write of dx, where that is faster.
    const int64_t below = ((image * s.out_height + (iy + P) / S + 1) * s.out_width + ix0 / S) * s.channels;
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        Lane::prefetch(l.x + row + (s.in_width + t) * s.channels);
        if (t >= T / S) continue;
        Lane::prefetch(l.dy + below + t * s.channels);
        Lane::prefetch(l.y + below + t * s.channels);
    }
    Lane input[T], sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        sum[t] = Lane(0.0f);
        input[t] = Lane(0.0f);
        if (Full || ix0 + t < s.in_width) {
            const Lane value = lane.load(x_tile + t * s.channels);
            input[t] = Normalised ? relu(multiply_add(value, l.scale, l.shift)) : value;
        }
    }
    // A GPU's registers take the whole gradient of the weights.
    SPOS_UNROLL_ON_GPU(K)
    for (int ky = 0; ky < K; ++ky) {
        const int scaled = iy + P - ky;
        if (scaled < 0 || scaled % S != 0 || scaled / S >= s.out_height) continue;
        const int64_t results = (image * s.out_height + scaled / S) * s.out_width * s.channels;
        const V *dy_row = settled(l.dy + results), *y_row = settled(l.y + results);
        Lane* weights = l.weights + ky * K;
        SPOS_UNROLL for (int j = first; j <= last; ++j) {
            const int ox = ix0 / S + j;
            const bool padding = (!(Full && j >= 0) && ox < 0) || (!(Full && j < T / S) && ox >= s.out_width);
            const RowOffset at =
                (RowOffset)readable(ox, !(Full && j >= 0), !(Full && j < T / S), s.out_width) * s.channels;
            Lane g = multiply_add(lane.load(dy_row + at), l.a, multiply_add(lane.load(y_row + at), l.b, l.constant));
            if (padding) g = Lane(0.0f);
            SPOS_UNROLL for (int t = 0; t < T; ++t) {
                const int kx = t + P - j * S;
                if (kx < 0 || kx >= K) continue;
                sum[t] = multiply_add(g, taps.at(ky, kx, lane), sum[t]);
                weights[kx] = multiply_add(g, input[t], weights[kx]);
            }
        }
    }
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (!Full && ix0 + t >= s.in_width) continue;
        if (Normalised) {
            sum[t] = where_positive(input[t], sum[t]);
            l.sums[0] += sum[t];
            l.sums[1] = multiply_add(sum[t], lane.load(x_tile + t * s.channels) - l.mean, l.sums[1]);
        }
        lane.store(dx_tile + t * s.channels, sum[t]);
    }
}

template <bool Normalised, int K, int S, int T, class V, class Access, class Taps>
__device__ __forceinline__ void backward_rows(BackwardLane<K, V>& l, const Taps& taps, const DepthwiseShape& s,
                                              const RowRange& rows, Access lane) {
    for (int r = rows.first; r < rows.last; r += rows.step) {
        const int n = r / s.in_height, iy = r % s.in_height;
        for (int ix = 0; ix < s.in_width; ix += T) {
            if (kAlwaysFull<S, T> || ix + T <= s.in_width) {
                backward_tile<true, Normalised, K, S, T>(l, taps, s, n, iy, ix, lane);
            } else {
                backward_tile<false, Normalised, K, S, T>(l, taps, s, n, iy, ix, lane);
            }
        }
    }
}

// Where a block's threads exchange K sums each: where inputs were, if there were any.
template <int K, int S, class V>
__device__ __forceinline__ float* shared_sums() {
    if constexpr (kIsStaged<K>) {
        return staged_gradient<K, S, V>();
    } else {
        SPOS_SHARED(float, sums, K* kMostThreads);
        return sums;
    }
}

template <bool Normalised, int K, int S, int T, class V>
__device__ __forceinline__ void backward_slice(const BackwardTensors<V>& t, const DepthwiseShape& s,
                                               int rows_per_slice) {
    const RowRange rows = rows_of_thread(rows_per_slice, s.images * s.in_height);
    for_channels_together(s.channels, [&](int c, auto lane) {
        BackwardLane<K, V> l;
        l.dy = t.dy + c;
        l.y = t.y + c;
        l.x = t.x + c;
        l.dx = t.dx + c;
        l.a = lane.load(t.coefficients + c);
        l.b = lane.load(t.coefficients + s.channels + c);
        l.constant = lane.load(t.coefficients + 2 * s.channels + c) -
                     l.b * lane.load(statistics_at(t.y_statistics, s.channels).mean + c);
        l.scale = l.shift = l.mean = Lane(0.0f);
        if (Normalised) {
            const Statistics x = statistics_at(t.x_statistics, s.channels);
            l.scale = lane.load(x.scale + c);
            l.shift = lane.load(x.shift + c);
            l.mean = lane.load(x.mean + c);
        }
        l.sums[0] = l.sums[1] = Lane(0.0f);
        SPOS_UNROLL for (int k = 0; k < K * K; ++k) l.weights[k] = Lane(0.0f);
        if constexpr (kIsStaged<K>) {
            staged_backward<Normalised, K, S>(l, t, c, s, rows_per_slice, lane);
        } else {
            backward_rows<Normalised, K, S, T>(l, RegisterTaps<K>(t.w + c, s.channels, lane), s, rows, lane);
        }
        float* shared = shared_sums<K, S, V>();
        const int slice = not_ahead(slice_index());
        float* weights = t.weight_partials + (int64_t)slice * K * K * s.channels + c;
        SPOS_UNROLL for (int ky = 0; ky < K; ++ky) {
            store_block_sums_through<K>(shared, weights + (int64_t)ky * K * s.channels, l.weights + ky * K, s.channels,
                                        lane);
        }
        if (Normalised) {
            float* sums = t.sum_partials + (int64_t)slice * 2 * s.channels + c;
            store_block_sums_through<2>(shared, sums, l.sums, s.channels, lane);
        }
    });
}

template <bool Normalised, int K, int S, class V>
__device__ __forceinline__ void backward(const BackwardTensors<V>& t, const DepthwiseShape& s, int rows_per_slice) {
    with_narrow_tile<S>(
        s.in_width, [&](auto tile) { backward_slice<Normalised, K, S, decltype(tile)::value>(t, s, rows_per_slice); });
}

#endif

#define SPOS_DEPTHWISE_FUSED(K, S, T)                                                                               \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                         \
              flops(2 * images * out_height * out_width * channels * K * K))                                        \
    SPOS_KERNEL depthwise_fused_forward_k##K##_s##S##_##T(                                                          \
        SPOS_OUT(images, out_height, out_width, channels) T* y,                                                     \
        SPOS_OUT(ceil_div(product(images, out_height), rows_per_slice), 2, channels, uncounted) float* partials,    \
        SPOS_IN(images, in_height, in_width, channels) const T* x,                                                  \
        SPOS_IN(4, channels, uncounted, or_null) const float* x_statistics, SPOS_IN(K, K, channels) const float* w, \
        int images, int in_height, int in_width, int out_height, int out_width, int channels, int rows_per_slice) { \
        const DepthwiseShape s{images, in_height, in_width, out_height, out_width, channels};                       \
        if (x_statistics) {                                                                                         \
            forward_slice<K, S>(y, partials, x, NormalisedInput{statistics_at(x_statistics, channels)}, w, s,       \
                                rows_per_slice);                                                                    \
        } else {                                                                                                    \
            forward_slice<K, S>(y, partials, x, RawInput{}, w, s, rows_per_slice);                                  \
        }                                                                                                           \
    }                                                                                                               \
    SPOS_EXPORT(depthwise_fused_forward_k##K##_s##S##_##T)                                                          \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                         \
              flops(4 * images * out_height * out_width * channels * K * K))                                        \
    SPOS_KERNEL depthwise_fused_backward_k##K##_s##S##_##T(                                                         \
        SPOS_OUT(images, in_height, in_width, channels) T* dx,                                                      \
        SPOS_OUT(ceil_div(product(images, in_height), rows_per_slice), K, K, channels,                              \
                 counted(K, K, channels)) float* weight_partials,                                                   \
        SPOS_OUT(ceil_div(product(images, in_height), rows_per_slice), 2, channels, uncounted,                      \
                 or_null) float* sum_partials,                                                                      \
        SPOS_IN(images, out_height, out_width, channels) const T* dy,                                               \
        SPOS_IN(images, out_height, out_width, channels) const T* y,                                                \
        SPOS_IN(4, channels, uncounted) const float* y_statistics,                                                  \
        SPOS_IN(3, channels, uncounted) const float* coefficients,                                                  \
        SPOS_IN(images, in_height, in_width, channels) const T* x,                                                  \
        SPOS_IN(4, channels, uncounted, or_null) const float* x_statistics, SPOS_IN(K, K, channels) const float* w, \
        int images, int in_height, int in_width, int out_height, int out_width, int channels, int rows_per_slice) { \
        const BackwardTensors<T> t{                                                                                 \
            dx, weight_partials, sum_partials, dy, y, y_statistics, coefficients, x, x_statistics, w};              \
        const DepthwiseShape s{images, in_height, in_width, out_height, out_width, channels};                       \
        if (x_statistics) {                                                                                         \
            backward<true, K, S>(t, s, rows_per_slice);                                                             \
        } else {                                                                                                    \
            backward<false, K, S>(t, s, rows_per_slice);                                                            \
        }                                                                                                           \
    }                                                                                                               \
    SPOS_EXPORT(depthwise_fused_backward_k##K##_s##S##_##T)

SPOS_DEPTHWISE_FUSED(3, 1, f32)
SPOS_DEPTHWISE_FUSED(3, 2, f32)
SPOS_DEPTHWISE_FUSED(5, 1, f32)
SPOS_DEPTHWISE_FUSED(5, 2, f32)
SPOS_DEPTHWISE_FUSED(7, 1, f32)
SPOS_DEPTHWISE_FUSED(7, 2, f32)
SPOS_DEPTHWISE_FUSED(3, 1, bf16)
SPOS_DEPTHWISE_FUSED(3, 2, bf16)
SPOS_DEPTHWISE_FUSED(5, 1, bf16)
SPOS_DEPTHWISE_FUSED(5, 2, bf16)
SPOS_DEPTHWISE_FUSED(7, 1, bf16)
SPOS_DEPTHWISE_FUSED(7, 2, bf16)
