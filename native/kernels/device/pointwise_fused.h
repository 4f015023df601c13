// The fused pointwise convolution for a block of GPU threads: values become what they are to be when a panel is loaded,
// and sums are taken over each tile once it is stored.
#pragma once
#include "device/batch_norm.h"
#include "device/gemm.h"

namespace {

// Where the partial sums of the block that begins at row `first` lie: one for each row of tiles.
__device__ __forceinline__ float* first_sums(float* partials, int first, int channels) {
    return partials + (int64_t)(first / kTileRows) * 2 * channels;
}

template <class Results>
struct TileStatistics {
    static constexpr bool kAny = true;
    float* partials;
    Results y;
    int channels;

    __device__ void operator()(int row, int rows, int column, int columns) const {
        float* partial = first_sums(partials, row, channels);
        for (int c = column + (int)threadIdx.x; c < column + columns; c += (int)blockDim.x) {
            const float* values = y.at(row, c);
            column_statistics(partial, 0, values, y.at(1, c) - y.at(0, c), rows, channels, c, FullLane{});
        }
    }
};

struct TileGradientSums {
    static constexpr bool kAny = true;
    float* partials;  // of the block's first row of tiles; null if none are wanted
    const float* dx;
    InputView x;
    Statistics statistics;
    int channels;

    __device__ void operator()(int row, int rows, int column, int columns) const {
        if (!partials) return;
        float* partial = first_sums(partials, row, channels);
        for (int c = column + (int)threadIdx.x; c < column + columns; c += (int)blockDim.x) {
            column_gradient_sums(partial, true, dx + (int64_t)row * channels, x.data + (int64_t)row * channels, rows,
                                 channels, statistics, x.rectify, c, FullLane{});
        }
    }
};

// `rows` are those of one row of tiles.
__device__ __forceinline__ void pointwise_forward_block(float* y, float* partials, const InputView& x, const float* w,
                                                        int rows, int in, int out) {
    multiply<true>(y, out, ViewLines<InputView, true>{x}, MatrixView{w, out, 1}, rows, out, in, RawResult{},
                   TileStatistics<DenseResults>{partials, {y, out}, out});
}

// `dy`: a view of the gradients of the results.
template <class Gradients>
__device__ __forceinline__ void pointwise_backward_block(float* dx, float* weight_partial, float* sum_partials,
                                                         const Gradients& dy, const InputView& x,
                                                         const Statistics& x_statistics, const float* w_transposed,
                                                         int rows, int in, int out) {
    multiply<true>(dx, in, ViewLines<Gradients, true>{dy}, MatrixView{w_transposed, in, 1}, rows, in, out, RawResult{},
                   TileGradientSums{sum_partials, dx, x, x_statistics, in});
    multiply<false>(weight_partial, out, ViewLines<InputView, false>{x}, ViewLines<Gradients, false>{dy}, in, out,
                    rows);
}

}  // namespace
