// Depthwise convolution's walk over an image, and its forward pass.
//
// A lane of channels walks along a row with a tile of results in registers: each loaded vector serves all
// the results of the tile that it touches. In a full tile, all of whose results are there, only what lies beyond the
// tile itself can be outside of the image.
#pragma once
#include "device/epilogue.h"
#include "device/lanes.h"
#include "device/slices.h"

struct DepthwiseShape {
    int images, in_height, in_width, out_height, out_width, channels;
};

// Whether results ox0 .. ox0+T-1 are all there, with the S inputs below each.
template <int S, int T>
__device__ __forceinline__ bool is_full(int ox0, const DepthwiseShape& s) {
    return ox0 + T <= s.out_width && (ox0 + T) * S <= s.in_width;
}

// Whether input i of those that a tile of T results reads, at column ix, is padding.
template <bool Full, int K, int S, int T>
__device__ __forceinline__ bool is_padding(int i, int ix, const DepthwiseShape& s) {
    constexpr int P = K / 2;
    return (!(Full && i >= P) && ix < 0) || (!(Full && i < P + T * S) && ix >= s.in_width);
}

// What becomes of an input value when it is loaded: nothing. At a lane of channels it is a function of the value.
struct RawInput {
    struct OfLane {
        __device__ __forceinline__ Lane operator()(Lane value) const { return value; }
    };

    template <class Access>
    __device__ __forceinline__ OfLane at(int, Access) const {
        return {};
    }
};

// Results ox0 .. ox0+T-1 of one row of y.
template <bool Full, int K, int S, int T, class Access, class OnLoad, class Epilogue>
__device__ __forceinline__ void forward_tile(float* y, const float* x, const float* w, DepthwiseShape s, int iy0,
                                             int ox0, Access lane, int c, const OnLoad& on_load,
                                             const Epilogue& epilogue) {
    constexpr int P = K / 2;
    // What the next row of results will read first.
    SPOS_UNROLL for (int r = 0; r < S; ++r) {
        const float* below = x + ((int64_t)(iy0 + K + r) * s.in_width + ox0 * S) * s.channels;
        SPOS_UNROLL for (int t = 0; t < T * S; ++t) Lane::prefetch(below + t * s.channels);
    }
    Lane sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) sum[t] = Lane(0.0f);
    for (int ky = 0; ky < K; ++ky) {
        const int iy = iy0 + ky;
        if (iy < 0 || iy >= s.in_height) continue;
        const float* row = x + (int64_t)iy * s.in_width * s.channels;
        const float* taps = w + ky * K * s.channels;
        SPOS_UNROLL for (int i = 0; i < (T - 1) * S + K; ++i) {
            const int ix = ox0 * S - P + i;
            if (is_padding<Full, K, S, T>(i, ix, s)) continue;
            const Lane value = on_load(lane.load(row + (int64_t)ix * s.channels));
            SPOS_UNROLL for (int kx = 0; kx < K; ++kx) {
                const int t = (i - kx) / S;
                if (i >= kx && (i - kx) % S == 0 && t < T)
                    sum[t] = multiply_add(value, lane.load(taps + kx * s.channels), sum[t]);
            }
        }
    }
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (Full || ox0 + t < s.out_width) lane.store(y + (int64_t)(ox0 + t) * s.channels, epilogue(sum[t], c, lane));
    }
}

template <int K, int S, int T, class Input, class Epilogue>
__device__ __forceinline__ void forward_rows(float* y, const float* x, const float* w, DepthwiseShape s,
                                             int rows_per_slice, const Input& input, const Epilogue& epilogue) {
    const int first = slice_index() * rows_per_slice;
    const int last = min(first + rows_per_slice, s.images * s.out_height);
    for (int r = first; r < last; ++r) {
        const int n = r / s.out_height, oy = r % s.out_height;
        const float* image = x + (int64_t)n * s.in_height * s.in_width * s.channels;
        float* row = y + (int64_t)r * s.out_width * s.channels;
        for_lanes(s.channels, [&](int c, auto lane) {
            const auto on_load = input.at(c, lane);
            const int iy0 = oy * S - K / 2;
            for (int ox = 0; ox < s.out_width; ox += T) {
                if (is_full<S, T>(ox, s)) {
                    forward_tile<true, K, S, T>(row + c, image + c, w + c, s, iy0, ox, lane, c, on_load, epilogue);
                } else {
                    forward_tile<false, K, S, T>(row + c, image + c, w + c, s, iy0, ox, lane, c, on_load, epilogue);
                }
            }
        });
    }
}

// Tiles that fill the rows of the usual sizes: 7 for 7, 14, 28, 56 and 112, else 4, or 2 where there are no more. A
// GPU's threads hide latency by their number, for which fewer registers each are better: no 7 there.
template <int Width>
struct TileWidth {
    static constexpr int value = Width;
};

template <class Body>
__device__ __forceinline__ void with_tile_width(int width, Body&& body) {
    if constexpr (Lane::width > 1) {
        if (width % 7 == 0) return body(TileWidth<7>{});
    }
    if (width > 2) {
        body(TileWidth<4>{});
    } else {
        body(TileWidth<2>{});
    }
}

template <int K, int S, class Input, class Epilogue>
__device__ __forceinline__ void forward(float* y, const float* x, const float* w, DepthwiseShape s, int rows_per_slice,
                                        const Input& input, const Epilogue& epilogue) {
    with_tile_width(s.out_width, [&](auto tile) {
        forward_rows<K, S, decltype(tile)::value>(y, x, w, s, rows_per_slice, input, epilogue);
    });
}
