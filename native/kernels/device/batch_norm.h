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

// Of `count` rows that begin at `source`, for the lane of channels at c: the mean, and the sum of squared deviations
// from it, partial = [mean, squares], each [channels]. Sums are taken around the first row.
template <class Access>
__device__ __forceinline__ void column_statistics(float* partial, const float* source, int count, int channels, int c,
                                                  Access lane) {
    const Lane pivot = lane.load(source + c);
    Lane sum(0.0f), squares(0.0f), sum2(0.0f), squares2(0.0f);
    int r = 0;
    for (; r + 2 <= count; r += 2) {
        const Lane d = lane.load(source + (int64_t)r * channels + c) - pivot;
        const Lane d2 = lane.load(source + (int64_t)(r + 1) * channels + c) - pivot;
        sum += d;
        squares += d * d;
        sum2 += d2;
        squares2 += d2 * d2;
    }
    if (r < count) {
        const Lane d = lane.load(source + (int64_t)r * channels + c) - pivot;
        sum += d;
        squares += d * d;
    }
    sum += sum2;
    squares += squares2;
    const Lane mean = sum * Lane(1.0f / (float)count);
    lane.store(partial + c, pivot + mean);
    lane.store(partial + channels + c, squares - sum * mean);
}

// Of `count` rows of a gradient dy and of the raw values x that were normalised: partial = [sum of g, sum of g * (x -
// mean)], each [channels], where g is dy, or with `rectify` dy where the normalised value is positive. Adds to what the
// slice's rows before have left unless `begin`.
template <class Access>
__device__ __forceinline__ void column_gradient_sums(float* partial, bool begin, const float* dy, const float* x,
                                                     int count, int channels, const Statistics& s, int rectify, int c,
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

// A convolution's input [rows][channels], with a scale still to be normalised.
struct InputView {
    const float* data;
    int channels;
    const float *scale, *shift;
    int rectify;

    // A lane of its channels, down the rows.
    struct Column {
        const float* data;
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

// The gradient of a convolution's raw result y [rows][channels], from the gradient dy of what batch norm and perhaps
// ReLU made of it: a * g + b * (y - mean) + c with batch_norm_backward_finalize's coefficients.
struct GradientView {
    const float *dy, *y;
    int channels;
    Statistics statistics;
    const float* coefficients;
    int rectify;

    // A lane of its channels, down the rows.
    struct Column {
        const float *dy, *y;
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

    template <class Access>
    __device__ __forceinline__ Column column(int c, Access lane) const {
        return {dy + c,
                y + c,
                channels,
                rectify != 0,
                lane.load(statistics.mean + c),
                lane.load(statistics.scale + c),
                lane.load(statistics.shift + c),
                lane.load(coefficients + c),
                lane.load(coefficients + channels + c),
                lane.load(coefficients + 2 * channels + c)};
    }

    __device__ GradientView from_row(int64_t row) const {
        GradientView rest = *this;
        rest.dy += row * channels;
        rest.y += row * channels;
        return rest;
    }
};

}  // namespace
