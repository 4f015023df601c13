// The pointwise convolution that ends a branch, for a block of GPU threads: each value is stored where it is taken
// from, each gradient read from there.
#pragma once
#include "device/places.h"
#include "device/pointwise_fused.h"

namespace {

// A block's rows, from `first_row` on.
template <class T>
struct PlacedRows {
    T *inputs, *outputs;
    Places places;
    int first_row;

    __device__ __forceinline__ PlacedColumn<T> column(int c) const {
        PlacedColumn<T> column = find_column(inputs, outputs, places, c);
        column.data += first_row * column.stride;
        return column;
    }

    __device__ __forceinline__ T* at(int row, int c) const {
        const PlacedColumn<T> values = column(c);
        return values.data + row * values.stride;
    }
};

struct PlacedGradients {
    PlacedRows<const float> dy, y;
    GradientFactors factors;

    template <class Access>
    __device__ __forceinline__ GradientFactors::Column column(int c, Access lane) const {
        const PlacedColumn<const float> gradients = dy.column(c);
        return factors.column(gradients.data, y.column(c).data, gradients.stride, c, lane);
    }
};

// `rows` are those of one row of tiles.
__device__ __forceinline__ void placed_forward_block(const PlacedRows<float>& y, float* partials, const InputView& x,
                                                     const float* w, int rows, int in, int out) {
    multiply_into(y, ViewLines<InputView, true>{x}, MatrixView{w, out, 1}, rows, out, in, RawResult{},
                  TileStatistics<PlacedRows<float>>{partials, y, out});
}

}  // namespace
