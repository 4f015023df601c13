// How a block of kMostThreads GPU threads divides a matrix product: tiles of the result, and the piece of a tile that a
// thread holds. The managed side divides rows by the same rules (ProductTiles.cs).
//
// A piece of floats is two groups of four rows by two groups of four columns. Pieces stand as many side by side as the
// result has columns for, and the others below: a tile of few columns has many rows. Of bf16 a piece is four rows by
// three groups of four columns, and those of a warp are what its tensor cores multiply (device/gemm_bf16.h): 32 rows by
// three groups of 16 columns, if there are so many. Two warps stand side by side and take the groups in turn. A result
// of few rows and columns and a long sum leaves threads over: groups of them share the sum, and its panels are as deep
// as fits.
#pragma once

constexpr int kMostRows = 256;
constexpr int kMostColumns = 128;

__device__ __forceinline__ int quotient_up(int a, int b) { return (a + b - 1) / b; }

// The part of a tile that a thread holds: groups of four rows, and of four columns, so that neighbouring threads read
// neighbouring values of a panel.
struct Piece {
    int row, rows_apart, column, columns_apart;

    // Made where it is needed: all rows would take registers that there are not.
    __device__ __forceinline__ int row_at(int i) const { return not_ahead(row) + i % 4 + i / 4 * rows_apart; }
    __device__ __forceinline__ int column_at(int j) const { return column + j % 4 + j / 4 * columns_apart; }
};

// Of the rows of a tile that are there, those in the two groups of a piece whose first row is `row`.
__device__ __forceinline__ int rows_of_piece(int row, int rows_apart, int tile_rows) {
    return max(0, min(4, tile_rows - row)) + max(0, min(4, tile_rows - row - rows_apart));
}

// Two panels, and what is kept behind them. One memory for all products of a kernel.
template <class Shape>
__device__ __forceinline__ float* panel_memory() {
    SPOS_SHARED(float, panels, 2 * Shape::kPanelMemory);
    return panels;
}

// Of products of floats: how the pieces of a tile stand, how many groups of threads share its sum over p, and how deep
// its panels are.
struct TileShape {
    static constexpr int kPieceRows = 8, kPieceColumns = 8;
    // Lines of a panel of many rows, and its values: its lines are at most 324 apart.
    static constexpr int kPanelDepth = 8, kPanelOfRows = kPanelDepth * 324;
    // Values of a panel at most.
    static constexpr int kPanelMemory = 4640;
    typedef float Sums[kPieceRows][kPieceColumns];

    int across, down, groups, depth;

    __device__ __forceinline__ int rows() const { return kPieceRows * down; }
    __device__ __forceinline__ int columns() const { return kPieceColumns * across; }
    // From one line of a panel to the next: four more than a multiple of eight, so that quads along p are written
    // without conflicts of banks.
    __device__ __forceinline__ int stride() const { return rows() + columns() + 4; }
    // Of a group.
    __device__ __forceinline__ int threads() const { return across * down; }
    __device__ __forceinline__ Piece piece(int thread) const {
        return {thread / across * 4, 4 * down, thread % across * 4, 4 * across};
    }

    // Pieces one below the other, the number of one of them, and the columns of all pieces side by side.
    __device__ __forceinline__ int pieces_down() const { return down; }
    __device__ __forceinline__ static int index_down(const Piece& piece) { return piece.row / 4; }
    __device__ __forceinline__ int width() const { return columns(); }
    // Rows of piece `index` of a tile that has `tile_rows`.
    __device__ __forceinline__ int rows_of(int index, int tile_rows) const {
        return rows_of_piece(4 * index, 4 * down, tile_rows);
    }
};

// The same of products of bf16.
struct WarpTileShape {
    static constexpr int kPieceRows = 4, kPieceColumns = 12;
    static constexpr int kWarps = kMostThreads / kWarpThreads, kAcross = 2, kMostDown = kWarps / kAcross;
    static constexpr int kWarpRows = 32, kGroupColumns = 16, kGroupsApart = kAcross * kGroupColumns, kGroups = 3;
    static constexpr int kMostColumns = kGroups * kGroupsApart;
    // What a tensor core adds up at a time. A line of a panel has the values of two terms.
    static constexpr int kTerms = 16, kPanelOfRows = kTerms / 2 * (kMostDown * kWarpRows + kMostColumns + 8);
    static constexpr int kPanelMemory = kPanelOfRows + kMostThreads * kPieceColumns;
    typedef float Sums[kPieceRows][kPieceColumns];

    int down, column_groups, groups, depth;

    __device__ __forceinline__ int rows() const { return kWarpRows * down; }
    __device__ __forceinline__ int columns() const { return kGroupColumns * column_groups; }
    // From one line of pairs to the next: 8 or 24 more than a multiple of 32, so that the threads of a warp, which read
    // of four lines, read without conflicts of banks.
    __device__ __forceinline__ int stride() const { return rows() + columns() + 8; }
    __device__ __forceinline__ int threads() const { return kWarpThreads * kAcross * down; }
    // The first row, and the first column, of a warp.
    __device__ __forceinline__ static int row_of(int warp) { return warp / kAcross * kWarpRows; }
    __device__ __forceinline__ static int column_of(int warp) { return warp % kAcross * kGroupColumns; }
    // Of the two groups of rows that a piece may have the second one lies beyond the tile.
    __device__ __forceinline__ static Piece piece(int thread) {
        const int warp = thread / kWarpThreads, lane = thread % kWarpThreads;
        return {row_of(warp) + lane / 4 * 4, kMostRows, column_of(warp) + lane % 4 * 4, kGroupsApart};
    }

    __device__ __forceinline__ int pieces_down() const { return rows() / kPieceRows; }
    __device__ __forceinline__ static int index_down(const Piece& piece) { return piece.row / kPieceRows; }
    __device__ __forceinline__ static constexpr int width() { return kMostColumns; }
    __device__ __forceinline__ static int rows_of(int index, int tile_rows) {
        return rows_of_piece(kPieceRows * index, kMostRows, tile_rows);
    }
};

// The shape of a product with values of V.
template <class V>
struct ShapeOf {
    typedef TileShape Type;

    // Columns are divided evenly among tiles.
    static __device__ __forceinline__ TileShape of(int columns) {
        const int tiles = quotient_up(columns, kMostColumns);
        const int across = quotient_up(quotient_up(columns, tiles), TileShape::kPieceColumns);
        return {across, min(kMostRows / TileShape::kPieceRows, kMostThreads / across), 1, TileShape::kPanelDepth};
    }

    // For a result of few rows and a long sum.
    static __device__ __forceinline__ TileShape of_sums(int rows, int columns) {
        TileShape shape = of(columns);
        shape.down = min(shape.down, quotient_up(rows, TileShape::kPieceRows));
        shape.depth = 64;
        // Three quads a thread: where they do not divide evenly it takes a fourth.
        while (shape.depth > TileShape::kPanelDepth &&
               (shape.depth * shape.stride() > TileShape::kPanelMemory ||
                shape.depth * max(shape.rows(), shape.columns()) > 3 * 4 * kMostThreads)) {
            shape.depth /= 2;
        }
        const int pieces = shape.across * shape.down;
        while (shape.groups < shape.depth / 4 && 2 * shape.groups * pieces <= kMostThreads) shape.groups *= 2;
        return shape;
    }
};
template <>
struct ShapeOf<Bf16> {
    typedef WarpTileShape Type;

    static __device__ __forceinline__ WarpTileShape of(int columns) {
        const int tiles = quotient_up(columns, WarpTileShape::kMostColumns);
        return {WarpTileShape::kMostDown, quotient_up(quotient_up(columns, tiles), WarpTileShape::kGroupColumns), 1,
                WarpTileShape::kTerms};
    }

    // Rows are divided evenly among tiles too. A thread moves two quads of rows and two of columns: there are no
    // registers for more.
    static __device__ __forceinline__ WarpTileShape of_sums(int rows, int columns) {
        WarpTileShape shape = of(columns);
        shape.down = quotient_up(quotient_up(rows, quotient_up(rows, shape.rows())), WarpTileShape::kWarpRows);
        while (2 * shape.groups * shape.down <= WarpTileShape::kMostDown &&
               2 * shape.depth * max(shape.rows(), shape.columns()) <= 2 * 4 * kMostThreads) {
            shape.groups *= 2;
            shape.depth *= 2;
        }
        return shape;
    }
};

template <int Rows, int Columns>
__device__ __forceinline__ void clear(float (&sum)[Rows][Columns]) {
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) { SPOS_UNROLL for (int j = 0; j < Columns; ++j) sum[i][j] = 0.0f; }
}

// Adds the sums of all groups' threads to those of the first group's, half a piece at a time, as all would not fit.
template <class Shape>
__device__ __forceinline__ void add_groups(typename Shape::Sums& sum, int group, int place, int pieces, int groups) {
    constexpr int kStride = kMostThreads / 2, kRows = Shape::kPieceRows / 2, kColumns = Shape::kPieceColumns;
    static_assert(kRows * kColumns * kStride <= 2 * Shape::kPanelMemory,
                  "half of the pieces of half of the groups fit");
    float* const memory = panel_memory<Shape>();
    for (int left = groups / 2; left > 0; left /= 2) {
        SPOS_UNROLL for (int half = 0; half < 2; ++half) {
            if (group >= left && group < 2 * left) {
                float* const target = memory + (group - left) * pieces + place;
                SPOS_UNROLL for (int k = 0; k < kRows * kColumns; ++k) {
                    target[k * kStride] = sum[kRows * half + k / kColumns][k % kColumns];
                }
            }
            __syncthreads();
            if (group < left) {
                const float* const source = memory + group * pieces + place;
                SPOS_UNROLL for (int k = 0; k < kRows * kColumns; ++k) {
                    sum[kRows * half + k / kColumns][k % kColumns] += source[k * kStride];
                }
            }
            __syncthreads();
        }
    }
}

template <class V>
__device__ __forceinline__ int column_tiles(int columns) {
    return quotient_up(columns, ShapeOf<V>::of(columns).columns());
}

// Tiles of a result of few rows and a long sum.
template <class V>
__device__ __forceinline__ int tiles_of_sums(int rows, int columns) {
    const auto shape = ShapeOf<V>::of_sums(rows, columns);
    return quotient_up(rows, shape.rows()) * quotient_up(columns, shape.columns());
}
