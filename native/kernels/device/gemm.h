// C[i][j] = sum over p of A(i, p) * B(p, j): a matrix product for a block of kMostThreads GPU threads.
//
// A tile of C is the work of a block. Each thread holds a piece of it, 8 x 8 values, in registers. Panels of A and B go
// through shared memory, two of them: while one is multiplied, the next is on its way from memory. What a value is to
// become on load it becomes between the two (device/panels.h). The sum over p runs in an order that follows from the
// shapes alone, so results depend on neither the launch nor the schedule.
//
// Pieces stand as many side by side as the result has columns for, and the others below: a tile of few columns has
// many rows. The managed side divides rows by the same rule (ProductTiles.cs). A result of few rows and columns and a
// long sum leaves threads over: groups of them share the sum, and its panels are as deep as fits.
#pragma once
#include "device/epilogue.h"
#include "device/panels.h"

constexpr int kPiece = 8;
constexpr int kMostDown = kMostRows / kPiece;
// Lines of a panel of many rows.
constexpr int kPanelDepth = 8;
// The most that a line of such a panel takes (TileShape::stride).
constexpr int kMostStride = 324;

// How the pieces of a tile stand, how many groups of threads share its sum over p, and how deep its panels are.
struct TileShape {
    int across, down, groups, depth;

    __device__ __forceinline__ int rows() const { return kPiece * down; }
    __device__ __forceinline__ int columns() const { return kPiece * across; }
    // From one line of a panel to the next: four more than a multiple of eight, so that quads along p are written
    // without conflicts of banks.
    __device__ __forceinline__ int stride() const { return rows() + columns() + 4; }
};

__device__ __forceinline__ int quotient_up(int a, int b) { return (a + b - 1) / b; }

// Columns are divided evenly among tiles.
__device__ __forceinline__ TileShape tile_shape(int columns) {
    const int tiles = quotient_up(columns, kMostColumns);
    const int across = quotient_up(quotient_up(columns, tiles), kPiece);
    return {across, min(kMostDown, kMostThreads / across), 1, kPanelDepth};
}

// For a result of few rows and a long sum.
__device__ __forceinline__ TileShape tile_shape_of_sums(int rows, int columns) {
    TileShape shape = tile_shape(columns);
    shape.down = min(shape.down, quotient_up(rows, kPiece));
    shape.depth = 64;
    // Three quads a thread: where they do not divide evenly it takes a fourth.
    while (shape.depth > kPanelDepth && (shape.depth * shape.stride() > kPanelMemory ||
                                         shape.depth * max(shape.rows(), shape.columns()) > 3 * 4 * kMostThreads)) {
        shape.depth /= 2;
    }
    const int pieces = shape.across * shape.down;
    while (shape.groups < shape.depth / 4 && 2 * shape.groups * pieces <= kMostThreads) shape.groups *= 2;
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

    // Made where it is needed: all rows would take registers that there are not.
    __device__ __forceinline__ int row_at(int i) const { return not_ahead(row) + i % 4 + i / 4 * rows_apart; }
    __device__ __forceinline__ int column_at(int j) const { return column + j % 4 + j / 4 * columns_apart; }
};

typedef float PieceSums[kPiece][kPiece];

// Adds the products of `count` lines of a panel from `line` on, `step` apart.
__device__ __forceinline__ void multiply_lines(PieceSums& sum, const float* line, int step, int count,
                                               const TileShape& shape, const Piece& piece) {
    const float* a_line = line + piece.row;
    const float* b_line = line + shape.rows() + piece.column;
    // Longer bodies take more registers than there are.
    SPOS_UNROLL_ON_GPU(1)
    for (int p = 0; p < count; ++p) {
        float a[2][4], b[2][4];
        load_four(a[0], a_line);
        load_four(a[1], a_line + piece.rows_apart);
        load_four(b[0], b_line);
        load_four(b[1], b_line + piece.columns_apart);
        a_line += step;
        b_line += step;
        SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
            SPOS_UNROLL for (int j = 0; j < kPiece; ++j) sum[i][j] += a[i / 4][i % 4] * b[j / 4][j % 4];
        }
    }
}

// Adds the sums of all groups' threads to those of the first group's, half a piece at a time, as all would not fit.
__device__ __forceinline__ void add_groups(PieceSums& sum, int group, int place, int pieces, int groups) {
    constexpr int kStride = kMostThreads / 2;
    static_assert(4 * kPiece * kStride <= 2 * kPanelMemory, "half of the pieces of half of the groups fit");
    float* const memory = panel_memory();
    for (int left = groups / 2; left > 0; left /= 2) {
        SPOS_UNROLL for (int half = 0; half < 2; ++half) {
            if (group >= left && group < 2 * left) {
                float* const target = memory + (group - left) * pieces + place;
                SPOS_UNROLL for (int k = 0; k < 4 * kPiece; ++k) {
                    target[k * kStride] = sum[4 * half + k / kPiece][k % kPiece];
                }
            }
            __syncthreads();
            if (group < left) {
                const float* const source = memory + group * pieces + place;
                SPOS_UNROLL for (int k = 0; k < 4 * kPiece; ++k) {
                    sum[4 * half + k / kPiece][k % kPiece] += source[k * kStride];
                }
            }
            __syncthreads();
        }
    }
}

// The sums over p = begin .. end-1 of the tile at (i0, j0). All threads take part; those that hold no piece have sums
// of no meaning. Shared is whether threads may be left over (TileShape::groups); then the sums of the first group's
// threads count.
template <bool Shared, bool ByFour, class A, class B>
__device__ __forceinline__ void multiply_tile(PieceSums& sum, const A& a, const B& b, int i0, int j0, int begin,
                                              int end, const TileShape& shape) {
    const int depth = Shared ? shape.depth : kPanelDepth, stride = shape.stride();
    const int rows = shape.rows(), columns = shape.columns();
    const int pieces = shape.across * shape.down, groups = Shared ? shape.groups : 1;
    const int group = Shared ? (int)threadIdx.x / pieces : 0;
    const int place_in_group = Shared ? (int)threadIdx.x % pieces : (int)threadIdx.x;
    const Piece piece(shape, place_in_group);
    const bool holds = (int)threadIdx.x < pieces * groups;
    const Walk walk_a = A::walk(rows, depth), walk_b = B::walk(columns, depth);
    // A thread moves a quad of A, and of B, while it multiplies a part of a panel: what is fetched waits in registers.
    // Of many rows there are two quads of rows in a panel, and one of columns.
    constexpr int kParts = Shared ? 4 : 2, kMemory = Shared ? kPanelMemory : kPanelDepth * kMostStride;
    SPOS_UNROLL for (int i = 0; i < kPiece; ++i) { SPOS_UNROLL for (int j = 0; j < kPiece; ++j) sum[i][j] = 0.0f; }
    // The panel before the first holds nothing: meanwhile the first one comes from memory.
    int current = 1;
    for (int p0 = begin - depth; p0 < end; p0 += depth) {
        const int next = p0 + depth;
        const float* const panel = panel_memory() + current * kMemory;
        float* const next_panel = panel_memory() + (1 - current) * kMemory;
        SPOS_UNROLL for (int part = 0; part < kParts; ++part) {
            const bool has_columns = Shared || part == 0;
            typename A::Raw raw_a;
            typename B::Raw raw_b;
            if (next < end) {
                fetch<ByFour>(raw_a, a, walk_a, part, i0, next);
                if (has_columns) fetch<ByFour>(raw_b, b, walk_b, part, j0, next);
            }
            if (p0 >= begin && holds) {
                multiply_lines(sum, panel + (part * (depth / kParts) + group) * stride, groups * stride,
                               depth / kParts / groups, shape, piece);
            }
            if (next < end) {
                place<ByFour>(next_panel, stride, raw_a, a, walk_a, part, i0, next);
                if (has_columns) place<ByFour>(next_panel + rows, stride, raw_b, b, walk_b, part, j0, next);
            }
        }
        current = 1 - current;
        __syncthreads();
    }
    if (Shared) add_groups(sum, group, place_in_group, pieces, groups);
}

// An epilogue, ready for `count` of four columns.
template <class Epilogue>
struct OfFour;
template <>
struct OfFour<RawResult> {
    __device__ __forceinline__ OfFour(const RawResult&, int, int) {}
    __device__ __forceinline__ float operator()(float value, int) const { return value; }
};
template <>
struct OfFour<NormalisedResult> {
    float scale[4], shift[4];
    int rectify;

    __device__ __forceinline__ OfFour(const NormalisedResult& result, int column, int count) : rectify(result.rectify) {
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            scale[k] = k < count ? result.scale[column + k] : 0.0f;
            shift[k] = k < count ? result.shift[column + k] : 0.0f;
        }
    }
    __device__ __forceinline__ float operator()(float value, int k) const {
        const Lane result = multiply_add(Lane(value), Lane(scale[k]), Lane(shift[k]));
        return rectify ? relu(result).v : result.v;
    }
};

// Where the results lie: C(i, j) at data[i * stride + j].
template <class T>
struct DenseResults {
    T* data;
    int stride;

    // The piece of the tile at (i0, j0), of which `rows` and `columns` are there.
    template <class Epilogue>
    __device__ __forceinline__ void store(const PieceSums& sum, const Piece& piece, int i0, int j0, int rows,
                                          int columns, const Epilogue& epilogue) const {
        const bool by_four = stride % 4 == 0 && columns % 4 == 0 && is_aligned(data + j0);
        SPOS_UNROLL for (int half = 0; half < 2; ++half) {
            const int column = piece.column_at(4 * half), count = columns - column;
            const OfFour<Epilogue> result(epilogue, j0 + column, count);
            SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
                const int row = piece.row_at(i);
                if (row >= rows) continue;
                float values[4];
                SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = result(sum[i][4 * half + k], k);
                store_quad(data + (int64_t)(i0 + row) * stride + j0 + column, values, count, by_four);
            }
        }
    }
};

// What becomes of the sums of a tile besides: nothing.
struct NoFinish {
    __device__ __forceinline__ void begin() {}
    __device__ __forceinline__ void add(const PieceSums&, const Piece&, const TileShape&, bool, int, int, int, int) {}
    __device__ __forceinline__ void end(const TileShape&, int, int, int) {}
};

__device__ __forceinline__ int column_tiles(int columns) { return quotient_up(columns, tile_shape(columns).columns()); }

// Rows first_row .. end_row-1 of a column of tiles of C, from above to below. `finish` learns of them, with all
// threads: begin(), then for each tile add() with the sums, the thread's piece and whether it holds one, the tile's
// first row and column and how many of them are there, then end() with the number of rows of all tiles, the first
// column and the number of columns.
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
        if (a.is_by_four() && b.is_by_four()) {
            multiply_tile<false, true>(sum, a, b, i0, j0, 0, depth, shape);
        } else {
            multiply_tile<false, false>(sum, a, b, i0, j0, 0, depth, shape);
        }
        const int thread = not_ahead((int)threadIdx.x);
        const bool holds = thread < shape.across * shape.down;
        const Piece piece(shape, thread);
        if (holds) c.store(sum, piece, i0, j0, tile_rows, tile_columns, epilogue);
        finish.add(sum, piece, shape, holds, i0, tile_rows, j0, tile_columns);
    }
    finish.end(shape, end_row - first_row, j0, tile_columns);
}

// Rows `first` to `end - 1` of C; blocks along grid.y share the columns. BRows: whether the values of the rows of B lie
// together, or those of its columns.
template <bool BRows, class V, class Epilogue = RawResult>
__device__ __forceinline__ void multiply_rows(V* c, int64_t c_stride, MatrixOf<V> a, MatrixView b, int first, int end,
                                              int columns, int depth, Epilogue epilogue = {}) {
    const int tiles = column_tiles(columns);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        multiply_into(DenseResults<V>{c, (int)c_stride}, rows_of<true>(a, end, depth),
                      columns_of<BRows>(weights_as_operands<V>(b), columns, depth), first, end, columns, depth,
                      epilogue, NoFinish{}, tile);
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
    const int row = tile / tiles_across * shape.rows(), column = tile % tiles_across * shape.columns();
    if (a.is_by_four() && b.is_by_four()) {
        multiply_tile<true, true>(sum, a, b, row, column, begin, end, shape);
    } else {
        multiply_tile<true, false>(sum, a, b, row, column, begin, end, shape);
    }
    const int thread = not_ahead((int)threadIdx.x);
    if (thread >= shape.across * shape.down) return;
    tile = not_ahead(tile);
    const int i0 = tile / tiles_across * shape.rows(), j0 = tile % tiles_across * shape.columns();
    DenseResults<float>{c + (int64_t)not_ahead(result) * rows * columns, columns}.store(
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
    __device__ __forceinline__ void add(const void*, int, int64_t, int) {}
};

__device__ __forceinline__ int tiles_of(int, int, int) { return 0; }

template <class V, class Epilogue>
__device__ __forceinline__ void multiply_and_fetch(FetchAhead&, V* c, int64_t c_stride, MatrixOf<V> a, MatrixView b,
                                                   int rows, int columns, int depth, Epilogue epilogue) {
    multiply_rows<true>(c, c_stride, a, b, 0, rows, columns, depth, epilogue);
}
