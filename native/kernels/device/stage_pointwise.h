// The pointwise convolution that ends a branch, for a block of GPU threads: each value is stored where it is taken
// from, each gradient read from there.
#pragma once
#include "device/places.h"
#include "device/pointwise_fused.h"

namespace {

template <class T>
struct PlacedRows {
    T *inputs, *outputs;
    Places places;

    __device__ __forceinline__ PlacedColumn<T> column(int c) const { return find_column(inputs, outputs, places, c); }

    // As DenseResults has it.
    template <int Rows, int Columns, class Epilogue>
    __device__ __forceinline__ void store(const float (&sum)[Rows][Columns], const Piece& piece, int i0, int j0,
                                          int rows, int columns, const Epilogue& epilogue) const {
        SPOS_UNROLL for (int j = 0; j < Columns; ++j) {
            const int c = piece.column_at(j);
            if (c >= columns) continue;
            const PlacedColumn<T> target = column(j0 + c);
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
                const int row = piece.row_at(i);
                if (row < rows)
                    store_one(target.data + (i0 + row) * target.stride,
                              epilogue(Lane(sum[i][j]), j0 + c, FullLane{}).v);
            }
        }
    }
};

template <class V>
struct PlacedGradients {
    PlacedRows<const V> dy, y;
    GradientFactors factors;
};

// Four rows of a channel of a gradient: neighbouring channels do not lie together.
template <class V>
struct PlacedQuads {
    static constexpr bool kDownRows = true;
    struct Raw {
        Quad<V> dy, y;
    };

    PlacedGradients<V> view;

    __device__ __forceinline__ static constexpr bool is_by_four() { return true; }
    template <bool>
    __device__ __forceinline__ void read(Raw& raw, int row, int channel, int count) const {
        const PlacedColumn<const V> dy = view.dy.column(count > 0 ? channel : 0);
        const PlacedColumn<const V> y = view.y.column(count > 0 ? channel : 0);
        load_quad(raw.dy, dy.data + row * dy.stride, dy.stride, count, false);
        load_quad(raw.y, y.data + row * y.stride, y.stride, count, false);
    }
    template <bool>
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int channel, int count) const {
        float dy[4], y[4];
        widen(dy, raw.dy);
        widen(y, raw.y);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            values[k] = k < count ? as_operand<V>(gradient_of(view.factors, dy[k], y[k], channel)) : 0.0f;
        }
    }
};

template <class V>
__device__ __forceinline__ PlacedQuads<V> quads_of(const PlacedGradients<V>& view) {
    return {view};
}

template <class V>
__device__ __forceinline__ void placed_forward(const PlacedRows<V>& y, float* partials, const InputView<V>& x,
                                               const float* w, int rows, int in, int out, int rows_per_block) {
    forward_into(y, partials, x, w, rows, in, out, rows_per_block);
}

}  // namespace
