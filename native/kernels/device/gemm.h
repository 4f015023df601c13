// C[i][j] = sum over p of A(i, p) * B(p, j): a matrix product for a block of kMostThreads GPU threads.
//
// A tile of C is the work of a block. Each thread holds a piece of it in registers (device/tiles.h).
// Panels of A and B go through shared memory, two of them: while one is multiplied, the next is on its way from memory.
// What a value is to become on load it becomes between the two (device/panels.h). The sum over p runs in an order that
// follows from the shapes alone, so results depend on neither the launch nor the schedule.
//
// Products of floats are made here, those of bf16 in device/gemm_bf16.h.
#pragma once
#include "device/epilogue.h"
#include "device/gemm_bf16.h"
#include "device/panels.h"

// Adds the products of `count` lines of a panel from `line` on, `step` apart.
__device__ __forceinline__ void multiply_lines(TileShape::Sums& sum, const float* line, int step, int count,
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
        SPOS_UNROLL for (int i = 0; i < TileShape::kPieceRows; ++i) {
            SPOS_UNROLL for (int j = 0; j < TileShape::kPieceColumns; ++j) sum[i][j] +=
                a[i / 4][i % 4] * b[j / 4][j % 4];
        }
    }
}

// The sums over p = begin .. end-1 of the tile at (i0, j0). All threads take part; those that hold no piece have sums
// of no meaning. Shared is whether threads may be left over (TileShape::groups); then the sums of the first group's
// threads count.
template <bool Shared, bool ByFour, class A, class B>
__device__ __forceinline__ void multiply_tile(TileShape::Sums& sum, const A& a, const B& b, int i0, int j0, int begin,
                                              int end, const TileShape& shape) {
    const int depth = Shared ? shape.depth : TileShape::kPanelDepth, stride = shape.stride();
    const int rows = shape.rows(), columns = shape.columns();
    const int pieces = shape.across * shape.down, groups = Shared ? shape.groups : 1;
    const int group = Shared ? (int)threadIdx.x / pieces : 0;
    const int place_in_group = Shared ? (int)threadIdx.x % pieces : (int)threadIdx.x;
    const Piece piece = shape.piece(place_in_group);
    const bool holds = (int)threadIdx.x < pieces * groups;
    const Walk walk_a = A::walk(rows, depth), walk_b = B::walk(columns, depth);
    // A thread moves a quad of A, and of B, while it multiplies a part of a panel: what is fetched waits in registers.
    // Of many rows there are two quads of rows in a panel, and one of columns.
    constexpr int kParts = Shared ? 4 : 2, kMemory = Shared ? TileShape::kPanelMemory : TileShape::kPanelOfRows;
    clear(sum);
    // The panel before the first holds nothing: meanwhile the first one comes from memory.
    int current = 1;
    for (int p0 = begin - depth; p0 < end; p0 += depth) {
        const int next = p0 + depth;
        const float* const panel = panel_memory<TileShape>() + current * kMemory;
        float* const next_panel = panel_memory<TileShape>() + (1 - current) * kMemory;
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
    if (Shared) add_groups<TileShape>(sum, group, place_in_group, pieces, groups);
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
    template <int Rows, int Columns, class Epilogue>
    __device__ __forceinline__ void store(const float (&sum)[Rows][Columns], const Piece& piece, int i0, int j0,
                                          int rows, int columns, const Epilogue& epilogue) const {
        const bool by_four = stride % 4 == 0 && columns % 4 == 0 && is_aligned(data + j0);
        SPOS_UNROLL for (int quad = 0; quad < Columns / 4; ++quad) {
            const int column = piece.column_at(4 * quad), count = columns - column;
            const OfFour<Epilogue> result(epilogue, j0 + column, count);
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
                const int row = piece.row_at(i);
                if (row >= rows) continue;
                float values[4];
                SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = result(sum[i][4 * quad + k], k);
                store_quad(data + (int64_t)(i0 + row) * stride + j0 + column, values, count, by_four);
            }
        }
    }
};

// What becomes of the sums of a tile besides: nothing.
struct NoFinish {
    __device__ __forceinline__ void begin() {}
    template <class Shape>
    __device__ __forceinline__ void add(const typename Shape::Sums&, const Piece&, const Shape&, bool, int, int, int,
                                        int) {}
    template <class Shape>
    __device__ __forceinline__ void end(const Shape&, int, int, int) {}
};

// Rows first_row .. end_row-1 of a column of tiles of C, a product with values of V, from above to below. `finish`
// learns of them, with all threads: begin(), then for each tile add() with the sums, the thread's piece and whether it
// holds one, the tile's first row and column and how many of them are there, then end() with the number of rows of all
// tiles, the first column and the number of columns.
template <class V, class Results, class A, class B, class Epilogue, class Finish>
__device__ __forceinline__ void multiply_into(const Results& c, const A& a, const B& b, int first_row, int end_row,
                                              int columns, int depth, const Epilogue& epilogue, Finish finish,
                                              int column_tile) {
    typedef typename ShapeOf<V>::Type Shape;
    const Shape shape = ShapeOf<V>::of(columns);
    const int j0 = column_tile * shape.columns(), tile_columns = min(shape.columns(), columns - j0);
    finish.begin();
    for (int i0 = first_row; i0 < end_row; i0 += shape.rows()) {
        const int tile_rows = min(shape.rows(), end_row - i0);
        typename Shape::Sums sum;
        if (a.is_by_four() && b.is_by_four()) {
            multiply_tile<false, true>(sum, a, b, i0, j0, 0, depth, shape);
        } else {
            multiply_tile<false, false>(sum, a, b, i0, j0, 0, depth, shape);
        }
        const int thread = not_ahead((int)threadIdx.x);
        const bool holds = thread < shape.threads();
        const Piece piece = shape.piece(thread);
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
    const int tiles = column_tiles<V>(columns);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        multiply_into<V>(DenseResults<V>{c, (int)c_stride}, rows_of<true>(a, end, depth),
                         columns_of<BRows>(weights_as_operands<V>(b), columns, depth), first, end, columns, depth,
                         epilogue, NoFinish{}, tile);
    }
}

// Tile `tile` of a result of few rows and a long sum, the `result`-th [rows][columns] from c on, of the sums over p =
// begin .. end-1 of products with values of V.
template <class V, class A, class B>
__device__ __forceinline__ void multiply_sums(float* c, int result, const A& a, const B& b, int rows, int columns,
                                              int begin, int end, int tile) {
    typedef typename ShapeOf<V>::Type Shape;
    const Shape shape = ShapeOf<V>::of_sums(rows, columns);
    const int tiles_across = quotient_up(columns, shape.columns());
    typename Shape::Sums sum;
    const int row = tile / tiles_across * shape.rows(), column = tile % tiles_across * shape.columns();
    if (a.is_by_four() && b.is_by_four()) {
        multiply_tile<true, true>(sum, a, b, row, column, begin, end, shape);
    } else {
        multiply_tile<true, false>(sum, a, b, row, column, begin, end, shape);
    }
    const int thread = not_ahead((int)threadIdx.x);
    if (thread >= shape.threads()) return;
    tile = not_ahead(tile);
    const int i0 = tile / tiles_across * shape.rows(), j0 = tile % tiles_across * shape.columns();
    DenseResults<float>{c + (int64_t)not_ahead(result) * rows * columns, columns}.store(
        sum, shape.piece(thread), i0, j0, min(shape.rows(), rows - i0), min(shape.columns(), columns - j0),
        RawResult{});
}

// A result of few rows and a long sum, whose tiles the blocks along grid.y share. The columns of A and the rows of B
// lie together.
__device__ __forceinline__ void multiply_deep(float* c, MatrixView a, MatrixView b, int rows, int columns, int depth) {
    const int tiles = tiles_of_sums<float>(rows, columns);
    for (int tile = (int)blockIdx.y; tile < tiles; tile += (int)gridDim.y) {
        multiply_sums<float>(c, 0, rows_of<false>(a, rows, depth), columns_of<true>(b, columns, depth), rows, columns,
                             0, depth, tile);
    }
}

// Weights [rows][columns] as inference's products take them: a CPU's are packed before (pointwise_pack).
__device__ __forceinline__ MatrixView packed_weights(const float* data, int columns) { return {data, columns, 1}; }

__device__ __forceinline__ void pack_weights(float* packed, const float* w, int rows, int columns, int first,
                                             int step) {
    const int64_t count = (int64_t)rows * columns;
    for (int64_t i = (int64_t)first * blockDim.x + threadIdx.x; i < count; i += (int64_t)step * blockDim.x) {
        packed[i] = w[i];
    }
}
__device__ __forceinline__ void pack_weights_in_pairs(float* packed, const float* w, int rows, int columns, int first,
                                                      int step) {
    pack_weights(packed, w, rows, columns, first, step);
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
