// C[i][j] = sum over p of A(i, p) * B(p, j): a matrix product for a block of kMostThreads GPU threads.
//
// A tile of C is the work of a block. Each thread holds a piece of it, 8 x 8 values, in registers. Panels of A and B,
// kPanelDepth deep, go through shared memory, two of each: while one is multiplied, the next is on its way from memory.
// What a value is to become on load it becomes between the two (device/panels.h). The sum over p runs in ascending
// order, so results depend on neither the launch nor the schedule.
//
// Pieces stand as many side by side as the result has columns for, and the others below: a tile of few columns has
// many rows. The managed side divides rows by the same rule (ProductTiles.cs).
#pragma once
#include "device/epilogue.h"
#include "device/panels.h"

constexpr int kPiece = 8;
constexpr int kMostDown = kMostRows / kPiece;
// Lines of the panels that are multiplied while a part of the next ones is on its way.
constexpr int kPartDepth = kPanelDepth / kParts;

// How the pieces of a tile stand; where a result leaves threads over, `groups` of them share the sum over p.
struct TileShape {
    int across, down, groups;

    __device__ __forceinline__ int rows() const { return kPiece * down; }
    __device__ __forceinline__ int columns() const { return kPiece * across; }
};

__device__ __forceinline__ int quotient_up(int a, int b) { return (a + b - 1) / b; }

// Columns are divided evenly among tiles.
__device__ __forceinline__ TileShape tile_shape(int columns) {
    const int tiles = quotient_up(columns, kMostColumns);
    const int across = quotient_up(quotient_up(columns, tiles), kPiece);
    return {across, min(kMostDown, kMostThreads / across), 1};
}

// For a result of few rows and a long sum.
__device__ __forceinline__ TileShape tile_shape_of_sums(int rows, int columns) {
    TileShape shape = tile_shape(columns);
    shape.down = min(shape.down, quotient_up(rows, kPiece));
    const int pieces = shape.across * shape.down;
    while (shape.groups < kPartDepth && 2 * shape.groups * pieces <= kMostThreads) shape.groups *= 2;
    return shape;
}

// The part of a tile that a thread holds: two groups of four rows, and of four columns, so that neighbouring threads
// read neighbouring values of a panel.
struct Piece {
    int row, rows_apart, column, columns_apart;

    __device__ __forceinline__ Piece(const TileShape& shape, int index)
        : row(index / shape.across * 4),
          rows_apart(4 * shape.down),
          column(index % shape.across * 4),
          columns_apart(4 * shape.across) {}

    __device__ __forceinline__ int row_at(int i) const { return row + i % 4 + i / 4 * rows_apart; }
    __device__ __forceinline__ int column_at(int j) const { return column + j % 4 + j / 4 * columns_apart; }
};

typedef float PieceSums[kPiece][kPiece];

// Adds the products of every `Groups`-th line of a part of the panels, from its line `first` on.
template <int Groups>
__device__ __forceinline__ void multiply_panels(PieceSums& sum, const float* panel_a, const float* panel_b, int first,
                                                const Piece& piece) {
    // Longer bodies take more registers than there are.
    SPOS_UNROLL_ON_GPU(1)
    for (int p = first; p < kPartDepth; p += Groups) {
        const float* a_line = panel_a + p * kRowStride + piece.row;
        const float* b_line = panel_b + p * kColumnStride + piece.column;
        float a[2][4], b[2][4];
        load_four(a[0], a_line);
        load_four(a[1], a_line + kMostRows / 2);
        load_four(b[0], b_line);
        load_four(b[1], b_line + kMostColumns / 2);
        SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
            SPOS_UNROLL for (int j = 0; j < kPiece; ++j) sum[i][j] += a[i / 4][i % 4] * b[j / 4][j % 4];
        }
    }
}

// The sums over p = begin .. end-1 of the tile at (i0, j0). All threads take part; those that hold no piece have sums
// of no meaning. Shared is whether threads may be left over (TileShape::groups); then the sums of the first group's
// threads count.
template <bool Shared, class A, class B>
__device__ __forceinline__ void multiply_tile(PieceSums& sum, const A& a, const B& b, int i0, int j0, int begin,
                                              int end, const TileShape& shape) {
    float* const panels = panel_memory();
    const int pieces = shape.across * shape.down;
    const int group = Shared ? (int)threadIdx.x / pieces : 0;
    const Piece piece(shape, Shared ? (int)threadIdx.x % pieces : (int)threadIdx.x);
    const bool holds = (int)threadIdx.x < pieces * shape.groups;
    SPOS_UNROLL for (int i = 0; i < kPiece; ++i) { SPOS_UNROLL for (int j = 0; j < kPiece; ++j) sum[i][j] = 0.0f; }
    // The panels before the first hold nothing: meanwhile the first ones come from memory.
    int current = 1;
    for (int p0 = begin - kPanelDepth; p0 < end; p0 += kPanelDepth) {
        const int next = p0 + kPanelDepth;
        const float* panel_a = panels + current * kPanels;
        const float* panel_b = panel_a + kRowPanel;
        float* const next_a = panels + (1 - current) * kPanels;
        // What is fetched waits in registers; in parts it takes fewer.
        SPOS_UNROLL for (int part = 0; part < kParts; ++part) {
            typename A::Raw raw_a;
            typename B::Raw raw_b;
            if (next < end) {
                fetch<kMostRows>(raw_a, a, part, i0, next, shape.rows());
                if (part == 0) fetch<kMostColumns>(raw_b, b, 0, j0, next, shape.columns());
            }
            if (p0 >= begin && holds) {
                const float* part_a = panel_a + part * kPartDepth * kRowStride;
                const float* part_b = panel_b + part * kPartDepth * kColumnStride;
                if (!Shared || shape.groups == 1) {
                    multiply_panels<1>(sum, part_a, part_b, 0, piece);
                } else if (shape.groups == 2) {
                    multiply_panels<2>(sum, part_a, part_b, group, piece);
                } else {
                    multiply_panels<4>(sum, part_a, part_b, group, piece);
                }
            }
            if (next < end) {
                place<kMostRows>(next_a, raw_a, a, part, i0, next, shape.rows());
                if (part == 0) place<kMostColumns>(next_a + kRowPanel, raw_b, b, 0, j0, next, shape.columns());
            }
        }
        current = 1 - current;
        __syncthreads();
    }
    if (!Shared) return;
    // Half a piece at a time, since all would not fit the panels' memory. Groups have at most half of the threads.
    constexpr int kStride = kMostThreads / 2;
    static_assert(4 * kPiece * kStride <= 2 * kPanels, "half of the pieces fit");
    for (int other = 1; other < shape.groups; ++other) {
        SPOS_UNROLL for (int half = 0; half < 2; ++half) {
            if (group == other && holds) {
                float* const target = panels + (int)threadIdx.x - other * pieces;
                SPOS_UNROLL for (int k = 0; k < 4 * kPiece; ++k) {
                    target[k * kStride] = sum[4 * half + k / kPiece][k % kPiece];
                }
            }
            __syncthreads();
            if (group == 0) {
                SPOS_UNROLL for (int k = 0; k < 4 * kPiece; ++k) {
                    sum[4 * half + k / kPiece][k % kPiece] += panels[(int)threadIdx.x + k * kStride];
                }
            }
            __syncthreads();
        }
    }
}

// Where the results lie: C(i, j) at data[i * stride + j].
struct DenseResults {
    float* data;
    int stride;

    // The piece of the tile at (i0, j0), of which `rows` and `columns` are there.
    template <class Epilogue>
    __device__ __forceinline__ void store(const PieceSums& sum, const Piece& piece, int i0, int j0, int rows,
                                          int columns, const Epilogue& epilogue) const {
        const bool by_four = stride % 4 == 0 && columns % 4 == 0 && is_aligned(data + j0);
        SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
            if (piece.row_at(i) >= rows) continue;
            float* const row = data + (int64_t)(i0 + piece.row_at(i)) * stride;
            SPOS_UNROLL for (int half = 0; half < 2; ++half) {
                const int column = piece.column_at(4 * half);
                float values[4];
                SPOS_UNROLL for (int k = 0; k < 4; ++k) {
                    values[k] = column + k < columns
                                    ? epilogue(Lane(sum[i][4 * half + k]), j0 + column + k, FullLane{}).v
                                    : 0.0f;
                }
                store_quad(row + j0 + column, values, columns - column, by_four);
            }
        }
    }
};

// What becomes of the sums of a tile besides: nothing.
struct NoFinish {
    __device__ __forceinline__ void begin() {}
    __device__ __forceinline__ void add(const PieceSums&, const Piece&, const TileShape&, bool, int, int, int, int) {}
    __device__ __forceinline__ void end(int, int) {}
};

__device__ __forceinline__ int column_tiles(int columns) { return quotient_up(columns, tile_shape(columns).columns()); }

// Rows first_row .. end_row-1 of a column of tiles of C, from above to below. `finish` learns of them, with all
// threads: begin(), then for each tile add() with the sums, the thread's piece and whether it holds one, the tile's
// first row and column and how many of them are there, then end() with the first column and their number.
template <class Results, class A, class B, class Epilogue, class Finish>
__device__ __forceinline__ void multiply_into(const Results& c, const A& a, const B& b, int first_row, int end_row,
                                              int columns, int depth, const Epilogue& epilogue, Finish finish,
                                              int column_tile) {
    const TileShape shape = tile_shape(columns);
    const int j0 = column_tile * shape.columns(), tile_columns = min(shape.columns(), columns - j0);
    finish.begin();
    for (int i0 = first_row; i0 < end_row; i0 += shape.rows()) {
        const int tile_rows = min(shape.rows(), end_row - i0);
        PieceSums sum;
        multiply_tile<false>(sum, a, b, i0, j0, 0, depth, shape);
        const int thread = not_ahead((int)threadIdx.x);
        const bool holds = thread < shape.across * shape.down;
        const Piece piece(shape, thread);
        if (holds) c.store(sum, piece, i0, j0, tile_rows, tile_columns, epilogue);
        finish.add(sum, piece, shape, holds, i0, tile_rows, j0, tile_columns);
    }
    finish.end(j0, tile_columns);
}

// Blocks along grid.y share the columns. ARows, BRows: whether the values of the rows of A, and of B, lie together, or
// those of their columns.
template <bool ARows, bool BRows = true, class Epilogue = RawResult>
__device__ __forceinline__ void multiply(float* c, int64_t c_stride, MatrixView a, MatrixView b, int rows, int columns,
                                         int depth, Epilogue epilogue = {}) {
    const int tiles = column_tiles(columns);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        multiply_into(DenseResults{c, (int)c_stride}, rows_of<ARows>(a, rows, depth),
                      columns_of<BRows>(b, columns, depth), 0, rows, columns, depth, epilogue, NoFinish{}, tile);
    }
}

// Tiles of a result of few rows and a long sum.
__device__ __forceinline__ int tiles_of_sums(int rows, int columns) {
    const TileShape shape = tile_shape_of_sums(rows, columns);
    return quotient_up(rows, shape.rows()) * quotient_up(columns, shape.columns());
}

// Tile `tile` of such a result, the `result`-th [rows][columns] from c on, of the sums over p = begin .. end-1.
template <class A, class B>
__device__ __forceinline__ void multiply_sums(float* c, int result, const A& a, const B& b, int rows, int columns,
                                              int begin, int end, int tile) {
    const TileShape shape = tile_shape_of_sums(rows, columns);
    const int tiles_across = quotient_up(columns, shape.columns());
    PieceSums sum;
    multiply_tile<true>(sum, a, b, tile / tiles_across * shape.rows(), tile % tiles_across * shape.columns(), begin,
                        end, shape);
    const int thread = not_ahead((int)threadIdx.x);
    if (thread >= shape.across * shape.down) return;
    tile = not_ahead(tile);
    const int i0 = tile / tiles_across * shape.rows(), j0 = tile % tiles_across * shape.columns();
    DenseResults{c + (int64_t)not_ahead(result) * rows * columns, columns}.store(
        sum, Piece(shape, thread), i0, j0, min(shape.rows(), rows - i0), min(shape.columns(), columns - j0),
        RawResult{});
}

// A result of few rows and a long sum, whose tiles the blocks along grid.y share. The columns of A and the rows of B
// lie together.
__device__ __forceinline__ void multiply_deep(float* c, MatrixView a, MatrixView b, int rows, int columns, int depth) {
    const int tiles = tiles_of_sums(rows, columns);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        multiply_sums(c, 0, rows_of<false>(a, rows, depth), columns_of<true>(b, columns, depth), rows, columns, 0,
                      depth, tile);
    }
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
