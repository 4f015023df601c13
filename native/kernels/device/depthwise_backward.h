// The fused depthwise backward pass (depthwise_fused.cu) on a GPU, for 5 x 5 and 7 x 7: the gradient of y is made in
// shared memory (staged_rows.h), each value once, and a thread's registers hold all sums of the weights' gradient.
#pragma once
#include "device/block_sums.h"
#include "device/depthwise_staged.h"

namespace {

template <class V>
struct BackwardTensors {
    V* dx;
    float *weight_partials, *sum_partials;
    const V *dy, *y;
    const float *y_statistics, *coefficients;
    const V* x;
    const float *x_statistics, *w;
};

// One lane of channels of the tensors around the backward pass.
template <int K, class V>
struct BackwardLane {
    const V *dy, *y, *x;
    V* dx;
    Lane a, b, constant;      // g = a * dy + b * y + constant
    Lane scale, shift, mean;  // of x
    Lane weights[K * K];      // the weights' gradient so far
    Lane sums[2];             // of dx and of dx * (x - mean)
};

// What a thread makes of dx in a row: Tiles tiles of Width values, which are always there if Full. Tiles begin at
// multiples of the stride.
template <int S, int Width, int Tiles, bool Full>
struct BackwardWidth {
    static constexpr int kTile = Width;
    static constexpr int kTiles = Tiles;
    static constexpr bool kFull = Full;
    // Values of dx, and columns of dy beneath them.
    static constexpr int kValues = Width * Tiles;
    static constexpr int kBeneath = (kValues + S - 1) / S;
};

// Calls body with one that fills rows of the usual sizes.
template <int S, class Body>
__device__ __forceinline__ void with_backward_width(int width, Body&& body) {
    if constexpr (S == 1) {
        if (width % 14 == 0) return body(BackwardWidth<S, 7, 2, true>{});
        if (width % 7 == 0) return body(BackwardWidth<S, 7, 1, true>{});
        body(BackwardWidth<S, 4, 2, false>{});
    } else {
        if (width % 28 == 0) return body(BackwardWidth<S, 4, 7, true>{});
        body(BackwardWidth<S, 4, 4, false>{});
    }
}

// Columns of dy that touch a tile: from kFirst on, counted from the one beneath its first value.
template <int K, int S>
struct Reach {
    static constexpr int P = K / 2;
    static constexpr int kFirst = -((K - 1 - P) / S);
    static constexpr int last(int values) { return (values - 1 + P) / S; }
    static constexpr int columns(int values) { return last(values) - kFirst + 1; }
};

template <int K, int S, class Width>
using StagedGradient = StagedRows<1, K - 1, Reach<K, S>::columns(Width::kValues)>;

// One for each type V of elements: of memory that kernels share, addresses would take registers.
template <int K, int S, class V>
__device__ __forceinline__ float* staged_gradient() {
    constexpr int kMost = S == 1 ? StagedGradient<K, S, BackwardWidth<S, 7, 2, true>>::kFloats
                                 : StagedGradient<K, S, BackwardWidth<S, 4, 7, true>>::kFloats;
    SPOS_SHARED(float, gradient, kMost);
    return gradient;
}

// What a lane of channels is computed with, in shared memory: a thread's registers are full of sums.
struct SharedConstants {
    float* values;  // kMostTile apart

    // The lane's; all threads of the block must wait for each other before others are read.
    template <int K, class V>
    __device__ __forceinline__ SharedConstants(const BackwardLane<K, V>& l) {
        SPOS_SHARED(float, constants, 6 * kMostTile);
        values = constants + threadIdx.x;
        if (threadIdx.y != 0) return;
        const Lane all[6] = {l.a, l.b, l.constant, l.scale, l.shift, l.mean};
        SPOS_UNROLL for (int i = 0; i < 6; ++i) values[i * kMostTile] = total(all[i]);
    }
    __device__ __forceinline__ Lane a() const { return Lane(values[0]); }
    __device__ __forceinline__ Lane b() const { return Lane(values[kMostTile]); }
    __device__ __forceinline__ Lane constant() const { return Lane(values[2 * kMostTile]); }
    __device__ __forceinline__ Lane scale() const { return Lane(values[3 * kMostTile]); }
    __device__ __forceinline__ Lane shift() const { return Lane(values[4 * kMostTile]); }
    __device__ __forceinline__ Lane mean() const { return Lane(values[5 * kMostTile]); }
};

// dx at columns ix0 .. ix0+T-1 of row iy of an image, and what they add to the weights' gradient and to the sums. `row`
// is the offset of the row's first value, image_row the place of the image's first row of results among those staged,
// and `gradient` the first column that touches the tile.
template <bool Full, bool Normalised, int K, int S, int T, class Staged, class V, class Access>
__device__ __forceinline__ void backward_staged_tile(BackwardLane<K, V>& l, const BackwardTensors<V>& tensors,
                                                     const SharedConstants& constants, const float* gradient,
                                                     int image_row, const SharedTaps<K>& taps, const DepthwiseShape& s,
                                                     int64_t row, int iy, int ix0, Access lane) {
    constexpr int P = K / 2, kFirst = Reach<K, S>::kFirst, kLast = Reach<K, S>::last(T);
    // What follows from the row is not kept from one tile to the next.
    iy = not_ahead(iy);
    image_row = not_ahead(image_row);
    const V* x = settled(tensors.x + row);
    Lane input[T], sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) input[t] =
        lane.load(x + (RowOffset)readable(ix0 + t, false, !Full, s.in_width) * s.channels);
    const Lane scale = constants.scale(), shift = constants.shift();
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        sum[t] = Lane(0.0f);
        if (Normalised) input[t] = relu(multiply_add(input[t], scale, shift));
        if (!Full && ix0 + t >= s.in_width) input[t] = Lane(0.0f);
    }
    SPOS_UNROLL for (int ky = 0; ky < K; ++ky) {
        const int scaled = iy + P - ky;
        if (scaled < 0 || scaled % S != 0 || scaled / S >= s.out_height) continue;
        const float* from = gradient + Staged::place(image_row + scaled / S);
        Lane* weights = l.weights + ky * K;
        SPOS_UNROLL for (int j = kFirst; j <= kLast; ++j) {
            const Lane g(from[(j - kFirst) * Staged::kColumn]);
            SPOS_UNROLL for (int t = 0; t < T; ++t) {
                const int kx = t + P - j * S;
                if (kx < 0 || kx >= K) continue;
                sum[t] = multiply_add(g, taps.at(ky, kx, lane), sum[t]);
                weights[kx] = multiply_add(g, input[t], weights[kx]);
            }
        }
    }
    V* dx = settled(tensors.dx + row + (int64_t)ix0 * s.channels);
    if (Normalised) {
        // Read again, since registers are few.
        SPOS_IN_ORDER();
        const Lane mean = constants.mean();
        Lane raw[T];
        SPOS_UNROLL for (int t = 0; t < T; ++t) raw[t] =
            lane.load(x + (RowOffset)readable(ix0 + t, false, !Full, s.in_width) * s.channels);
        SPOS_UNROLL for (int t = 0; t < T; ++t) {
            if (!Full && ix0 + t >= s.in_width) continue;
            sum[t] = where_positive(input[t], sum[t]);
            l.sums[0] += sum[t];
            l.sums[1] = multiply_add(sum[t], raw[t] - mean, l.sums[1]);
        }
    }
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (Full || ix0 + t < s.in_width) lane.store(dx + t * s.channels, sum[t]);
    }
}

// The row of a round that the thread takes. Rows of one warp need the same rows of taps, if their parity is the same.
template <int S>
__device__ __forceinline__ int row_of_round() {
    const int y = (int)threadIdx.y;
    if (S == 1 || blockDim.x == kWarpThreads || blockDim.y % 4 != 0) return y;
    return (y & ~3) | (y & 1) << 1 | (y >> 1 & 1);
}

template <class Width, bool Normalised, int K, int S, class V, class Access>
__device__ __forceinline__ void backward_staged_rows(BackwardLane<K, V>& l, const BackwardTensors<V>& t,
                                                     const SharedConstants& constants, int c, float* staged,
                                                     const SharedTaps<K>& taps, const DepthwiseShape& s,
                                                     int rows_per_slice, Access lane) {
    constexpr int P = K / 2, T = Width::kTile, kFirst = Reach<K, S>::kFirst;
    typedef StagedGradient<K, S, Width> Staged;
    const int begin = slice_index() * rows_per_slice, end = min(begin + rows_per_slice, s.images * s.in_height);
    for (int round = begin; round < end; round += (int)blockDim.y) {
        const int last = min(round + (int)blockDim.y, end) - 1, r = round + row_of_round<S>();
        // Rows of dy that touch those of dx.
        const int origin = round / s.in_height * s.out_height + max(round % s.in_height - P, 0) / S;
        const int rows =
            last / s.in_height * s.out_height + min((last % s.in_height + P) / S, s.out_height - 1) + 1 - origin;
        const int image_row = r / s.in_height * s.out_height - origin;
        for (int ix0 = 0; ix0 < s.in_width; ix0 += Width::kValues) {
            const Lane a = constants.a(), b = constants.b(), constant = constants.constant();
            Staged::template fill<-kFirst, Width::kFull ? Width::kBeneath - kFirst : -kFirst>(
                staged, origin, rows, s.images * s.out_height, ix0 / S + kFirst, s.out_width, s.channels,
                [&](int64_t start) {
                    const V *dy = settled(t.dy + start + c), *y = settled(t.y + start + c);
                    return [=](RowOffset at) {
                        return multiply_add(lane.load(dy + at), a, multiply_add(lane.load(y + at), b, constant));
                    };
                });
            __syncthreads();
            if (r <= last) {
                SPOS_UNROLL_ON_GPU(1)
                for (int tile = 0; tile < Width::kTiles; ++tile) {
                    const int ix = ix0 + tile * T;
                    if (!Width::kFull && ix >= s.in_width) break;
                    backward_staged_tile<Width::kFull, Normalised, K, S, T, Staged>(
                        l, t, constants, staged + tile * (T / S) * Staged::kColumn, image_row, taps, s,
                        (int64_t)r * s.in_width * s.channels + c, r % s.in_height, ix, lane);
                }
            }
            // Before the next columns are put where these were.
            __syncthreads();
        }
    }
}

// The block's rows of a slice at the thread's channel. All threads of the block must call.
template <bool Normalised, int K, int S, class V, class Access>
__device__ __forceinline__ void staged_backward(BackwardLane<K, V>& l, const BackwardTensors<V>& t, int c,
                                                const DepthwiseShape& s, int rows_per_slice, Access lane) {
    float* staged = staged_gradient<K, S, V>();
    const SharedConstants constants(l);
    const SharedTaps<K> taps(t.w + c, s.channels);
    with_backward_width<S>(s.in_width, [&](auto width) {
        backward_staged_rows<decltype(width), Normalised, K, S>(l, t, constants, c, staged, taps, s, rows_per_slice,
                                                                lane);
    });
}

}  // namespace
