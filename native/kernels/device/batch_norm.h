// Batch norm's part in other kernels: sums over the rows that a slice holds, and values as they become on load.
#pragma once
#include "device/lanes.h"

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
__device__ __forceinline__ void column_gradient_sums(float* partial, bool begin, const float* dy, int64_t dy_stride,
                                                     const float* x, int count, int channels, const Statistics& s,
                                                     int rectify, int c, Access lane) {
    const Lane mean = lane.load(s.mean + c), scale = lane.load(s.scale + c), shift = lane.load(s.shift + c);
    Lane sum = begin ? Lane(0.0f) : lane.load(partial + c);
    Lane products = begin ? Lane(0.0f) : lane.load(partial + channels + c);
    for (int r = 0; r < count; ++r) {
        const Lane value = lane.load(x + (int64_t)r * channels + c);
        Lane g = lane.load(dy + r * dy_stride + c);
        if (rectify) g = where_positive(value * scale + shift, g);
        sum += g;
        products += g * (value - mean);
    }
    lane.store(partial + c, sum);
    lane.store(partial + channels + c, products);
}

// A convolution's input: channel k of row m is data[m * stride + k * step], and with a scale it is still to be
// normalised. (Lanes of several channels are for step 1.)
struct InputView {
    const float* data;
    int64_t stride, step;
    const float *scale, *shift;
    int rectify;

    template <class Access>
    __device__ __forceinline__ Lane load(int64_t row, int c, Access lane) const {
        const Lane value = lane.load(data + row * stride + c * step);
        if (!scale) return value;
        const Lane result = multiply_add(value, lane.load(scale + c), lane.load(shift + c));
        return rectify ? relu(result) : result;
    }

    __device__ InputView from_row(int64_t row) const {
        InputView rest = *this;
        rest.data += row * stride;
        return rest;
    }
};

// The gradient of a convolution's raw result y [rows][channels], from the gradient dy of what batch norm and perhaps
// ReLU made of it: a * g + b * (y - mean) + c with batch_norm_backward_finalize's coefficients.
struct GradientView {
    const float* dy;
    int64_t dy_stride;
    const float* y;
    int channels;
    Statistics statistics;
    const float* coefficients;
    int rectify;

    template <class Access>
    __device__ __forceinline__ Lane load(int64_t row, int c, Access lane) const {
        const Lane value = lane.load(y + row * channels + c);
        Lane g = lane.load(dy + row * dy_stride + c);
        if (rectify) {
            g = where_positive(value * lane.load(statistics.scale + c) + lane.load(statistics.shift + c), g);
        }
        return lane.load(coefficients + c) * g +
               lane.load(coefficients + channels + c) * (value - lane.load(statistics.mean + c)) +
               lane.load(coefficients + 2 * channels + c);
    }

    __device__ GradientView from_row(int64_t row) const {
        GradientView rest = *this;
        rest.dy += row * dy_stride;
        rest.y += row * channels;
        return rest;
    }
};
