// Values sorted within vectors: pairs of them, and squares.
#pragma once

namespace {

struct LanePair {
    Lane first, second;
};

// The values of a and then of b in even places, and those in odd ones.
__forceinline__ LanePair unzip(Lane a, Lane b) {
    typedef int Places __attribute__((vector_size(4 * Lane::width)));
    Places even, odd;
    SPOS_UNROLL for (int i = 0; i < Lane::width; ++i) {
        even[i] = 2 * i;
        odd[i] = 2 * i + 1;
    }
    return {Lane(__builtin_shuffle(a.v, b.v, even)), Lane(__builtin_shuffle(a.v, b.v, odd))};
}

// The reverse.
__forceinline__ LanePair zip(Lane even, Lane odd) {
    typedef int Places __attribute__((vector_size(4 * Lane::width)));
    Places low, high;
    SPOS_UNROLL for (int i = 0; i < Lane::width; ++i) {
        low[i] = i / 2 + i % 2 * Lane::width;
        high[i] = low[i] + Lane::width / 2;
    }
    return {Lane(__builtin_shuffle(even.v, odd.v, low)), Lane(__builtin_shuffle(even.v, odd.v, high))};
}

// y[j * y_stride + i] = x[i * x_stride + j], `accumulate` to what is there, for as many rows and columns as a vector is
// wide: zipped with the row half the rows below, log2 of them times, rows become columns.
__forceinline__ void transpose_square(float* y, int64_t y_stride, const float* x, int64_t x_stride, bool accumulate) {
    constexpr int size = Lane::width;
    Lane rows[size];
    SPOS_UNROLL for (int i = 0; i < size; ++i) rows[i] = Lane::load(x + i * x_stride);
    SPOS_UNROLL for (int step = 1; step < size; step *= 2) {
        Lane zipped[size];
        SPOS_UNROLL for (int i = 0; i < size / 2; ++i) {
            const LanePair pair = zip(rows[i], rows[i + size / 2]);
            zipped[2 * i] = pair.first;
            zipped[2 * i + 1] = pair.second;
        }
        SPOS_UNROLL for (int i = 0; i < size; ++i) rows[i] = zipped[i];
    }
    SPOS_UNROLL for (int i = 0; i < size; ++i) {
        float* const target = y + i * y_stride;
        (accumulate ? Lane::load(target) + rows[i] : rows[i]).store(target);
    }
}

}  // namespace
