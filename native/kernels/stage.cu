// The channels of a stage of choice blocks, kept by who takes them: channel shuffle and concatenation move nothing.
//
// A block's output has 2 * half channels, in places 0 .. 2 * half - 1. The next block (channel shuffle with two groups,
// arXiv 1807.11164, figure 3) takes those in odd places, place p as its channel p / 2; the others pass by, to place p /
// 2 of its own output. So the place's lowest set bit k says that the k-th block after takes it, as channel p >> (k +
// 1); or, if fewer than k + 1 blocks are `after`, that it is in place p >> after of what the stage ends in. A block
// writes each of its results there, and the gradients of what it gave come back from there.
//
//   inputs   [blocks after][rows][half], block by block what it takes
//   outputs  [rows][2 * half], what the stage ends in
//
//   scatter  results f(scale[c] * x[m][c] + shift[c]), f with ReLU if `rectify`, the first one's place `first_place`
//   gather   dy [rows][channels], the gradients of those results, and batch_norm_backward_sums' partial sums
//
// x [rows][channels] are raw results of a convolution, `statistics` batch_norm_finalize's table of them. Of inputs and
// outputs scatter overwrites the places of its results, gather all of dy. Launch: ceil(rows / rows_per_slice) slices.
#include "device/batch_norm.h"
#include "device/slices.h"

namespace {

// A CPU goes down the rows channel by channel: few enough rows to stay in the first-level cache.
constexpr int kRowsAtOnce = 16;

// The values of one place: that of row m is data[m * stride].
template <class T>
struct Place {
    T* data;
    int64_t stride;
};

template <class T>
__device__ __forceinline__ Place<T> find_place(T* inputs, T* outputs, int rows, int half, int after, int place) {
    // Place 0 passes by for ever.
    const int block = place == 0 ? after : min(__ffs(place) - 1, after);
    if (block == after) return {outputs + (place == 0 ? 0 : place >> block), 2 * half};
    return {inputs + (int64_t)block * rows * half + (place >> (block + 1)), half};
}

}  // namespace

SPOS_KERNEL stage_scatter(float* inputs, float* outputs, const float* x, const float* statistics, int rows,
                          int channels, int first_place, int after, int half, int rectify, int rows_per_slice) {
    const Statistics table = statistics_at(statistics, channels);
    const float least = rectify ? 0.0f : -INFINITY;
    const int begin = slice_index() * rows_per_slice;
    const int end = min(begin + rows_per_slice, rows);
    for (int first = begin; first < end; first += kRowsAtOnce) {
        const int last = min(first + kRowsAtOnce, end);
        for (int c = (int)threadIdx.x; c < channels; c += (int)blockDim.x) {
            const Place<float> y = find_place(inputs, outputs, rows, half, after, first_place + c);
            const float scale = table.scale[c], shift = table.shift[c];
            for (int r = first; r < last; ++r) {
                const float* raw = x + (int64_t)r * channels + c;
                Lane::prefetch(raw + (int64_t)kRowsAtOnce * channels);
                Lane::prefetch(y.data + (r + kRowsAtOnce) * y.stride);
                y.data[r * y.stride] = max(least, scale * *raw + shift);
            }
        }
    }
}
SPOS_EXPORT(stage_scatter)

SPOS_KERNEL stage_gather(float* dy, float* partials, const float* d_inputs, const float* d_outputs, const float* x,
                         const float* statistics, int rows, int channels, int first_place, int after, int half,
                         int rectify, int rows_per_slice) {
    const int begin = slice_index() * rows_per_slice;
    const int end = min(begin + rows_per_slice, rows);
    float* partial = partials + (int64_t)slice_index() * 2 * channels;
    for (int first = begin; first < end; first += kRowsAtOnce) {
        const int count = min(kRowsAtOnce, end - first);
        const int64_t start = (int64_t)first * channels;
        for (int c = (int)threadIdx.x; c < channels; c += (int)blockDim.x) {
            const Place<const float> source = find_place(d_inputs, d_outputs, rows, half, after, first_place + c);
            for (int r = 0; r < count; ++r) {
                const int64_t at = start + (int64_t)r * channels + c;
                Lane::prefetch(source.data + (first + r + kRowsAtOnce) * source.stride);
                Lane::prefetch(dy + at + (int64_t)kRowsAtOnce * channels);
                Lane::prefetch(x + at);
                dy[at] = source.data[(first + r) * source.stride];
            }
        }
        // A thread of a GPU sums what it has gathered.
        for_lanes(channels, [&](int c, auto lane) {
            column_gradient_sums(partial, first == begin, dy + start, x + start, count, channels,
                                 statistics_at(statistics, channels), rectify, c, lane);
        });
    }
}
SPOS_EXPORT(stage_gather)
