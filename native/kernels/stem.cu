// Stem convolution: 3x3, stride 2, zero padding 1, from the 3 colours of an image to C channels.
//
//   forward           y[n][oy][ox][c]   = sum_{ky,kx,i} x[n][2oy-1+ky][2ox-1+kx][i] * w[ky][kx][i][c]
//   backward weights  dw[ky][kx][i][c]  = sum_{n,oy,ox} x[n][2oy-1+ky][2ox-1+kx][i] * dy[n][oy][ox][c]
//
// stem_normalised is the forward pass with batch norm and perhaps ReLU applied to what it stores, which may be bf16.
// Layouts: x [N][H][W][3], y [N][H/2][W/2][C], w [3][3][3][C]. Outputs are overwritten. The image itself needs
// no gradient. Launch: slices (device/slices.h) of rows_per_slice rows, N * H/2 in all; backward weights writes one
// partial [3][3][3][C] a slice for reduce_partials. Lanes hold output channels; the few input values are broadcast.
#include "device/block_sums.h"
#include "device/epilogue.h"
#include "device/lanes.h"
#include "device/slices.h"

constexpr int kColours = 3;
constexpr int kTaps = 3 * 3 * kColours;
constexpr int kTile = Lane::width > 1 ? 8 : 4;

struct StemShape {
    int images, in_height, in_width, out_height, out_width, channels;
};

// Results ox0 .. ox0+kTile-1 of a row of y. Inside: they are all there, and all columns that they read are.
template <bool Inside, class Y, class Access, class Taps, class Epilogue>
__device__ __forceinline__ void forward_tile(Y* y, const float* image, const Taps& taps, int oy, int ox0, StemShape s,
                                             Access lane, int c, const Epilogue& epilogue) {
    Lane sum[kTile];
    SPOS_UNROLL for (int t = 0; t < kTile; ++t) sum[t] = Lane(0.0f);
    SPOS_UNROLL_ON_GPU(3)
    for (int ky = 0; ky < 3; ++ky) {
        const int iy = 2 * oy - 1 + ky;
        if (iy < 0 || iy >= s.in_height) continue;
        // One address and constants: the broadcasts need no arithmetic of their own.
        const float* values = image + ((int64_t)iy * s.in_width + 2 * ox0 - 1) * kColours;
        SPOS_UNROLL for (int k = 0; k < 3 * kColours; ++k) {
            const Lane weight = taps.at(ky, k, lane);
            SPOS_UNROLL for (int t = 0; t < kTile; ++t) {
                const int ix = 2 * (ox0 + t) - 1 + k / kColours;
                if (!Inside && (ix < 0 || ix >= s.in_width)) continue;
                sum[t] = multiply_add(Lane(values[2 * t * kColours + k]), weight, sum[t]);
            }
        }
    }
    SPOS_UNROLL for (int t = 0; t < kTile; ++t) {
        if (Inside || ox0 + t < s.out_width) lane.store(y + (int64_t)(ox0 + t) * s.channels, epilogue(sum[t], c, lane));
    }
}

// Row r of y, counted over all images; y and the taps are those of the lane's channels.
template <class Y, class Access, class Taps, class Epilogue>
__device__ __forceinline__ void forward_row(Y* y, const float* x, const Taps& taps, int r, StemShape s, Access lane,
                                            int c, const Epilogue& epilogue) {
    const int n = r / s.out_height, oy = r % s.out_height;
    const float* image = x + (int64_t)n * s.in_height * s.in_width * kColours;
    Y* row = y + (int64_t)r * s.out_width * s.channels;
    for (int ox0 = 0; ox0 < s.out_width; ox0 += kTile) {
        const bool inside = ox0 > 0 && 2 * (ox0 + kTile) <= s.in_width && ox0 + kTile <= s.out_width;
        if (inside) {
            forward_tile<true>(row, image, taps, oy, ox0, s, lane, c, epilogue);
        } else {
            forward_tile<false>(row, image, taps, oy, ox0, s, lane, c, epilogue);
        }
    }
}

// A lane's weights as a CPU reads them when they are needed, and as a GPU's thread keeps them in registers.
struct MemoryTaps {
    const float* w;
    int channels;

    template <class Access>
    __device__ __forceinline__ Lane at(int ky, int k, Access lane) const {
        return lane.load(w + ky * 3 * kColours * channels + k * channels);
    }
};

struct RegisterTaps {
    Lane values[kTaps];

    template <class Access>
    __device__ __forceinline__ Lane at(int ky, int k, Access) const {
        return values[ky * 3 * kColours + k];
    }
};

template <class Y, class Epilogue>
__device__ __forceinline__ void forward_rows(Y* y, const float* x, const float* w, StemShape s, int rows_per_slice,
                                             Epilogue epilogue) {
    const RowRange rows = rows_of_thread(rows_per_slice, s.images * s.out_height);
    if constexpr (Lane::width > 1) {
        for (int r = rows.first; r < rows.last; r += rows.step) {
            for_lanes(s.channels, [&](int c, auto lane) {
                forward_row(y + c, x, MemoryTaps{w + c, s.channels}, r, s, lane, c, epilogue);
            });
        }
    } else {
        for_channels(s.channels, [&](int c, auto lane) {
            RegisterTaps taps;
            SPOS_UNROLL for (int k = 0; k < kTaps; ++k) taps.values[k] = lane.load(w + k * s.channels + c);
            for (int r = rows.first; r < rows.last; r += rows.step)
                forward_row(y + c, x, taps, r, s, lane, c, epilogue);
        });
    }
}

SPOS_WORK(shape(images, in_height, in_width, channels), flops(2 * images * out_height * out_width * channels * 27))
SPOS_KERNEL stem_forward(SPOS_OUT(images, out_height, out_width, channels) float* y,
                         SPOS_IN(images, in_height, in_width, 3) const float* x,
                         SPOS_IN(3, 3, 3, channels) const float* w, int images, int in_height, int in_width,
                         int out_height, int out_width, int channels, int rows_per_slice) {
    forward_rows(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice, RawResult{});
}
SPOS_EXPORT(stem_forward)

#define SPOS_STEM_NORMALISED(T)                                                                                       \
    SPOS_WORK(shape(images, in_height, in_width, channels),                                                           \
              flops(2 * images * out_height * out_width * channels * 27))                                             \
    SPOS_KERNEL stem_normalised_##T(                                                                                  \
        SPOS_OUT(images, out_height, out_width, channels) T* y,                                                       \
        SPOS_IN(images, in_height, in_width, 3) const float* x, SPOS_IN(3, 3, 3, channels) const float* w,            \
        SPOS_IN(channels, uncounted) const float* scale, SPOS_IN(channels, uncounted) const float* shift, int images, \
        int in_height, int in_width, int out_height, int out_width, int channels, SPOS_FLAG int rectify,              \
        int rows_per_slice) {                                                                                         \
        forward_rows(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice,         \
                     NormalisedResult{scale, shift, rectify});                                                        \
    }                                                                                                                 \
    SPOS_EXPORT(stem_normalised_##T)

SPOS_STEM_NORMALISED(f32)
SPOS_STEM_NORMALISED(bf16)

// What row r of dy, counted over all images, adds to the sums of row ky of taps.
template <class Access>
__device__ __forceinline__ void backward_weights_row(Lane* sum, const float* dy, const float* x, StemShape s, int r,
                                                     int ky, Access lane) {
    const int n = r / s.out_height, iy = 2 * (r % s.out_height) - 1 + ky;
    if (iy < 0 || iy >= s.in_height) return;
    const float* x_row = x + ((int64_t)n * s.in_height + iy) * s.in_width * kColours;
    const float* dy_row = dy + (int64_t)r * s.out_width * s.channels;
    for (int ox = 0; ox < s.out_width; ++ox) {
        const Lane gradient = lane.load(dy_row + (int64_t)ox * s.channels);
        SPOS_UNROLL for (int kx = 0; kx < 3; ++kx) {
            const int ix = 2 * ox - 1 + kx;
            if (ix < 0 || ix >= s.in_width) continue;
            SPOS_UNROLL for (int i = 0; i < kColours; ++i) {
                sum[kx * kColours + i] += Lane(x_row[ix * kColours + i]) * gradient;
            }
        }
    }
}

SPOS_WORK(shape(images, in_height, in_width, channels), flops(2 * images * out_height * out_width * channels * 27))
SPOS_KERNEL stem_backward_weights(SPOS_OUT(ceil_div(product(images, out_height), rows_per_slice), 3, 3, 3, channels,
                                           counted(3, 3, 3, channels)) float* partials,
                                  SPOS_IN(images, out_height, out_width, channels) const float* dy,
                                  SPOS_IN(images, in_height, in_width, 3) const float* x, int images, int in_height,
                                  int in_width, int out_height, int out_width, int channels, int rows_per_slice) {
    const StemShape s{images, in_height, in_width, out_height, out_width, channels};
    const RowRange rows = rows_of_thread(rows_per_slice, images * out_height);
    float* partial = partials + (int64_t)slice_index() * kTaps * channels;
    for_channels_together(channels, [&](int c, auto lane) {
        constexpr int kRow = 3 * kColours;
        if constexpr (Lane::width > 1) {
            for (int ky = 0; ky < 3; ++ky) {
                Lane sum[kRow];
                SPOS_UNROLL for (int k = 0; k < kRow; ++k) sum[k] = Lane(0.0f);
                for (int r = rows.first; r < rows.last; r += rows.step) {
                    backward_weights_row(sum, dy + c, x, s, r, ky, lane);
                }
                store_block_sums<kRow>(partial + (int64_t)ky * kRow * channels + c, sum, channels, lane);
            }
        } else {
            Lane sums[kTaps];
            SPOS_UNROLL for (int k = 0; k < kTaps; ++k) sums[k] = Lane(0.0f);
            for (int r = rows.first; r < rows.last; r += rows.step) {
                SPOS_UNROLL for (int ky = 0; ky < 3; ++ky) {
                    backward_weights_row(sums + ky * kRow, dy + c, x, s, r, ky, lane);
                }
            }
            SPOS_UNROLL for (int ky = 0; ky < 3; ++ky) {
                store_block_sums<kRow>(partial + (int64_t)ky * kRow * channels + c, sums + ky * kRow, channels, lane);
            }
        }
    });
}
SPOS_EXPORT(stem_backward_weights)
