// C[i][j] = sum over p of A(i, p) * B(p, j): a matrix product for a block of GPU threads.
//
// A tile of C, kTileRows x kTileColumns, is the work of a block; panels of A and B, kTileDepth deep, go through shared
// memory, read so that neighbouring threads read neighbouring values. Of a tile each thread owns 4 x 4 values in
// registers; a block of fewer threads than a tile has pieces takes the tile in several passes. The sum over p runs in
// ascending order, so results depend on neither the launch nor the schedule.
#pragma once
#include "device/epilogue.h"

constexpr int kTileRows = 64;
constexpr int kTileColumns = 64;
constexpr int kTileDepth = 16;
constexpr int kPieceRows = 4;
constexpr int kPieceColumns = 4;
constexpr int kPiecesAcross = kTileColumns / kPieceColumns;
constexpr int kPieces = kPiecesAcross * (kTileRows / kPieceRows);
// One more than a multiple of the 32 banks: a column of a panel is written without conflicts.
constexpr int kPanelStride = 65;

// Element (a, b) of a matrix is at data[a * stride_a + b * stride_b].
struct MatrixView {
    const float* data;
    int64_t stride_a, stride_b;
};

// panel[p][i] = source(i0 + i, p0 + p) for a tile's `lines` i, 0 outside of the matrix. Fast if `stride_i` or
// `stride_p` is 1.
__device__ __forceinline__ void load_panel(float* panel, const float* source, int64_t stride_i, int64_t stride_p,
                                           int i0, int p0, int lines, int depth) {
    for (int e = (int)threadIdx.x; e < kTileRows * kTileDepth; e += (int)blockDim.x) {
        const int i = stride_p == 1 ? e / kTileDepth : e % kTileRows;
        const int p = stride_p == 1 ? e % kTileDepth : e / kTileRows;
        const bool inside = i0 + i < lines && p0 + p < depth;
        panel[p * kPanelStride + i] = inside ? source[(i0 + i) * stride_i + (p0 + p) * stride_p] : 0.0f;
    }
}

// The same where four neighbours along i can be read at once: stride_i is 1, stride_p a multiple of 4.
__device__ __forceinline__ void load_panel_by_four(float* panel, const float* source, int64_t stride_p, int i0, int p0,
                                                   int lines, int depth) {
    for (int e = (int)threadIdx.x; e < kTileRows * kTileDepth / 4; e += (int)blockDim.x) {
        const int i = e % (kTileRows / 4) * 4, p = e / (kTileRows / 4);
        float values[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        if (i0 + i < lines && p0 + p < depth) load_four(values, source + (i0 + i) + (p0 + p) * stride_p);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) panel[p * kPanelStride + i + k] = values[k];
    }
}

__device__ __forceinline__ void load_any(float* panel, const float* source, int64_t stride_i, int64_t stride_p, int i0,
                                         int p0, int lines, int depth) {
    if (stride_i == 1 && stride_p % 4 == 0 && lines % 4 == 0 && (uint64_t)source % 16 == 0) {
        load_panel_by_four(panel, source, stride_p, i0, p0, lines, depth);
    } else {
        load_panel(panel, source, stride_i, stride_p, i0, p0, lines, depth);
    }
}

// The lines along the depth: rows of A, columns of B.
struct Lines {
    const float* data;
    int64_t stride_line, stride_depth;
};

__device__ __forceinline__ Lines rows_of(MatrixView a) { return {a.data, a.stride_a, a.stride_b}; }
__device__ __forceinline__ Lines columns_of(MatrixView b) { return {b.data, b.stride_b, b.stride_a}; }

__device__ __forceinline__ void load_lines(float* panel, const Lines& source, int i0, int p0, int lines, int depth) {
    load_any(panel, source.data, source.stride_line, source.stride_depth, i0, p0, lines, depth);
}

// Lines that are the rows, or the channels, of what a view (device/batch_norm.h) makes of its rows on load.
template <class View, bool AreRows>
struct ViewLines {
    View view;

    __device__ __forceinline__ float at(int line, int p) const {
        const int row = AreRows ? line : p, channel = AreRows ? p : line;
        return view.column(channel, FullLane{}).load(row, FullLane{}).v;
    }
};

template <class View, bool AreRows>
__device__ __forceinline__ ViewLines<View, AreRows> rows_of(ViewLines<View, AreRows> a) {
    return a;
}
template <class View, bool AreRows>
__device__ __forceinline__ ViewLines<View, AreRows> columns_of(ViewLines<View, AreRows> b) {
    return b;
}

// Neighbouring threads read neighbouring channels.
template <class View, bool AreRows>
__device__ __forceinline__ void load_lines(float* panel, const ViewLines<View, AreRows>& source, int i0, int p0,
                                           int lines, int depth) {
    for (int e = (int)threadIdx.x; e < kTileRows * kTileDepth; e += (int)blockDim.x) {
        const int i = AreRows ? e / kTileDepth : e % kTileRows, p = AreRows ? e % kTileDepth : e / kTileRows;
        const bool there = i0 + i < lines && p0 + p < depth;
        panel[p * kPanelStride + i] = there ? source.at(i0 + i, p0 + p) : 0.0f;
    }
}

// What becomes of a tile once all of it is stored: nothing.
struct NoFinish {
    static constexpr bool kAny = false;
    __device__ void operator()(int, int, int, int) const {}
};

__device__ __forceinline__ void multiply_panels(float (&sum)[kPieceRows][kPieceColumns], const float* panel_a,
                                                const float* panel_b, int row, int column) {
    SPOS_UNROLL for (int p = 0; p < kTileDepth; ++p) {
        float a[kPieceRows], b[kPieceColumns];
        SPOS_UNROLL for (int i = 0; i < kPieceRows; ++i) a[i] = panel_a[p * kPanelStride + row + i];
        SPOS_UNROLL for (int j = 0; j < kPieceColumns; ++j) b[j] =
            panel_b[p * kPanelStride + column + j * kPiecesAcross];
        SPOS_UNROLL for (int i = 0; i < kPieceRows; ++i) {
            SPOS_UNROLL for (int j = 0; j < kPieceColumns; ++j) sum[i][j] += a[i] * b[j];
        }
    }
}

// Where the results lie.
struct DenseResults {
    float* data;
    int64_t stride;

    __device__ __forceinline__ float* at(int row, int column) const { return data + row * stride + column; }
};

// rows x columns of C, C(i, j) at c.at(i, j). A(i, p) = a.data[i * a.stride_a + p * a.stride_b], B(p, j) likewise, or
// either is ViewLines. Blocks along grid.y share the tiles. `finish` is called by all threads with a stored tile's
// first row, its rows, its first column and its columns.
template <class Results, class A, class B, class Epilogue, class Finish>
__device__ void multiply_into(const Results& c, A a, B b, int rows, int columns, int depth, Epilogue epilogue,
                              Finish finish) {
    SPOS_SHARED(float, panel_a, kTileDepth* kPanelStride);
    SPOS_SHARED(float, panel_b, kTileDepth* kPanelStride);
    const int tiles_across = (columns + kTileColumns - 1) / kTileColumns;
    const int tiles = tiles_across * ((rows + kTileRows - 1) / kTileRows);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        const int i0 = tile / tiles_across * kTileRows, j0 = tile % tiles_across * kTileColumns;
        // All threads make the same number of passes: each pass has barriers.
        for (int first = 0; first < kPieces; first += (int)blockDim.x) {
            const int piece = first + (int)threadIdx.x;
            const int row = piece / kPiecesAcross * kPieceRows, column = piece % kPiecesAcross;
            float sum[kPieceRows][kPieceColumns] = {};
            for (int p0 = 0; p0 < depth; p0 += kTileDepth) {
                load_lines(panel_a, rows_of(a), i0, p0, rows, depth);
                load_lines(panel_b, columns_of(b), j0, p0, columns, depth);
                __syncthreads();
                if (piece < kPieces) multiply_panels(sum, panel_a, panel_b, row, column);
                __syncthreads();
            }
            if (piece >= kPieces) continue;
            SPOS_UNROLL for (int i = 0; i < kPieceRows; ++i) {
                SPOS_UNROLL for (int j = 0; j < kPieceColumns; ++j) {
                    const int at_row = i0 + row + i, at_column = j0 + column + j * kPiecesAcross;
                    if (at_row < rows && at_column < columns) {
                        const FullLane lane;
                        lane.store(c.at(at_row, at_column), epilogue(Lane(sum[i][j]), at_column, lane));
                    }
                }
            }
        }
        if (Finish::kAny) {
            __syncthreads();
            finish(i0, min(kTileRows, rows - i0), j0, min(kTileColumns, columns - j0));
        }
    }
}

// (ByRow is the host's: it says how A lies.)
template <bool ByRow, class Epilogue = RawResult, class Finish = NoFinish, class A = MatrixView, class B = MatrixView>
__device__ __forceinline__ void multiply(float* c, int64_t c_stride, A a, B b, int rows, int columns, int depth,
                                         Epilogue epilogue = {}, Finish finish = {}) {
    multiply_into(DenseResults{c, c_stride}, a, b, rows, columns, depth, epilogue, finish);
}

// What a CPU fetches while it multiplies (host/gemm.h). A GPU has other blocks to run while one waits for memory.
struct FetchAhead {
    __device__ __forceinline__ explicit FetchAhead(int) {}
    __device__ __forceinline__ void add(const float*, int, int64_t, int) {}
};

__device__ __forceinline__ int tiles_of(int, int, int) { return 0; }

template <class Epilogue>
__device__ __forceinline__ void multiply_and_fetch(FetchAhead&, float* c, int64_t c_stride, MatrixView a, MatrixView b,
                                                   int rows, int columns, int depth, Epilogue epilogue) {
    multiply<true>(c, c_stride, a, b, rows, columns, depth, epilogue);
}
