// The forward pass of a depthwise convolution (depthwise.h) on a GPU, for 5 x 5 and 7 x 7: inputs are read from shared
// memory (staged_rows.h).
#pragma once
#include "device/staged_rows.h"

namespace {

// Whether the kernels of K x K taps read from shared memory.
template <int K>
constexpr bool kIsStaged = K > 3;

// Results in a row of a thread at most: with more, 48 kB of shared memory do not hold their inputs.
template <int S>
constexpr int kMostStaged = S == 1 ? 14 : 4;

template <int K, int S>
using StagedInput = StagedRows<S, (K + S - 1) / S - 1, (kMostStaged<S> - 1) * S + K>;

template <int K, int S>
__device__ __forceinline__ float* staged_input() {
    SPOS_SHARED(float, staged, (StagedInput<K, S>::kFloats));
    return staged;
}

// How many results a thread takes in a row, and whether so many are always there.
template <int Width, bool Full>
struct StagedWidth {
    static constexpr int value = Width;
    static constexpr bool full = Full;
};

// Calls body with one that fills rows of the usual sizes.
template <int S, class Body>
__device__ __forceinline__ void with_staged_width(int width, Body&& body) {
    if constexpr (S == 1) {
        if (width % 14 == 0) return body(StagedWidth<14, true>{});
        if (width % 7 == 0) return body(StagedWidth<7, true>{});
        body(StagedWidth<8, false>{});
    } else {
        if (width % 4 == 0) return body(StagedWidth<4, true>{});
        body(StagedWidth<4, false>{});
    }
}

// Results ox0 .. ox0+T-1 of one row, whose first row of inputs, iy0 in its image, is row `first` of those staged.
template <bool Full, int K, int S, int T, class V, class Access, class Epilogue>
__device__ __forceinline__ void staged_tile(V* y, const float* staged, int first, const SharedTaps<K>& taps,
                                            const DepthwiseShape& s, int iy0, int ox0, int c, Access lane,
                                            Epilogue& epilogue) {
    typedef StagedInput<K, S> Staged;
    Lane sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) sum[t] = Lane(0.0f);
    SPOS_UNROLL_ON_GPU(1)
    for (int ky = 0; ky < K; ++ky) {
        if (iy0 + ky < 0 || iy0 + ky >= s.in_height) continue;
        const float* row = staged + Staged::place(first + ky);
        SPOS_UNROLL for (int i = 0; i < (T - 1) * S + K; ++i) {
            const Lane value(row[i * Staged::kColumn]);
            SPOS_UNROLL for (int kx = 0; kx < K; ++kx) {
                const int t = (i - kx) / S;
                if (i >= kx && (i - kx) % S == 0 && t < T) sum[t] = multiply_add(value, taps.at(ky, kx, lane), sum[t]);
            }
        }
    }
    V* result = settled(y + (int64_t)ox0 * s.channels);
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (Full || ox0 + t < s.out_width) lane.store(result + t * s.channels, epilogue(sum[t], c, lane));
    }
}

template <bool Full, int K, int S, int T, class V, class Access, class OnLoad, class Epilogue>
__device__ __forceinline__ void staged_rows(V* y, float* staged, const V* x, const SharedTaps<K>& taps,
                                            const DepthwiseShape& s, int rows_per_slice, int c, Access lane,
                                            const OnLoad& on_load, Epilogue& epilogue) {
    constexpr int P = K / 2;
    typedef StagedRows<S, (K + S - 1) / S - 1, (T - 1) * S + K> Staged;
    static_assert(Staged::kFloats <= StagedInput<K, S>::kFloats);
    const auto first_input = [&](int r) { return r / s.out_height * s.in_height + r % s.out_height * S - P; };
    const int begin = slice_index() * rows_per_slice, end = min(begin + rows_per_slice, s.images * s.out_height);
    for (int round = begin; round < end; round += (int)blockDim.y) {
        const int origin = first_input(round), last = min(round + (int)blockDim.y, end) - 1;
        const int r = min(round + (int)threadIdx.y, last), rows = first_input(last) + K - origin;
        for (int ox = 0; ox < s.out_width; ox += T) {
            // Of a picture's last column pair, the second may be missing.
            Staged::template fill<P, Full ? P + T * S - (S - 1) : P>(
                staged, origin, rows, s.images * s.in_height, ox * S - P, s.in_width, s.channels, [&](int64_t start) {
                    const V* row = settled(x + start);
                    return [=](RowOffset at) { return on_load(lane.load(row + at)); };
                });
            __syncthreads();
            if (round + (int)threadIdx.y <= last) {
                staged_tile<Full, K, S, T>(y + (int64_t)r * s.out_width * s.channels, staged, first_input(r) - origin,
                                           taps, s, r % s.out_height * S - P, ox, c, lane, epilogue);
            }
            // Before the next columns are put where these were.
            __syncthreads();
        }
    }
}

// The block's rows of a slice at the thread's channel. All threads of the block must call.
template <int K, int S, class V, class Access, class Input, class Epilogue>
__device__ __forceinline__ void staged_forward(V* y, const V* x, const float* w, const DepthwiseShape& s,
                                               int rows_per_slice, const Input& input, int c, Access lane,
                                               Epilogue& epilogue) {
    float* staged = staged_input<K, S>();
    const auto on_load = input.at(c, lane);
    const SharedTaps<K> taps(w + c, s.channels);
    with_staged_width<S>(s.out_width, [&](auto width) {
        typedef decltype(width) Width;
        staged_rows<Width::full, K, S, Width::value>(y + c, staged, x + c, taps, s, rows_per_slice, c, lane, on_load,
                                                     epilogue);
    });
}

}  // namespace
