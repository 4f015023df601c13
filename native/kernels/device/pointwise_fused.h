// The fused pointwise convolution for a block of GPU threads: values become what they are to be between memory and a
// panel, and sums are taken of a tile's results while they are in registers.
#pragma once
#include "device/batch_norm.h"
#include "device/gemm.h"

namespace {

// Four channels of a row of an input.
template <class V>
struct InputQuads {
    static constexpr bool kDownRows = false;
    typedef Quad<V> Raw;

    InputView<V> view;

    __device__ __forceinline__ bool is_by_four() const {
        return view.channels % 4 == 0 && is_aligned(view.data) && is_aligned(view.scale);
    }
    template <bool ByFour>
    __device__ __forceinline__ void read(Raw& raw, int row, int channel, int count) const {
        load_quad(raw, view.data + ((int64_t)row * view.channels + channel), 1, count, ByFour);
    }
    template <bool ByFour>
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int channel, int count) const {
        widen(values, raw);
        if (!view.scale) return;
        float scale[4], shift[4];
        load_quad(scale, view.scale + channel, 1, count, ByFour);
        load_quad(shift, view.shift + channel, 1, count, ByFour);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            // Beyond the depth all of these are zeros.
            const Lane value = multiply_add(Lane(values[k]), Lane(scale[k]), Lane(shift[k]));
            values[k] = as_operand<V>(view.rectify ? relu(value).v : value.v);
        }
    }
};

// The gradient of a raw value of `channel`.
__device__ __forceinline__ float gradient_of(const GradientFactors& f, float dy, float y, int channel) {
    const FullLane lane;
    Lane g(dy);
    if (f.rectify) {
        g = where_positive(
            multiply_add(Lane(y), lane.load(f.statistics.scale + channel), lane.load(f.statistics.shift + channel)), g);
    }
    const Lane deviation = Lane(y) - lane.load(f.statistics.mean + channel);
    const Lane rest = multiply_add(lane.load(f.coefficients + f.channels + channel), deviation,
                                   lane.load(f.coefficients + 2 * f.channels + channel));
    return multiply_add(lane.load(f.coefficients + channel), g, rest).v;
}

// Four channels of a row of a gradient.
template <class V>
struct GradientQuads {
    static constexpr bool kDownRows = false;
    struct Raw {
        Quad<V> dy, y;
    };

    GradientView<V> view;

    __device__ __forceinline__ bool is_by_four() const {
        return view.factors.channels % 4 == 0 && is_aligned(view.dy) && is_aligned(view.y) &&
               is_aligned(view.factors.statistics.mean) && is_aligned(view.factors.coefficients);
    }
    template <bool ByFour>
    __device__ __forceinline__ void read(Raw& raw, int row, int channel, int count) const {
        const int64_t at = (int64_t)row * view.factors.channels + channel;
        load_quad(raw.dy, view.dy + at, 1, count, ByFour);
        load_quad(raw.y, view.y + at, 1, count, ByFour);
    }
    // As gradient_of. There are no registers for all factors of four channels at once. Beyond the depth they are zeros.
    template <bool ByFour>
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int channel, int count) const {
        const GradientFactors& f = view.factors;
        float g[4], y[4], rest[4], one[4], two[4], three[4];
        widen(g, raw.dy);
        widen(y, raw.y);
        if (f.rectify) {
            load_quad(one, f.statistics.scale + channel, 1, count, ByFour);
            load_quad(two, f.statistics.shift + channel, 1, count, ByFour);
            SPOS_UNROLL for (int k = 0; k < 4; ++k) g[k] =
                where_positive(multiply_add(Lane(y[k]), Lane(one[k]), Lane(two[k])), Lane(g[k])).v;
        }
        SPOS_IN_ORDER();
        load_quad(one, f.statistics.mean + channel, 1, count, ByFour);
        load_quad(two, f.coefficients + f.channels + channel, 1, count, ByFour);
        load_quad(three, f.coefficients + 2 * f.channels + channel, 1, count, ByFour);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) rest[k] =
            multiply_add(Lane(two[k]), Lane(y[k]) - Lane(one[k]), Lane(three[k])).v;
        SPOS_IN_ORDER();
        load_quad(one, f.coefficients + channel, 1, count, ByFour);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            values[k] = as_operand<V>(multiply_add(Lane(one[k]), Lane(g[k]), Lane(rest[k])).v);
        }
    }
};

template <class V>
__device__ __forceinline__ InputQuads<V> quads_of(const InputView<V>& view) {
    return {view};
}
template <class V>
__device__ __forceinline__ GradientQuads<V> quads_of(const GradientView<V>& view) {
    return {view};
}

template <bool AreRows, class View>
__device__ __forceinline__ auto lines_of(const View& view, int rows, int channels) {
    return ViewLines<View, AreRows>{view, rows, channels};
}

// Where the partial sums of a block lie.
__device__ __forceinline__ float* block_sums(float* partials, int block, int channels) {
    return partials + (int64_t)block * 2 * channels;
}

// Two numbers of each column of each piece, kept from tile to tile: a thread's own, so that no other waits for them. At
// the end the threads of a column add them up, those of several pieces each.
template <class Shape>
struct ColumnPairs {
    float *first, *second;
    int width, pieces_down;

    __device__ __forceinline__ explicit ColumnPairs(const Shape& shape)
        : first(memory()), second(first + kCount), width(shape.width()), pieces_down(shape.pieces_down()) {}

    // A quad of the thread's columns.
    __device__ __forceinline__ int quad(const Piece& piece, int quad) const {
        return Shape::index_down(piece) * width + piece.column_at(4 * quad);
    }
    __device__ __forceinline__ int at(int piece_down, int column) const { return piece_down * width + column; }

    // Makes the pairs of each of `columns` columns one, and stores it with the block's partial sums, from channel j0
    // on. Threads of a column share its pieces; then one of them takes what these have come to. After merge(column,
    // first, step, end) piece `first` has what the pieces from there to before `end`, `step` apart, come to; each
    // stands for every `end`-th piece. All threads of the block must call.
    template <class Merge>
    __device__ __forceinline__ void reduce(float* partials, int block, int channels, int j0, int columns,
                                           const Merge& merge) const {
        const int column = not_ahead((int)threadIdx.x) % width, place = (int)threadIdx.x / width;
        const int threads = min(kMostThreads / width, pieces_down);
        __syncthreads();
        if (place < threads) merge(column, place, threads, pieces_down);
        __syncthreads();
        if (place > 0 || column >= columns) return;
        merge(column, 0, 1, threads);
        float* const partial = block_sums(partials, not_ahead(block), channels) + j0 + column;
        partial[0] = first[column];
        partial[channels] = second[column];
    }

 private:
    // Behind the panels, which the threads go on with.
    static constexpr int kCount = kMostThreads * Shape::kPieceColumns, kPanels = 2 * Shape::kPanelOfRows;
    static_assert(kPanels + 2 * kCount <= 2 * Shape::kPanelMemory, "panels and pairs fit");
    __device__ __forceinline__ static float* memory() { return panel_memory<Shape>() + kPanels; }
};

// The mean of each column of the results, and the sum of squared deviations from it, over a block's rows: of the rows
// of each piece first, then of the pieces (Chan et al., see batch_norm.cu).
struct TileStatistics {
    float* partials;
    int channels;
    int count;

    __device__ __forceinline__ void begin() { count = 0; }
    template <class Shape>
    __device__ __forceinline__ void add(const typename Shape::Sums& sum, const Piece& piece, const Shape& shape,
                                        bool holds, int, int tile_rows, int, int) {
        const int rows = holds ? rows_of_piece(piece.row, piece.rows_apart, tile_rows) : 0;
        if (rows == 0) return;
        const ColumnPairs<Shape> pairs(shape);
        const float of_one = 1.0f / (float)rows, share = (float)rows / (float)(count + rows);
        SPOS_UNROLL for (int quad = 0; quad < Shape::kPieceColumns / 4; ++quad) {
            float means[4] = {}, squares[4] = {};
            const int at = pairs.quad(piece, quad);
            if (count > 0) {
                load_four(means, pairs.first + at);
                load_four(squares, pairs.second + at);
            }
            SPOS_UNROLL for (int k = 0; k < 4; ++k) {
                const int j = 4 * quad + k;
                float total = 0.0f, deviations = 0.0f;
                SPOS_UNROLL for (int i = 0; i < Shape::kPieceRows; ++i) {
                    if (piece.row_at(i) < tile_rows) total += sum[i][j];
                }
                const float average = total * of_one;
                SPOS_UNROLL for (int i = 0; i < Shape::kPieceRows; ++i) {
                    const float d = sum[i][j] - average;
                    if (piece.row_at(i) < tile_rows) deviations += d * d;
                }
                const float difference = average - means[k];
                squares[k] += deviations + difference * difference * ((float)count * share);
                means[k] += difference * share;
            }
            store_four(pairs.first + at, means);
            store_four(pairs.second + at, squares);
        }
        count += rows;
    }
    template <class Shape>
    __device__ __forceinline__ void end(const Shape& shape, int rows, int j0, int tile_columns) const {
        const ColumnPairs<Shape> pairs(shape);
        pairs.reduce(
            partials, (int)blockIdx.x, channels, j0, tile_columns,
            [&](int column, int first, int step, int end) { combine(pairs, shape, rows, column, first, step, end); });
    }

 private:
    template <class Shape>
    static __device__ __forceinline__ void combine(const ColumnPairs<Shape>& pairs, const Shape& shape, int rows,
                                                   int column, int first, int step, int end) {
        float mean = 0.0f, squares = 0.0f;
        int count = 0;
        for (int d = first; d < end; d += step) {
            const int more = rows_of(shape, rows, d, end);
            if (more == 0) continue;
            const int at = pairs.at(d, column);
            const float difference = pairs.first[at] - mean, share = (float)more / (float)(count + more);
            squares += pairs.second[at] + difference * difference * ((float)count * share);
            mean += difference * share;
            count += more;
        }
        pairs.first[pairs.at(first, column)] = mean;
        pairs.second[pairs.at(first, column)] = squares;
    }
    // Of a piece and of every `span`-th one after.
    template <class Shape>
    static __device__ __forceinline__ int rows_of(const Shape& shape, int rows, int piece, int span) {
        const int tiles = rows / shape.rows(), rest = rows % shape.rows();
        int count = 0;
        for (int d = piece; d < shape.pieces_down(); d += span)
            count += tiles * Shape::kPieceRows + shape.rows_of(d, rest);
        return count;
    }
};

// Of the gradients dx of an input still to be normalised, over a block's rows: the sums of g and of g * (x - mean), g
// as in column_gradient_sums (device/batch_norm.h). A thread reads again what it has stored: besides its piece there
// are no registers for as many rows at a time as memory is slow.
template <class V>
struct TileGradientSums {
    float* partials;  // null if none are wanted
    int block;
    const V* dx;
    InputView<V> x;
    Statistics statistics;
    bool are_first;

    __device__ __forceinline__ void begin() { are_first = true; }
    template <class Shape>
    __device__ __forceinline__ void add(const typename Shape::Sums&, const Piece& piece, const Shape& shape, bool holds,
                                        int i0, int tile_rows, int j0, int tile_columns) {
        if (!partials || !holds) return;
        SPOS_IN_ORDER();
        const ColumnPairs<Shape> pairs(shape);
        SPOS_UNROLL for (int quad = 0; quad < Shape::kPieceColumns / 4; ++quad) {
            add_columns(pairs, piece, quad, i0, tile_rows, j0, tile_columns);
            SPOS_IN_ORDER();
        }
        are_first = false;
    }
    template <class Shape>
    __device__ __forceinline__ void end(const Shape& shape, int, int j0, int tile_columns) const {
        if (!partials) return;
        const ColumnPairs<Shape> pairs(shape);
        pairs.reduce(partials, block, x.channels, j0, tile_columns,
                     [&](int column, int first, int step, int end) { add_up(pairs, column, first, step, end); });
    }

 private:
    template <class Pairs>
    static __device__ __forceinline__ void add_up(const Pairs& pairs, int column, int first, int step, int end) {
        float sum = 0.0f, products = 0.0f;
        for (int d = first; d < end; d += step) {
            sum += pairs.first[pairs.at(d, column)];
            products += pairs.second[pairs.at(d, column)];
        }
        pairs.first[pairs.at(first, column)] = sum;
        pairs.second[pairs.at(first, column)] = products;
    }

    // Four columns of a piece.
    template <class Shape>
    __device__ __forceinline__ void add_columns(const ColumnPairs<Shape>& pairs, const Piece& piece, int quad, int i0,
                                                int tile_rows, int j0, int tile_columns) const {
        const int column = piece.column_at(4 * quad), count = tile_columns - column;
        const bool by_four = x.channels % 4 == 0 && is_aligned(x.data) && is_aligned(dx) && is_aligned(statistics.mean);
        const int channel = j0 + column, at = pairs.quad(piece, quad);
        float mean[4], scale[4], shift[4], gradients[4] = {}, moments[4] = {};
        load_quad(mean, statistics.mean + channel, 1, count, by_four);
        load_quad(scale, statistics.scale + channel, 1, count, by_four);
        load_quad(shift, statistics.shift + channel, 1, count, by_four);
        if (!are_first) {
            load_four(gradients, pairs.first + at);
            load_four(moments, pairs.second + at);
        }
        SPOS_UNROLL for (int i = 0; i < Shape::kPieceRows; i += 4) {
            float values[4][4], g[4][4];
            SPOS_UNROLL for (int r = 0; r < 4; ++r) {
                const int row = piece.row_at(i + r), there = row < tile_rows ? count : 0;
                const int64_t place = (int64_t)(i0 + row) * x.channels + channel;
                load_quad(values[r], x.data + place, 1, there, by_four);
                load_quad(g[r], dx + place, 1, there, by_four);
            }
            SPOS_UNROLL for (int r = 0; r < 4; ++r) {
                SPOS_UNROLL for (int k = 0; k < 4; ++k) {
                    Lane passed(g[r][k]);
                    if (x.rectify)
                        passed =
                            where_positive(multiply_add(Lane(values[r][k]), Lane(scale[k]), Lane(shift[k])), passed);
                    gradients[k] += passed.v;
                    moments[k] += passed.v * (values[r][k] - mean[k]);
                }
            }
        }
        store_four(pairs.first + at, gradients);
        store_four(pairs.second + at, moments);
    }
};

template <class Results, class V>
__device__ __forceinline__ void forward_into(const Results& y, float* partials, const InputView<V>& x, const float* w,
                                             int rows, int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block, end = min(first + rows_per_block, rows);
    multiply_into<V>(y, lines_of<true>(quads_of(x), end, in),
                     columns_of<true>(weights_as_operands<V>(MatrixView{w, out, 1}), out, in), first, end, out, in,
                     RawResult{}, TileStatistics{partials, out, 0}, (int)blockIdx.y);
}

template <class V>
__device__ __forceinline__ void pointwise_forward(V* y, float* partials, const InputView<V>& x, const float* w,
                                                  int rows, int in, int out, int rows_per_block) {
    forward_into(DenseResults<V>{y, out}, partials, x, w, rows, in, out, rows_per_block);
}

// The blocks of the grid: first those of the weights' gradient, whose sums are long, then those of the input's. `dy`: a
// view of the gradients of the results.
template <class V, class Gradients>
__device__ __forceinline__ void pointwise_backward(V* dx, float* weight_partials, float* sum_partials,
                                                   const Gradients& dy, const InputView<V>& x,
                                                   const Statistics& x_statistics, const float* w, int rows, int in,
                                                   int out, int rows_per_block, int rows_per_chunk) {
    const int tiles = tiles_of_sums<V>(in, out), weight_blocks = quotient_up(rows, rows_per_chunk) * tiles;
    int block = (int)blockIdx.x;
    if (block < weight_blocks) {
        const int chunk = block / tiles, first = chunk * rows_per_chunk, end = min(first + rows_per_chunk, rows);
        multiply_sums<V>(weight_partials, chunk, lines_of<false>(quads_of(x), end, in),
                         lines_of<false>(quads_of(dy), end, out), in, out, first, end, block % tiles);
        return;
    }
    block -= weight_blocks;
    // What the two parts have in common would be made ahead of both, and keep registers.
    in = not_ahead(in);
    out = not_ahead(out);
    const int tiles_across = column_tiles<V>(in);
    const int first = block / tiles_across * rows_per_block, end = min(first + rows_per_block, rows);
    multiply_into<V>(DenseResults<V>{dx, in}, lines_of<true>(quads_of(dy), end, out),
                     columns_of<false>(weights_as_operands<V>(MatrixView{w, 1, out}), in, out), first, end, in, out,
                     RawResult{}, TileGradientSums<V>{sum_partials, block / tiles_across, dx, x, x_statistics, true},
                     block % tiles_across);
}

}  // namespace
