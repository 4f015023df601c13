// Stem convolution: 3x3, stride 2, zero padding 1, from the 3 colours of an image to C channels.
//
//   forward           y[n][oy][ox][c]   = sum_{ky,kx,i} x[n][2oy-1+ky][2ox-1+kx][i] * w[ky][kx][i][c]
//   backward weights  dw[ky][kx][i][c]  = sum_{n,oy,ox} x[n][2oy-1+ky][2ox-1+kx][i] * dy[n][oy][ox][c]
//
// stem_normalised is the forward pass with batch norm and perhaps ReLU applied to what it stores.
// Layouts: x [N][H][W][3], y [N][H/2][W/2][C], w [3][3][3][C]. Outputs are overwritten. The image itself needs
// no gradient. Launch: ceil(N * H/2 / rows_per_slice) slices; backward weights writes one partial
// [3][3][3][C] a slice for reduce_partials. Lanes hold output channels; the few input values are broadcast.
#include "device/epilogue.h"
#include "device/lanes.h"
#include "device/slices.h"

constexpr int kColours = 3;
constexpr int kTile = Lane::width > 1 ? 8 : 4;

struct StemShape {
    int images, in_height, in_width, out_height, out_width, channels;
};

// Results ox0 .. ox0+kTile-1 of a row of y. Inside: they are all there, and all columns that they read are.
template <bool Inside, class Access, class Epilogue>
__device__ __forceinline__ void forward_tile(float* y, const float* image, const float* w, int oy, int ox0, StemShape s,
                                             Access lane, int c, const Epilogue& epilogue) {
    Lane sum[kTile];
    SPOS_UNROLL for (int t = 0; t < kTile; ++t) sum[t] = Lane(0.0f);
    for (int ky = 0; ky < 3; ++ky) {
        const int iy = 2 * oy - 1 + ky;
        if (iy < 0 || iy >= s.in_height) continue;
        // One address and constants: the broadcasts need no arithmetic of their own.
        const float* values = image + ((int64_t)iy * s.in_width + 2 * ox0 - 1) * kColours;
        const float* taps = w + ky * 3 * kColours * s.channels;
        SPOS_UNROLL for (int k = 0; k < 3 * kColours; ++k) {
            const Lane weight = lane.load(taps + k * s.channels);
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

template <class Epilogue>
__device__ __forceinline__ void forward_rows(float* y, const float* x, const float* w, StemShape s, int rows_per_slice,
                                             Epilogue epilogue) {
    const int first = slice_index() * rows_per_slice;
    const int last = min(first + rows_per_slice, s.images * s.out_height);
    for (int r = first; r < last; ++r) {
        const int n = r / s.out_height, oy = r % s.out_height;
        const float* image = x + (int64_t)n * s.in_height * s.in_width * kColours;
        float* row = y + (int64_t)r * s.out_width * s.channels;
        for_lanes(s.channels, [&](int c, auto lane) {
            for (int ox0 = 0; ox0 < s.out_width; ox0 += kTile) {
                const bool inside = ox0 > 0 && 2 * (ox0 + kTile) <= s.in_width && ox0 + kTile <= s.out_width;
                if (inside) {
                    forward_tile<true>(row + c, image, w + c, oy, ox0, s, lane, c, epilogue);
                } else {
                    forward_tile<false>(row + c, image, w + c, oy, ox0, s, lane, c, epilogue);
                }
            }
        });
    }
}

SPOS_KERNEL stem_forward(float* y, const float* x, const float* w, int images, int in_height, int in_width,
                         int out_height, int out_width, int channels, int rows_per_slice) {
    forward_rows(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice, RawResult{});
}
SPOS_EXPORT(stem_forward)

SPOS_KERNEL stem_normalised(float* y, const float* x, const float* w, const float* scale, const float* shift,
                            int images, int in_height, int in_width, int out_height, int out_width, int channels,
                            int rectify, int rows_per_slice) {
    forward_rows(y, x, w, {images, in_height, in_width, out_height, out_width, channels}, rows_per_slice,
                 NormalisedResult{scale, shift, rectify});
}
SPOS_EXPORT(stem_normalised)

SPOS_KERNEL stem_backward_weights(float* partials, const float* dy, const float* x, int images, int in_height,
                                  int in_width, int out_height, int out_width, int channels, int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    if (first >= images * out_height) return;
    const int last = min(first + rows_per_slice, images * out_height);
    float* partial = partials + (int64_t)slice_index() * 27 * channels;
    for_lanes(channels, [&](int c, auto lane) {
        for (int ky = 0; ky < 3; ++ky) {
            Lane sum[3 * kColours];
            SPOS_UNROLL for (int k = 0; k < 3 * kColours; ++k) sum[k] = Lane(0.0f);
            for (int r = first; r < last; ++r) {
                const int n = r / out_height, iy = 2 * (r % out_height) - 1 + ky;
                if (iy < 0 || iy >= in_height) continue;
                const float* x_row = x + ((int64_t)n * in_height + iy) * in_width * kColours;
                const float* dy_row = dy + (int64_t)r * out_width * channels + c;
                for (int ox = 0; ox < out_width; ++ox) {
                    const Lane gradient = lane.load(dy_row + (int64_t)ox * channels);
                    SPOS_UNROLL for (int kx = 0; kx < 3; ++kx) {
                        const int ix = 2 * ox - 1 + kx;
                        if (ix < 0 || ix >= in_width) continue;
                        SPOS_UNROLL for (int i = 0; i < kColours; ++i) {
                            sum[kx * kColours + i] += Lane(x_row[ix * kColours + i]) * gradient;
                        }
                    }
                }
            }
            SPOS_UNROLL for (int k = 0; k < 3 * kColours; ++k) {
                lane.store(partial + (int64_t)(ky * 3 * kColours + k) * channels + c, sum[k]);
            }
        }
    });
}
SPOS_EXPORT(stem_backward_weights)
