// Channel scale: y[n][p][c] = x[n][p][c] s[n][c]; dx = dy s, ds[n][c] = sum over the P pixels of dy x.
// Layouts: x [N][P][C] (NHWC), s [N][C]. Each image is cut into parts of rows_per_part pixels. Outputs are overwritten;
// y may be x, and dx may be dy. Launch: slices (device/slices.h), at most one a part, which take the parts in turn.
#include "device/block_sums.h"

namespace {

// Calls body(image, part, its first pixel, the one after its last) for each part that this block takes.
template <class Body>
__device__ __forceinline__ void for_parts(int images, int pixels, int rows_per_part, Body&& body) {
    const int parts = (pixels + rows_per_part - 1) / rows_per_part;
    const int slices = (int)(Lane::width > 1 ? gridDim.x : gridDim.y);
    for (int i = slice_index(); i < images * parts; i += slices) {
        const int first = i % parts * rows_per_part;
        body(i / parts, i % parts, first, min(first + rows_per_part, pixels));
    }
}

}  // namespace

SPOS_WORK(shape(product(images, pixels), channels), flops(images, pixels, channels))
SPOS_KERNEL channel_scale_forward(SPOS_OUT(images, pixels, channels) float* y,
                                  SPOS_IN(images, pixels, channels) const float* x,
                                  SPOS_IN(images, channels, uncounted) const float* s, int images, int pixels,
                                  int channels, int rows_per_part) {
    for_parts(images, pixels, rows_per_part, [&](int image, int, int first, int last) {
        const float* factors = s + (int64_t)image * channels;
        for (int p = first + (int)threadIdx.y; p < last; p += (int)blockDim.y) {
            const int64_t row = ((int64_t)image * pixels + p) * channels;
            for_channels(channels, [&](int c, auto lane) {
                lane.store(y + row + c, lane.load(x + row + c) * lane.load(factors + c));
            });
        }
    });
}
SPOS_EXPORT(channel_scale_forward)

//   partials[part][n] = the part's sums   [C]
SPOS_WORK(shape(product(images, pixels), channels), flops(3, images, pixels, channels))
SPOS_KERNEL channel_scale_backward(
    SPOS_OUT(images, pixels, channels) float* dx,
    SPOS_OUT(ceil_div(pixels, rows_per_part), images, channels, uncounted) float* partials,
    SPOS_IN(images, pixels, channels) const float* dy, SPOS_IN(images, pixels, channels) const float* x,
    SPOS_IN(images, channels, uncounted) const float* s, int images, int pixels, int channels, int rows_per_part) {
    for_parts(images, pixels, rows_per_part, [&](int image, int part, int first, int last) {
        const float* factors = s + (int64_t)image * channels;
        float* sums = partials + ((int64_t)part * images + image) * channels;
        const int64_t pixel = (int64_t)image * pixels;
        if constexpr (Lane::width > 1) {
            // Memory is read in its order, a few rows at once, so that the sums are loaded and stored less often.
            constexpr int kRowsTogether = 4;
            for (int p = first; p < last; p += kRowsTogether) {
                const int64_t row = (pixel + p) * channels;
                const int count = min(kRowsTogether, last - p);
                for_lanes(channels, [&](int c, auto lane) {
                    const Lane factor = lane.load(factors + c);
                    Lane sum = p == first ? Lane(0.0f) : lane.load(sums + c);
                    for (int r = 0; r < count; ++r) {
                        const int64_t at = row + (int64_t)r * channels + c;
                        const Lane g = lane.load(dy + at);
                        sum = multiply_add(g, lane.load(x + at), sum);
                        lane.store(dx + at, g * factor);
                    }
                    lane.store(sums + c, sum);
                });
            }
        } else {
            for_channels_together(channels, [&](int c, auto lane) {
                const Lane factor = lane.load(factors + c);
                Lane sum(0.0f);
                // A thread beyond the last channel would read dy where another writes dx.
                const int end = lane.present ? last : first;
                SPOS_UNROLL_ON_GPU(4)
                for (int p = first + (int)threadIdx.y; p < end; p += (int)blockDim.y) {
                    const int64_t at = (pixel + p) * channels + c;
                    const Lane g = lane.load(dy + at);
                    sum = multiply_add(g, lane.load(x + at), sum);
                    lane.store(dx + at, g * factor);
                }
                store_block_sums<1>(sums + c, &sum, channels, lane);
            });
        }
    });
}
SPOS_EXPORT(channel_scale_backward)
