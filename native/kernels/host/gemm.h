// C[i][j] (+)= sum over p of A(i, p) * B(p, j): a register-tiled matrix product for one CPU thread.
//
// B is packed into panels of 2 vectors' width that stay in the first-level cache; A is read in place, one
// broadcast per multiply-add pair; a tile of kTileRows x 2 vectors of C stays in registers. The sum over p
// runs in ascending order whatever the tiling, so results do not depend on how the rows were divided.
#pragma once

constexpr int kTileRows = Lane::width == 16 ? 12 : 6;
constexpr int kPanelDepth = 256;
constexpr int kPanelWidth = 2 * Lane::width;

// Element (a, b) of a matrix is at data[a * stride_a + b * stride_b].
struct MatrixView {
    const float* data;
    int64_t stride_a, stride_b;
};

template <int Columns>
__forceinline__ void pack_panel(float* panel, MatrixView b, int p0, int depth, int j0, int columns) {
    for (int p = 0; p < depth; ++p) {
        const float* source = b.data + (int64_t)(p0 + p) * b.stride_a + (int64_t)j0 * b.stride_b;
        float* target = panel + p * Columns;
        if (columns == Columns && b.stride_b == 1) {
            memcpy(target, source, Columns * sizeof(float));
        } else {
            for (int j = 0; j < columns; ++j) target[j] = source[j * b.stride_b];
            for (int j = columns; j < Columns; ++j) target[j] = 0.0f;
        }
    }
}

// PStrideOne: consecutive p of A are neighbours in memory; otherwise consecutive i are.
template <int Rows, int Vectors, bool PStrideOne>
__forceinline__ void multiply_tile(int depth, const float* a, int64_t stride, const float* panel, float* c,
                                   int64_t c_stride, int columns, bool accumulate) {
    Lane sum[Rows][Vectors];
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) { SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = Lane(0.0f); }
    for (int p = 0; p < depth; ++p) {
        Lane b[Vectors];
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) b[v] = Lane::load(panel + v * Lane::width);
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            const Lane broadcast(PStrideOne ? a[i * stride] : a[i]);
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] += broadcast * b[v];
        }
        a += PStrideOne ? 1 : stride;
        panel += Vectors * Lane::width;
    }
    for (int i = 0; i < Rows; ++i) {
        float* row = c + i * c_stride;
        for (int v = 0; v < Vectors; ++v) {
            const int count = columns - v * Lane::width;
            float* target = row + v * Lane::width;
            if (count >= Lane::width) {
                (accumulate ? Lane::load(target) + sum[i][v] : sum[i][v]).store(target);
            } else if (count > 0) {
                (accumulate ? Lane::load(target, count) + sum[i][v] : sum[i][v]).store(target, count);
            }
        }
    }
}

// The last rows, fewer than a whole tile.
template <int Rows, int Vectors, bool PStrideOne>
inline void multiply_rest(int rows, int depth, const float* a, int64_t stride, const float* panel, float* c,
                          int64_t c_stride, int columns, bool accumulate) {
    if constexpr (Rows > 0) {
        if (rows == Rows) {
            multiply_tile<Rows, Vectors, PStrideOne>(depth, a, stride, panel, c, c_stride, columns, accumulate);
        } else {
            multiply_rest<Rows - 1, Vectors, PStrideOne>(rows, depth, a, stride, panel, c, c_stride, columns,
                                                         accumulate);
        }
    }
}

template <int Vectors, bool PStrideOne>
inline void multiply_panel(int rows, int depth, const float* a, int64_t stride, const float* panel, float* c,
                           int64_t c_stride, int columns, bool accumulate) {
    const int64_t a_row = PStrideOne ? stride : 1;
    int i = 0;
    for (; i + kTileRows <= rows; i += kTileRows) {
        multiply_tile<kTileRows, Vectors, PStrideOne>(depth, a + i * a_row, stride, panel, c + i * c_stride, c_stride,
                                                      columns, accumulate);
    }
    multiply_rest<kTileRows - 1, Vectors, PStrideOne>(rows - i, depth, a + i * a_row, stride, panel, c + i * c_stride,
                                                      c_stride, columns, accumulate);
}

// rows x columns of C, summed over `depth`. A(i, p) = a.data[i * a.stride_a + p * a.stride_b], one of whose
// strides is 1 (the second with PStrideOne, else the first); B(p, j) likewise with any strides.
template <bool PStrideOne>
inline void multiply(float* c, int64_t c_stride, MatrixView a, MatrixView b, int rows, int columns, int depth) {
    alignas(64) float panel[kPanelDepth * kPanelWidth];
    for (int p0 = 0; p0 < depth; p0 += kPanelDepth) {
        const int block = min(kPanelDepth, depth - p0);
        const float* a_block = a.data + p0 * a.stride_b;
        const int64_t stride = PStrideOne ? a.stride_a : a.stride_b;
        for (int j0 = 0; j0 < columns; j0 += kPanelWidth) {
            const int width = min(kPanelWidth, columns - j0);
            if (width > Lane::width) {
                pack_panel<kPanelWidth>(panel, b, p0, block, j0, width);
                multiply_panel<2, PStrideOne>(rows, block, a_block, stride, panel, c + j0, c_stride, width, p0 > 0);
            } else {
                pack_panel<Lane::width>(panel, b, p0, block, j0, width);
                multiply_panel<1, PStrideOne>(rows, block, a_block, stride, panel, c + j0, c_stride, width, p0 > 0);
            }
        }
    }
}
