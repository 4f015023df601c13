// Batch norm's part in other kernels: sums over the rows that a slice holds, and values as they become on load.
#pragma once
#include "device/lanes.h"

namespace {

// What batch_norm_finalize writes about a tensor of `channels`: four rows.
struct Statistics {
    const float *mean, *inverse_deviation, *scale, *shift;
};

__device__ __forceinline__ Statistics statistics_at(const float* table, int channels) {
    return {table, table + channels, table + 2 * channels, table + 3 * channels};
}

// Of `count` rows of the lane of channels at c, `stride` apart from `source` on: the mean, and the sum of squared
// deviations from it, partial = [mean, squares], each [channels]. Sums are taken around the first row. Those that
// partial holds of `before` rows are combined with them (Chan et al., see batch_norm.cu).
template <class V, class Access>
__device__ __forceinline__ void column_statistics(float* partial, int before, const V* source, int64_t stride,
                                                  int count, int channels, int c, Access lane) {
    const Lane pivot = lane.load(source);
    Lane sum(0.0f), squares(0.0f), sum2(0.0f), squares2(0.0f);
    int r = 0;
    for (; r + 2 <= count; r += 2) {
        const Lane d = lane.load(source + r * stride) - pivot;
        const Lane d2 = lane.load(source + (r + 1) * stride) - pivot;
        sum += d;
        squares += d * d;
        sum2 += d2;
        squares2 += d2 * d2;
    }
    if (r < count) {
        const Lane d = lane.load(source + r * stride) - pivot;
        sum += d;
        squares += d * d;
    }
    sum += sum2;
    squares += squares2;
    const Lane deviation = sum * Lane(1.0f / (float)count);
    Lane mean = pivot + deviation;
    squares = squares - sum * deviation;
    if (before > 0) {
        const Lane mean_before = lane.load(partial + c), difference = mean - mean_before;
        const float share = (float)count / (float)(before + count);
        mean = mean_before + difference * Lane(share);
        squares += lane.load(partial + channels + c) + difference * difference * Lane((float)before * share);
    }
    lane.store(partial + c, mean);
    lane.store(partial + channels + c, squares);
}

// Of `count` rows of a gradient dy and of the raw values x that were normalised: partial = [sum of g, sum of g * (x -
// mean)], each [channels], where g is dy, or with `rectify` dy where the normalised value is positive. Adds to what the
// slice's rows before have left unless `begin`.
template <class V, class Access>
__device__ __forceinline__ void column_gradient_sums(float* partial, bool begin, const V* dy, const V* x, int count,
                                                     int channels, const Statistics& s, int rectify, int c,
                                                     Access lane) {
    const Lane mean = lane.load(s.mean + c), scale = lane.load(s.scale + c), shift = lane.load(s.shift + c);
    Lane sum = begin ? Lane(0.0f) : lane.load(partial + c);
    Lane products = begin ? Lane(0.0f) : lane.load(partial + channels + c);
    for (int r = 0; r < count; ++r) {
        const Lane value = lane.load(x + (int64_t)r * channels + c);
        Lane g = lane.load(dy + (int64_t)r * channels + c);
        if (rectify) g = where_positive(value * scale + shift, g);
        sum += g;
        products += g * (value - mean);
    }
    lane.store(partial + c, sum);
    lane.store(partial + channels + c, products);
}

// How far ahead of what is loaded a CPU fetches: its own prefetcher does not follow rows of several channels.
constexpr int kRowsAhead = 8;

// A convolution's input [rows][channels], with a scale still to be normalised. V: floats or bf16.
template <class V>
struct InputView {
    const V* data;
    int channels;
    const float *scale, *shift;
    int rectify;

    // A lane of its channels, down the rows.
    struct Column {
        const V* data;
        int64_t stride;
        bool normalise, rectify;
        Lane scale, shift;

        template <class Access>
        __device__ __forceinline__ Lane load(int64_t row, Access lane) const {
            Lane::prefetch(data + (row + kRowsAhead) * stride);
            const Lane value = lane.load(data + row * stride);
            if (!normalise) return value;
            const Lane result = multiply_add(value, scale, shift);
            return rectify ? relu(result) : result;
        }
    };

    template <class Access>
    __device__ __forceinline__ Column column(int c, Access lane) const {
        Column column{data + c, channels, scale != nullptr, rectify != 0, Lane(0.0f), Lane(0.0f)};
        if (!scale) return column;
        column.scale = lane.load(scale + c);
        column.shift = lane.load(shift + c);
        return column;
    }

    __device__ InputView from_row(int64_t row) const {
        InputView rest = *this;
        rest.data += row * channels;
        return rest;
    }
};

template <class V>
__device__ __forceinline__ InputView<V> input_view(const V* x, const float* statistics, int channels, int rectify) {
    const Statistics s = statistics_at(statistics, channels);
    return {x, channels, statistics ? s.scale : nullptr, statistics ? s.shift : nullptr, rectify};
}

// What makes the gradient of a convolution's raw results y from that of what batch norm and perhaps ReLU made of them:
// a * g + b * (y - mean) + c with batch_norm_backward_finalize's coefficients.
struct GradientFactors {
    int channels;
    Statistics statistics;
    const float* coefficients;
    int rectify;

    // A lane of channels, down the rows.
    template <class V>
    struct Column {
        const V *dy, *y;
        int64_t stride;
        bool rectify;
        Lane mean, scale, shift, a, b, constant;

        template <class Access>
        __device__ __forceinline__ Lane load(int64_t row, Access lane) const {
            Lane::prefetch(y + (row + kRowsAhead) * stride);
            Lane::prefetch(dy + (row + kRowsAhead) * stride);
            const Lane value = lane.load(y + row * stride);
            Lane g = lane.load(dy + row * stride);
            if (rectify) g = where_positive(multiply_add(value, scale, shift), g);
            return multiply_add(a, g, multiply_add(b, value - mean, constant));
        }
    };

    // Of the channels at c, whose rows lie `stride` apart from dy and y on.
    template <class V, class Access>
    __device__ __forceinline__ Column<V> column(const V* dy, const V* y, int64_t stride, int c, Access lane) const {
        return {dy,
                y,
                stride,
                rectify != 0,
                lane.load(statistics.mean + c),
                lane.load(statistics.scale + c),
                lane.load(statistics.shift + c),
                lane.load(coefficients + c),
                lane.load(coefficients + channels + c),
                lane.load(coefficients + 2 * channels + c)};
    }
};

// The gradient of y [rows][channels].
template <class V>
struct GradientView {
    const V *dy, *y;
    GradientFactors factors;

    template <class Access>
    __device__ __forceinline__ GradientFactors::Column<V> column(int c, Access lane) const {
        return factors.column(dy + c, y + c, factors.channels, c, lane);
    }

    __device__ GradientView from_row(int64_t row) const {
        return {dy + row * factors.channels, y + row * factors.channels, factors};
    }
};

}  // namespace
