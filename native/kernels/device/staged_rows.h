// Rows of images that a GPU's block holds in shared memory, for a depthwise convolution of many taps: what the block's
// rows of threads read of some columns at the time, each value loaded once, and made once what it is to be. So the
// loads do not wait for each other, and what neighbouring threads share is not loaded again.
//
// Rows are counted over all images. They lie in Planes by turns, so that threads of a warp whose rows are Planes apart
// read neighbouring values. Planes hold what Planes * (rows of threads) + Planes * Beyond rows need.
#pragma once
#include "device/depthwise.h"

namespace {

template <int Planes, int Beyond, int Columns>
struct StagedRows {
    static constexpr int kPlane = kMostThreads + kMostTile * Beyond;
    static constexpr int kColumn = Planes * kPlane;
    static constexpr int kFloats = Columns * kColumn;

    // The thread's value of a row, at the first column; those of the next are kColumn apart.
    static __device__ __forceinline__ int place(int row) {
        return row % Planes * kPlane + row / Planes * (int)blockDim.x + (int)threadIdx.x;
    }

    // Fills rows 0 .. rows-1 with those from `origin` on, columns from `left` on, where all_rows rows have `width`
    // columns of `channels`; value_of(offset of a row)(offset in it) is what becomes of a value. Rows outside are left
    // out, columns outside are 0; columns InsideFrom .. InsideTo-1 never are.
    template <int InsideFrom, int InsideTo, class Value>
    static __device__ __forceinline__ void fill(float* staged, int origin, int rows, int all_rows, int left, int width,
                                                int channels, const Value& value_of) {
        for (int row = (int)threadIdx.y; row < rows; row += (int)blockDim.y) {
            if (origin + row < 0 || origin + row >= all_rows) continue;
            const auto value = value_of((int64_t)(origin + row) * width * channels);
            float* target = staged + place(row);
            // Offsets along a row are made anew for each, since registers are few.
            const int apart = not_ahead(channels);
            Lane values[Columns];
            SPOS_UNROLL for (int i = 0; i < Columns; ++i) {
                const bool inside = i >= InsideFrom && i < InsideTo;
                const int column = readable(left + i, !inside && i < InsideTo, !inside && i >= InsideFrom, width);
                values[i] = value((RowOffset)column * apart);
            }
            // All are loaded before the first is stored.
            SPOS_UNROLL for (int i = 0; i < Columns; ++i) {
                const bool inside = (i >= InsideFrom && i < InsideTo) || (left + i >= 0 && left + i < width);
                target[i * kColumn] = inside ? total(values[i]) : 0.0f;
            }
        }
    }
};

}  // namespace
