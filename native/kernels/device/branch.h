// The strips of a branch (branch.cu), with activations of floats or of bf16.
#pragma once
#include "device/depthwise.h"
#if SPOS_HOST
#include "host/gemm_bf16.h"
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
template <int K, int S, int T, class V>
__device__ __forceinline__ void forward_band(V* y, const V* x, int origin, const float* w, DepthwiseShape s, int first,
                                             int end, const NormalisedResult& epilogue) {
    const int tiles = (s.out_width + T - 1) / T;
    for_items((end - first) * tiles, s.channels, [&](int item, int c, auto lane) {
        const int r = first + item / tiles, ox = item % tiles * T;
        const int iy = r % s.out_height * S - K / 2;
        const V* image = x + ((int64_t)(r / s.out_height) * s.in_height - origin) * s.in_width * s.channels + c;
        V* row = y + (int64_t)(r - first) * s.out_width * s.channels + c;
        const MemoryTaps<K> taps{w + c, s.channels};
        if (is_full<S, T>(ox, s)) {
            forward_tile<true, K, S, T>(row, image, taps, s, iy, ox, lane, c, RawInput::OfLane{}, epilogue);
        } else {
            forward_tile<false, K, S, T>(row, image, taps, s, iy, ox, lane, c, RawInput::OfLane{}, epilogue);
        }
    });
}

// Copies every second channel.
template <class V>
__device__ __forceinline__ void pass(V* __restrict__ passed, const V* __restrict__ passing, int rows,
                                     int64_t passed_stride, int64_t passing_stride, int channels) {
    for (int r = 0; r < rows; ++r) {
        copy_every_second(passed + r * passed_stride, passing + r * passing_stride, channels, (int)threadIdx.x,
                          (int)blockDim.x);
    }
}

// What of x the band needs that begins at row r of y and ends before `last`, from row `begin` of x on.
template <int K, int S, class V>
__device__ __forceinline__ void fetch_band(FetchAhead& ahead, const V* x, const BranchShape& b, int r, int last,
                                           int begin) {
    const DepthwiseShape& s = b.depthwise;
    const int end = end_of_input<K, S>(min(r + b.rows_per_band, last) - 1, s);
    ahead.add(x + (int64_t)begin * s.in_width * b.x_stride, (end - begin) * s.in_width, b.x_stride, b.x_stride);
}

// Whether products take neighbouring channels only, as those of bf16 on a CPU do; a GPU, whose start leaves this kernel
// out, is given them alike.
template <class V>
constexpr bool kReadsPairs = false;
template <>
constexpr bool kReadsPairs<Bf16> = true;

// Moves rows of `values` each to the start of z, from row `from` on. They may overlap: each thread has its own columns.
// What was there is read before the product that follows stores, which has barriers before that.
template <class V>
__device__ __forceinline__ void move_to_start(V* z, int from, int rows, int values) {
    for (int r = 0; r < rows; ++r) {
        V* const target = z + (int64_t)r * values;
        const V* const source = z + (int64_t)(r + from) * values;
        for_lanes(values, [=](int c, auto lane) { lane.store(target + c, lane.load(source + c)); });
    }
}

template <int K, int S, class V>
__device__ __forceinline__ void run_branch(V* y, const V* x, V* passed, const V* passing, V* workspace, const float* w1,
                                           const NormalisedResult& result1, const float* w2,
                                           const NormalisedResult& result2, const float* w3,
                                           const NormalisedResult& result3, const BranchShape& b) {
    const DepthwiseShape& s = b.depthwise;
    const int rows = s.images * s.out_height, middle = s.channels;
    V* band = workspace;
    V* z = band + (int64_t)b.rows_per_band * s.out_width * middle;
    V* together = z + ((int64_t)(b.rows_per_band - 1) * S + K) * s.in_width * middle;
    const int strips = (rows - 1) / b.rows_per_strip + 1;
    for (int strip = (int)blockIdx.x; strip < strips; strip += (int)gridDim.x) {
        const int first = strip * b.rows_per_strip, last = min(b.rows_per_strip, rows - first) + first;
        // Of z there are rows `origin` to `made` - 1.
        int origin = first_input<K, S>(first, s), made = origin;
        for (int r = first; r < last; r += b.rows_per_band) {
            const int end = min(r + b.rows_per_band, last);
            const int64_t pixel = (int64_t)r * s.out_width;
            const int pixels = (end - r) * s.out_width;
            if (w1 != nullptr) {
                const int begin = first_input<K, S>(r, s), needed = end_of_input<K, S>(end - 1, s);
                move_to_start(z, begin - origin, made - begin, s.in_width * middle);
                origin = begin;
                const int inputs = (needed - made) * s.in_width;
                MatrixOf<V> input{x + (int64_t)made * s.in_width * b.x_stride, b.x_stride, b.x_step};
                if (kReadsPairs<V> && b.x_step != 1) {
                    pass(together, input.data, inputs, b.in, b.x_stride, b.in);
                    __syncthreads();
                    input = {together, b.in, 1};
                }
                FetchAhead ahead(tiles_of(inputs, middle, b.in));
                if (passed != nullptr) {
                    ahead.add(passed + pixel * b.y_stride, pixels, b.y_stride, b.y_stride);
                } else {
                    ahead.add(y + pixel * b.y_stride, pixels, b.y_stride, b.out);
                }
                multiply_and_fetch(ahead, z + (int64_t)(made - origin) * s.in_width * middle, middle, input,
                                   packed_weights(w1, middle), inputs, middle, b.in, result1);
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
            multiply_and_fetch(ahead, y + pixel * b.y_stride, b.y_stride, MatrixOf<V>{band, middle, 1},
                               packed_weights(w3, b.out), pixels, b.out, middle, result3);
            // The product has a barrier after its last look at the band.
        }
    }
}
