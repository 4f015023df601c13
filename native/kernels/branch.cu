// Inference through a depthwise convolution and the pointwise ones around it in one pass, batch norm folded:
//
//   z = relu(scale1 * (x w1) + shift1)             pointwise, [in] -> [middle]; without w1 z is x
//   d = scale2 * depthwise(z) + shift2             KxK, stride S, padding K/2, on [middle] channels
//   y = relu(scale3 * (d w3) + shift3)             pointwise, [middle] -> [out]
//
// To the bit what {pointwise,depthwise}_normalised make of it one after the other, but z and d never leave the cache.
// The rows of y, images * out_height of them, are cut into strips. A block works on one strip after the other, and on
// each band by band: the rows of z that a band needs and that are not made yet, then the band's d, then its y. If
// `passed` is given (stride 1 only), the channels that pass the branch by are copied too while the strip is in the
// cache: every second one of `passing`, whose rows are as far apart as x's, to `passed`, whose rows are as y's.
//
// Layouts: x [images][in_height][in_width], row m at x[m * x_stride], channels x_step apart (without w1: whole rows of
// [middle]); y [images][out_height][out_width], row m at y[m * y_stride]; w1 [in][middle], w2 [K][K][middle], w3
// [middle][out]; folded1 to folded3 [2][channels], scales and shifts. Launch: any number of blocks. Each needs
// workspace_stride floats of workspace: rows_per_band * out_width * middle for d and, if there is w1,
// ((rows_per_strip - 1) * S + K) * in_width * middle for z.
#include "device/depthwise.h"
#if SPOS_HOST
#include "host/gemm.h"
#else
#include "device/gemm.h"
#endif

struct BranchShape {
    DepthwiseShape depthwise;
    int in, out, x_stride, x_step, y_stride, passing;
    int rows_per_strip, rows_per_band;
};

// The first row of the depthwise convolution's input, counted over all images, that row r of its results reads, and the
// one after the last.
template <int K, int S>
__device__ __forceinline__ int first_input(int r, const DepthwiseShape& s) {
    return r / s.out_height * s.in_height + max(0, r % s.out_height * S - K / 2);
}
template <int K, int S>
__device__ __forceinline__ int end_of_input(int r, const DepthwiseShape& s) {
    return r / s.out_height * s.in_height + min(s.in_height, r % s.out_height * S - K / 2 + K);
}

// Results of rows first .. end-1, to y. `x` holds the input's rows from `origin` on.
template <int K, int S, int T>
__device__ __forceinline__ void forward_band(float* y, const float* x, int origin, const float* w, DepthwiseShape s,
                                             int first, int end, const NormalisedResult& epilogue) {
    const int tiles = (s.out_width + T - 1) / T;
    for_items((end - first) * tiles, s.channels, [&](int item, int c, auto lane) {
        const int r = first + item / tiles, ox = item % tiles * T;
        const int iy = r % s.out_height * S - K / 2;
        const float* image = x + ((int64_t)(r / s.out_height) * s.in_height - origin) * s.in_width * s.channels + c;
        float* row = y + (int64_t)(r - first) * s.out_width * s.channels + c;
        const MemoryTaps<K> taps{w + c, s.channels};
        if (is_full<S, T>(ox, s)) {
            forward_tile<true, K, S, T>(row, image, taps, s, iy, ox, lane, c, RawInput::OfLane{}, epilogue);
        } else {
            forward_tile<false, K, S, T>(row, image, taps, s, iy, ox, lane, c, RawInput::OfLane{}, epilogue);
        }
    });
}

// Copies every second channel.
__device__ __forceinline__ void pass(float* __restrict__ passed, const float* __restrict__ passing, int rows,
                                     int64_t passed_stride, int64_t passing_stride, int channels) {
    for (int r = 0; r < rows; ++r) {
        for (int c = (int)threadIdx.x; c < channels; c += (int)blockDim.x) {
            passed[r * passed_stride + c] = passing[r * passing_stride + 2 * c];
        }
    }
}

// What of x the band needs that begins at row r of y and ends before `last`, from row `begin` of x on.
template <int K, int S>
__device__ __forceinline__ void fetch_band(FetchAhead& ahead, const float* x, const BranchShape& b, int r, int last,
                                           int begin) {
    const DepthwiseShape& s = b.depthwise;
    const int end = end_of_input<K, S>(min(r + b.rows_per_band, last) - 1, s);
    ahead.add(x + (int64_t)begin * s.in_width * b.x_stride, (end - begin) * s.in_width, b.x_stride, b.x_stride);
}

template <int K, int S>
__device__ __forceinline__ void run_branch(float* y, const float* x, float* passed, const float* passing,
                                           float* workspace, const float* w1, const NormalisedResult& result1,
                                           const float* w2, const NormalisedResult& result2, const float* w3,
                                           const NormalisedResult& result3, const BranchShape& b) {
    const DepthwiseShape& s = b.depthwise;
    const int rows = s.images * s.out_height, middle = s.channels;
    float* band = workspace;
    float* z = band + (int64_t)b.rows_per_band * s.out_width * middle;
    const int strips = (rows - 1) / b.rows_per_strip + 1;
    for (int strip = (int)blockIdx.x; strip < strips; strip += (int)gridDim.x) {
        const int first = strip * b.rows_per_strip, last = min(b.rows_per_strip, rows - first) + first;
        const int origin = first_input<K, S>(first, s);
        int made = origin;
        for (int r = first; r < last; r += b.rows_per_band) {
            const int end = min(r + b.rows_per_band, last);
            const int64_t pixel = (int64_t)r * s.out_width;
            const int pixels = (end - r) * s.out_width;
            if (w1 != nullptr) {
                const int needed = end_of_input<K, S>(end - 1, s);
                const int inputs = (needed - made) * s.in_width;
                FetchAhead ahead(tiles_of(inputs, middle, b.in));
                if (passed != nullptr) {
                    ahead.add(passed + pixel * b.y_stride, pixels, b.y_stride, b.y_stride);
                } else {
                    ahead.add(y + pixel * b.y_stride, pixels, b.y_stride, b.out);
                }
                multiply_and_fetch(ahead, z + (int64_t)(made - origin) * s.in_width * middle, middle,
                                   MatrixView{x + (int64_t)made * s.in_width * b.x_stride, b.x_stride, b.x_step},
                                   MatrixView{w1, middle, 1}, inputs, middle, b.in, result1);
                made = needed;
                __syncthreads();
            }
            if (passed != nullptr) {
                pass(passed + pixel * b.y_stride, passing + pixel * b.x_stride, pixels, b.y_stride, b.x_stride,
                     b.passing);
            }
            with_narrow_tile<1>(s.out_width, [&](auto tile) {
                constexpr int T = decltype(tile)::value;
                forward_band<K, S, T>(band, w1 != nullptr ? z : x, w1 != nullptr ? origin : 0, w2, s, r, end, result2);
            });
            __syncthreads();
            FetchAhead ahead(tiles_of(pixels, b.out, middle));
            const int next_strip = strip + (int)gridDim.x;
            if (end < last) {
                fetch_band<K, S>(ahead, x, b, end, last, w1 != nullptr ? made : end_of_input<K, S>(end - 1, s));
            } else if (next_strip < strips) {
                const int next = next_strip * b.rows_per_strip;
                fetch_band<K, S>(ahead, x, b, next, rows, first_input<K, S>(next, s));
            }
            multiply_and_fetch(ahead, y + pixel * b.y_stride, b.y_stride, MatrixView{band, middle, 1},
                               MatrixView{w3, b.out, 1}, pixels, b.out, middle, result3);
            // The product has a barrier after its last look at the band.
        }
    }
}

#define SPOS_BRANCH(K, S)                                                                                           \
    SPOS_WORK(                                                                                                      \
        shape(images, in_height, in_width, in, middle, out),                                                        \
        flops(2 * middle * (images * in_height * in_width * in + images * out_height * out_width * (K * K + out)))) \
    SPOS_KERNEL branch_normalised_k##K##_s##S(                                                                      \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, out)) float* y,                                \
        SPOS_IN(strided(x_stride, x_step, images, in_height, in_width, in > 0 ? in : middle)) const float* x,       \
        SPOS_OUT(strided(y_stride, 1, images, out_height, out_width, pass_channels), or_null) float* passed,        \
        SPOS_IN(strided(x_stride, 2, images, out_height, out_width, pass_channels), or_null) const float* passing,  \
        SPOS_OUT(gridDim.x, workspace_stride, uncounted) float* workspace,                                          \
        SPOS_IN(in, middle, or_null) const float* w1, SPOS_IN(2, middle, uncounted, or_null) const float* folded1,  \
        SPOS_IN(K, K, middle) const float* w2, SPOS_IN(2, middle, uncounted) const float* folded2,                  \
        SPOS_IN(middle, out) const float* w3, SPOS_IN(2, out, uncounted) const float* folded3, int images,          \
        int in_height, int in_width, int out_height, int out_width, int middle, int in, int out, int x_stride,      \
        int x_step, int y_stride, int pass_channels, int rows_per_strip, int rows_per_band,                         \
        int64_t workspace_stride) {                                                                                 \
        run_branch<K, S>(y, x, passed, passing, workspace + blockIdx.x * workspace_stride, w1,                      \
                         {folded1, folded1 + middle, 1}, w2, {folded2, folded2 + middle, 0}, w3,                    \
                         {folded3, folded3 + out, 1},                                                               \
                         {{images, in_height, in_width, out_height, out_width, middle},                             \
                          in,                                                                                       \
                          out,                                                                                      \
                          x_stride,                                                                                 \
                          x_step,                                                                                   \
                          y_stride,                                                                                 \
                          pass_channels,                                                                            \
                          rows_per_strip,                                                                           \
                          rows_per_band});                                                                          \
    }                                                                                                               \
    SPOS_EXPORT(branch_normalised_k##K##_s##S)

SPOS_BRANCH(3, 1)
SPOS_BRANCH(3, 2)
SPOS_BRANCH(5, 1)
SPOS_BRANCH(5, 2)
SPOS_BRANCH(7, 1)
SPOS_BRANCH(7, 2)
