// Depthwise convolution's walk over an image, and its forward pass.
//
// Inputs and results are floats or bf16 (V). A lane of channels walks along a row with a tile of results in registers:
// each loaded vector serves all the results of the tile that it touches. In a full tile, all of whose results are
// there, only what lies beyond the tile itself can be outside of the image. A GPU's thread has one channel, whose
// weights it keeps in registers, and walks along all rows of its own.
#pragma once
#include "device/epilogue.h"
#include "device/lanes.h"
#include "device/slices.h"

// Of a value in a row.
#if SPOS_HOST
typedef int64_t RowOffset;
#else
typedef int RowOffset;  // which a GPU widens while it adds it to a pointer
#endif

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

// Column `at` where it may be read: a GPU reads within the row of `width` in any case, and takes zero instead of what
// it should not have read, since without branches a row's loads stand together.
__device__ __forceinline__ int readable(int at, bool may_precede, bool may_follow, int width) {
    if (Lane::width == 1 && may_precede) at = max(at, 0);
    if (Lane::width == 1 && may_follow) at = min(at, width - 1);
    return at;
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

namespace {

// The weights of a lane of channels, read when they are needed; w points to the lane's.
template <int K>
struct MemoryTaps {
    static constexpr int kRowsAtOnce = 1;
    const float* w;
    int channels;

    template <class Access>
    __device__ __forceinline__ Lane at(int ky, int kx, Access lane) const {
        return lane.load(w + ky * K * channels + kx * channels);
    }
};

// The same in registers, for loops that are unrolled.
template <int K>
struct RegisterTaps {
    static constexpr int kRowsAtOnce = K;
    Lane values[K * K];

    template <class Access>
    __device__ __forceinline__ RegisterTaps(const float* w, int channels, Access lane) {
        SPOS_UNROLL for (int k = 0; k < K * K; ++k) values[k] = lane.load(w + k * channels);
    }
    template <class Access>
    __device__ __forceinline__ Lane at(int ky, int kx, Access) const {
        return values[ky * K + kx];
    }
};

// The same in shared memory, where they are constant distances apart; w points to the thread's channel.
template <int K>
struct SharedTaps {
    static constexpr int kRowsAtOnce = K;
    const float* values;

    // All threads of the block must call.
    __device__ __forceinline__ SharedTaps(const float* w, int channels) {
        SPOS_SHARED(float, taps, K* K* kMostTile);
        for (int k = (int)threadIdx.y; k < K * K; k += (int)blockDim.y) {
            taps[k * kMostTile + (int)threadIdx.x] = w[k * channels];
        }
        __syncthreads();
        values = taps + threadIdx.x;
    }
    template <class Access>
    __device__ __forceinline__ Lane at(int ky, int kx, Access) const {
        return Lane(values[(ky * K + kx) * kMostTile]);
    }
};

}  // namespace

// Results ox0 .. ox0+T-1 of one row of y.
template <bool Full, int K, int S, int T, class V, class Access, class OnLoad, class Taps, class Epilogue>
__device__ __forceinline__ void forward_tile(V* y, const V* x, const Taps& taps, DepthwiseShape s, int iy0, int ox0,
                                             Access lane, int c, const OnLoad& on_load, Epilogue& epilogue) {
    constexpr int P = K / 2;
    // What the next row of results will read first.
    SPOS_UNROLL for (int r = 0; r < S; ++r) {
        const V* below = x + ((int64_t)(iy0 + K + r) * s.in_width + ox0 * S) * s.channels;
        SPOS_UNROLL for (int t = 0; t < T * S; ++t, below += s.channels) Lane::prefetch(below);
    }
    Lane sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) sum[t] = Lane(0.0f);
    SPOS_UNROLL_LARGE(Taps::kRowsAtOnce)
    for (int ky = 0; ky < K; ++ky) {
        const int iy = iy0 + ky;
        if (iy < 0 || iy >= s.in_height) continue;
        const V* row = settled(x + (int64_t)iy * s.in_width * s.channels);
        // A CPU goes along a row by sums, since a product for each address would take longer than the load; a GPU needs
        // fewer registers with products.
        RowOffset next = (RowOffset)(ox0 * S - P) * s.channels;
        SPOS_UNROLL for (int i = 0; i < (T - 1) * S + K; ++i) {
            const int ix = ox0 * S - P + i;
            const RowOffset here = next;
            next += s.channels;
            const bool padding = is_padding<Full, K, S, T>(i, ix, s);
            if (Lane::width > 1 && padding) continue;
            const int column = readable(ix, !(Full && i >= P), !(Full && i < P + T * S), s.in_width);
            const Lane loaded = on_load(lane.load(row + (Lane::width > 1 ? here : (RowOffset)column * s.channels)));
            const Lane value = padding ? Lane(0.0f) : loaded;
            SPOS_UNROLL for (int kx = 0; kx < K; ++kx) {
                const int t = (i - kx) / S;
                if (i >= kx && (i - kx) % S == 0 && t < T) sum[t] = multiply_add(value, taps.at(ky, kx, lane), sum[t]);
            }
        }
    }
    V* result = y + (int64_t)ox0 * s.channels;
    SPOS_UNROLL for (int t = 0; t < T; ++t, result += s.channels) {
        if (!Full && ox0 + t >= s.out_width) continue;
        lane.store(Lane::width > 1 ? result : y + (int64_t)(ox0 + t) * s.channels, epilogue(sum[t], c, lane));
    }
}

// Tiles that fill the rows of the usual sizes: 7 for 7, 14, 28, 56 and 112, else 4, or on a CPU 2 where there are no
// more.
template <int Width>
struct TileWidth {
    static constexpr int value = Width;
};

template <class Body>
__device__ __forceinline__ void with_tile_width(int width, Body&& body) {
    if (width % 7 == 0) return body(TileWidth<7>{});
    if constexpr (Lane::width > 1) {
        if (width <= 2) return body(TileWidth<2>{});
    }
    body(TileWidth<4>{});
}

// The same where a GPU has registers for narrow tiles only. Tiles begin at multiples of the stride, as those of a
// gradient of inputs must.
template <int S, class Body>
__device__ __forceinline__ void with_narrow_tile(int width, Body&& body) {
    if constexpr (Lane::width == 1) {
        body(TileWidth<4>{});
    } else if constexpr (S == 1) {
        with_tile_width(width, body);
    } else if (width > 2) {
        body(TileWidth<4>{});
    } else {
        body(TileWidth<2>{});
    }
}

// Whether tiles of T are always full, which saves a GPU the code of others.
template <int S, int T>
constexpr bool kAlwaysFull = Lane::width == 1 && S == 1 && T == 7;

// A row of results: where it begins, where its image begins, and the image's first row that it reads, which may be
// outside.
template <class V>
struct ForwardRow {
    V* row;
    const V* image;
    int iy0;
};

// Row r of y, counted over all images.
template <int K, int S, class V>
__device__ __forceinline__ ForwardRow<V> forward_row_at(V* y, const V* x, const DepthwiseShape& s, int r) {
    const int n = r / s.out_height, oy = r % s.out_height;
    return {y + (int64_t)r * s.out_width * s.channels, x + (int64_t)n * s.in_height * s.in_width * s.channels,
            oy * S - K / 2};
}

// The results of a row at the lane's channels, c and those after it; the taps are those of these channels.
template <int K, int S, int T, class V, class Access, class OnLoad, class Taps, class Epilogue>
__device__ __forceinline__ void forward_row(const ForwardRow<V>& at, const Taps& taps, const DepthwiseShape& s,
                                            Access lane, int c, const OnLoad& on_load, Epilogue& epilogue) {
    V* row = at.row + c;
    const V* image = at.image + c;
    for (int ox = 0; ox < s.out_width; ox += T) {
        if (kAlwaysFull<S, T> || is_full<S, T>(ox, s)) {
            forward_tile<true, K, S, T>(row, image, taps, s, at.iy0, ox, lane, c, on_load, epilogue);
        } else {
            forward_tile<false, K, S, T>(row, image, taps, s, at.iy0, ox, lane, c, on_load, epilogue);
        }
    }
}

// The slice's rows, on the CPU: row by row, so that each is still in the cache for the next.
template <int K, int S, int T, class V, class Input, class Epilogue>
__device__ __forceinline__ void forward_rows(V* y, const V* x, const float* w, const DepthwiseShape& s,
                                             const RowRange& rows, const Input& input, Epilogue& epilogue) {
    for (int r = rows.first; r < rows.last; r += rows.step) {
        const ForwardRow<V> at = forward_row_at<K, S>(y, x, s, r);
        for_lanes(s.channels, [&](int c, auto lane) {
            forward_row<K, S, T>(at, MemoryTaps<K>{w + c, s.channels}, s, lane, c, input.at(c, lane), epilogue);
        });
    }
}

// The thread's rows, on a GPU.
template <int K, int S, class V, class Access, class Input, class Epilogue>
__device__ __forceinline__ void forward_channel(V* y, const V* x, const float* w, const DepthwiseShape& s,
                                                const RowRange& rows, const Input& input, int c, Access lane,
                                                Epilogue& epilogue) {
    const auto on_load = input.at(c, lane);
    const RegisterTaps<K> taps(w + c, s.channels, lane);
    const auto walk = [&](auto tile) {
        for (int r = rows.first; r < rows.last; r += rows.step) {
            const ForwardRow<V> at = forward_row_at<K, S>(y, x, s, r);
            forward_row<K, S, decltype(tile)::value>(at, taps, s, lane, c, on_load, epilogue);
        }
    };
    // With more, registers do not suffice.
    if constexpr (K == 7 && S == 2) {
        walk(TileWidth<4>{});
    } else {
        with_tile_width(s.out_width, walk);
    }
}

template <int K, int S, class V, class Input, class Epilogue>
__device__ __forceinline__ void forward(V* y, const V* x, const float* w, const DepthwiseShape& s, int rows_per_slice,
                                        const Input& input, Epilogue epilogue) {
    const RowRange rows = rows_of_thread(rows_per_slice, s.images * s.out_height);
    if constexpr (Lane::width > 1) {
        with_tile_width(s.out_width, [&](auto tile) {
            forward_rows<K, S, decltype(tile)::value>(y, x, w, s, rows, input, epilogue);
        });
    } else {
        for_channels(s.channels,
                     [&](int c, auto lane) { forward_channel<K, S>(y, x, w, s, rows, input, c, lane, epilogue); });
    }
}
