// Depthwise convolution, K x K for K = 3, 5, 7, stride S = 1, 2, zero padding P = K / 2.
//
//   forward           y[n][oy][ox][c]  = sum_{ky,kx} x[n][oy*S-P+ky][ox*S-P+kx][c] * w[ky][kx][c]
//   backward data     dx[n][iy][ix][c] = sum_{ky,kx} dy[n][(iy+P-ky)/S][(ix+P-kx)/S][c] * w[ky][kx][c]
//                     over the taps for which the divisions are exact
//   backward weights  dw[ky][kx][c]    = sum_{n,oy,ox} x[n][oy*S-P+ky][ox*S-P+kx][c] * dy[n][oy][ox][c]
//
// Layouts: NHWC, w [K][K][C]. Outputs are overwritten. Output size O = (I - 1) / S + 1.
// Launch: slices (device/slices.h) of rows_per_slice rows of the output, N * (output height) in all; backward weights
// slices of the rows of dy, one partial [K][K][C] a slice for reduce_partials.
// depthwise_normalised is the forward pass with batch norm and perhaps ReLU applied to what it stores, of floats or of
// bf16.
#include "device/block_sums.h"
#include "device/depthwise.h"
#if !SPOS_HOST
#include "device/depthwise_staged.h"
#endif

template <int K, int S, class V, class Epilogue>
__device__ __forceinline__ void forward_rows(V* y, const V* x, const float* w, const DepthwiseShape& s,
                                             int rows_per_slice, const Epilogue& epilogue) {
#if !SPOS_HOST
    if constexpr (kIsStaged<K>) {
        for_channels_together(s.channels, [&](int c, auto lane) {
            staged_forward<K, S>(y, x, w, s, rows_per_slice, RawInput{}, c, lane, epilogue);
        });
        return;
    }
#endif
    forward<K, S>(y, x, w, s, rows_per_slice, RawInput{}, epilogue);
}

// Results ix0 .. ix0+T-1 of one row of dx; ix0 is a multiple of S.
template <bool Full, int K, int S, int T, class Access, class Taps>
__device__ __forceinline__ void backward_data_tile(float* dx, const float* dy, const Taps& taps, DepthwiseShape s,
                                                   int iy, int ix0, Access lane) {
    constexpr int P = K / 2;
    // First and last result of dy that can touch the tile, relative to ix0 / S. (P - K + 1 is never positive.)
    constexpr int first = -((K - 1 - P) / S);
    constexpr int last = (T - 1 + P) / S;
    Lane sum[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) sum[t] = Lane(0.0f);
    SPOS_UNROLL_LARGE(Taps::kRowsAtOnce)
    for (int ky = 0; ky < K; ++ky) {
        const int scaled = iy + P - ky;
        if (scaled < 0 || scaled % S != 0 || scaled / S >= s.out_height) continue;
        const float* row = settled(dy + (int64_t)(scaled / S) * s.out_width * s.channels);
        SPOS_UNROLL for (int j = first; j <= last; ++j) {
            const int ox = ix0 / S + j;
            const bool padding = (!(Full && j >= 0) && ox < 0) || (!(Full && j < T / S) && ox >= s.out_width);
            if (Lane::width > 1 && padding) continue;
            const int column = readable(ox, !(Full && j >= 0), !(Full && j < T / S), s.out_width);
            const Lane loaded = lane.load(row + (RowOffset)column * s.channels);
            const Lane value = padding ? Lane(0.0f) : loaded;
            SPOS_UNROLL for (int t = 0; t < T; ++t) {
                const int kx = t + P - j * S;
                if (kx >= 0 && kx < K) sum[t] = multiply_add(value, taps.at(ky, kx, lane), sum[t]);
            }
        }
    }
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        if (Full || ix0 + t < s.in_width) lane.store(dx + (int64_t)(ix0 + t) * s.channels, sum[t]);
    }
}

// Row r of dx, counted over all images; dx, dy and the taps are those of the lane's channels.
template <int K, int S, int T, class Access, class Taps>
__device__ __forceinline__ void backward_data_row(float* dx, const float* dy, const Taps& taps, const DepthwiseShape& s,
                                                  int r, Access lane) {
    const int n = r / s.in_height, iy = r % s.in_height;
    const float* image = dy + (int64_t)n * s.out_height * s.out_width * s.channels;
    float* row = dx + (int64_t)r * s.in_width * s.channels;
    for (int ix = 0; ix < s.in_width; ix += T) {
        if (kAlwaysFull<S, T> || ix + T <= s.in_width) {
            backward_data_tile<true, K, S, T>(row, image, taps, s, iy, ix, lane);
        } else {
            backward_data_tile<false, K, S, T>(row, image, taps, s, iy, ix, lane);
        }
    }
}

// Adds the products of T results of dy with one row of x to the K sums of one row of taps.
template <bool Full, int K, int S, int T, class Access>
__device__ __forceinline__ void backward_weights_tile(Lane* sum, const float* dy, const float* x, DepthwiseShape s,
                                                      int ox0, Access lane) {
    constexpr int P = K / 2;
    Lane gradient[T];
    SPOS_UNROLL for (int t = 0; t < T; ++t) {
        gradient[t] = Full || ox0 + t < s.out_width ? lane.load(dy + (int64_t)(ox0 + t) * s.channels) : Lane(0.0f);
    }
    SPOS_UNROLL for (int i = 0; i < (T - 1) * S + K; ++i) {
        const int ix = ox0 * S - P + i;
        const bool padding = is_padding<Full, K, S, T>(i, ix, s);
        if (Lane::width > 1 && padding) continue;
        const int column = readable(ix, !(Full && i >= P), !(Full && i < P + T * S), s.in_width);
        const Lane loaded = lane.load(x + (RowOffset)column * s.channels);
        const Lane value = padding ? Lane(0.0f) : loaded;
        SPOS_UNROLL for (int kx = 0; kx < K; ++kx) {
            const int t = (i - kx) / S;
            if (i >= kx && (i - kx) % S == 0 && t < T) sum[kx] = multiply_add(value, gradient[t], sum[kx]);
        }
    }
}

// What row r of dy, counted over all images, adds to the K sums of row ky of taps.
template <int K, int S, int T, class Access>
__device__ __forceinline__ void backward_weights_row(Lane* sum, const float* dy, const float* x,
                                                     const DepthwiseShape& s, int r, int ky, Access lane) {
    const int n = r / s.out_height;
    const int iy = (r % s.out_height) * S - K / 2 + ky;
    if (iy < 0 || iy >= s.in_height) return;
    const float* x_row = settled(x + ((int64_t)n * s.in_height + iy) * s.in_width * s.channels);
    const float* dy_row = dy + (int64_t)r * s.out_width * s.channels;
    for (int ox = 0; ox < s.out_width; ox += T) {
        if (kAlwaysFull<S, T> || is_full<S, T>(ox, s)) {
            backward_weights_tile<true, K, S, T>(sum, dy_row, x_row, s, ox, lane);
        } else {
            backward_weights_tile<false, K, S, T>(sum, dy_row, x_row, s, ox, lane);
        }
    }
}

// A CPU goes through its slice once for each row of taps, whose sums fill its registers; a GPU's has room for them all.
template <int K, int S>
__device__ __forceinline__ void backward_weights(float* partials, const float* dy, const float* x,
                                                 const DepthwiseShape& s, int rows_per_slice) {
    const RowRange rows = rows_of_thread(rows_per_slice, s.images * s.out_height);
    float* partial = partials + (int64_t)slice_index() * K * K * s.channels;
    with_tile_width(s.out_width, [&](auto tile) {
        constexpr int T = decltype(tile)::value;
        for_channels_together(s.channels, [&](int c, auto lane) {
            if constexpr (Lane::width > 1) {
                for (int ky = 0; ky < K; ++ky) {
                    Lane sum[K];
                    SPOS_UNROLL for (int kx = 0; kx < K; ++kx) sum[kx] = Lane(0.0f);
                    for (int r = rows.first; r < rows.last; r += rows.step) {
                        backward_weights_row<K, S, T>(sum, dy + c, x + c, s, r, ky, lane);
                    }
                    store_block_sums<K>(partial + (int64_t)ky * K * s.channels + c, sum, s.channels, lane);
                }
            } else {
                Lane sums[K * K];
                SPOS_UNROLL for (int k = 0; k < K * K; ++k) sums[k] = Lane(0.0f);
                for (int r = rows.first; r < rows.last; r += rows.step) {
                    SPOS_UNROLL for (int ky = 0; ky < K; ++ky) {
                        backward_weights_row<K, S, T>(sums + ky * K, dy + c, x + c, s, r, ky, lane);
                    }
                }
                SPOS_UNROLL for (int ky = 0; ky < K; ++ky) {
                    store_block_sums<K>(partial + (int64_t)ky * K * s.channels + c, sums + ky * K, s.channels, lane);
                }
            }
        });
    });
}

template <int K, int S>
__device__ __forceinline__ void backward_data(float* dx, const float* dy, const float* w, const DepthwiseShape& s,
                                              int rows_per_slice) {
    const RowRange rows = rows_of_thread(rows_per_slice, s.images * s.in_height);
    with_narrow_tile<S>(s.in_width, [&](auto tile) {
        constexpr int T = decltype(tile)::value;
        if constexpr (Lane::width > 1) {
            for (int r = rows.first; r < rows.last; r += rows.step) {
                for_lanes(s.channels, [&](int c, auto lane) {
                    backward_data_row<K, S, T>(dx + c, dy + c, MemoryTaps<K>{w + c, s.channels}, s, r, lane);
                });
            }
        } else {
            for_channels(s.channels, [&](int c, auto lane) {
                const RegisterTaps<K> taps(w + c, s.channels, lane);
                for (int r = rows.first; r < rows.last; r += rows.step) {
                    backward_data_row<K, S, T>(dx + c, dy + c, taps, s, r, lane);
                }
            });
        }
    });
}

#define SPOS_DEPTHWISE(K, S)                                                                                        \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                         \
              flops(2 * images * out_height * out_width * channels * K * K))                                        \
    SPOS_KERNEL depthwise_forward_k##K##_s##S(                                                                      \
        SPOS_OUT(images, out_height, out_width, channels) float* y,                                                 \
        SPOS_IN(images, in_height, in_width, channels) const float* x, SPOS_IN(K, K, channels) const float* w,      \
        int images, int in_height, int in_width, int out_height, int out_width, int channels, int rows_per_slice) { \
        forward_rows<K, S>(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice, \
                           RawResult{});                                                                            \
    }                                                                                                               \
    SPOS_EXPORT(depthwise_forward_k##K##_s##S)                                                                      \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                         \
              flops(2 * images * out_height * out_width * channels * K * K))                                        \
    SPOS_KERNEL depthwise_backward_data_k##K##_s##S(                                                                \
        SPOS_OUT(images, in_height, in_width, channels) float* dx,                                                  \
        SPOS_IN(images, out_height, out_width, channels) const float* dy, SPOS_IN(K, K, channels) const float* w,   \
        int images, int in_height, int in_width, int out_height, int out_width, int channels, int rows_per_slice) { \
        backward_data<K, S>(dx, dy, w, {images, in_height, in_width, out_height, out_width, channels},              \
                            rows_per_slice);                                                                        \
    }                                                                                                               \
    SPOS_EXPORT(depthwise_backward_data_k##K##_s##S)                                                                \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                         \
              flops(2 * images * out_height * out_width * channels * K * K))                                        \
    SPOS_KERNEL depthwise_backward_weights_k##K##_s##S(                                                             \
        SPOS_OUT(ceil_div(product(images, out_height), rows_per_slice), K, K, channels,                             \
                 counted(K, K, channels)) float* partials,                                                          \
        SPOS_IN(images, out_height, out_width, channels) const float* dy,                                           \
        SPOS_IN(images, in_height, in_width, channels) const float* x, int images, int in_height, int in_width,     \
        int out_height, int out_width, int channels, int rows_per_slice) {                                          \
        backward_weights<K, S>(partials, dy, x, {images, in_height, in_width, out_height, out_width, channels},     \
                               rows_per_slice);                                                                     \
    }                                                                                                               \
    SPOS_EXPORT(depthwise_backward_weights_k##K##_s##S)

SPOS_DEPTHWISE(3, 1)
SPOS_DEPTHWISE(3, 2)
SPOS_DEPTHWISE(5, 1)
SPOS_DEPTHWISE(5, 2)
SPOS_DEPTHWISE(7, 1)
SPOS_DEPTHWISE(7, 2)

#define SPOS_DEPTHWISE_NORMALISED(K, S, T)                                                                            \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                           \
              flops(2 * images * out_height * out_width * channels * K * K))                                          \
    SPOS_KERNEL depthwise_normalised_k##K##_s##S##_##T(                                                               \
        SPOS_OUT(images, out_height, out_width, channels) T* y,                                                       \
        SPOS_IN(images, in_height, in_width, channels) const T* x, SPOS_IN(K, K, channels) const float* w,            \
        SPOS_IN(channels, uncounted) const float* scale, SPOS_IN(channels, uncounted) const float* shift, int images, \
        int in_height, int in_width, int out_height, int out_width, int channels, SPOS_FLAG int rectify,              \
        int rows_per_slice) {                                                                                         \
        forward_rows<K, S>(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice,   \
                           NormalisedResult{scale, shift, rectify});                                                  \
    }                                                                                                                 \
    SPOS_EXPORT(depthwise_normalised_k##K##_s##S##_##T)

SPOS_DEPTHWISE_NORMALISED(3, 1, f32)
SPOS_DEPTHWISE_NORMALISED(3, 2, f32)
SPOS_DEPTHWISE_NORMALISED(5, 1, f32)
SPOS_DEPTHWISE_NORMALISED(5, 2, f32)
SPOS_DEPTHWISE_NORMALISED(7, 1, f32)
SPOS_DEPTHWISE_NORMALISED(7, 2, f32)
SPOS_DEPTHWISE_NORMALISED(3, 1, bf16)
SPOS_DEPTHWISE_NORMALISED(3, 2, bf16)
SPOS_DEPTHWISE_NORMALISED(5, 1, bf16)
SPOS_DEPTHWISE_NORMALISED(5, 2, bf16)
SPOS_DEPTHWISE_NORMALISED(7, 1, bf16)
SPOS_DEPTHWISE_NORMALISED(7, 2, bf16)
