// The fused pointwise convolution for a block of GPU threads: values become what they are to be between memory and a
// panel, and sums are taken of a tile's results while they are in registers.
#pragma once
#include "device/batch_norm.h"
#include "device/gemm.h"

namespace {

// Four channels of a row of an input.
struct InputQuads {
    static constexpr bool kDownRows = false;
    struct Raw {
        float values[4];
    };

    InputView view;

    __device__ __forceinline__ void read(Raw& raw, int row, int channel, int count) const {
        load_quad(raw.values, view.data + ((int64_t)row * view.channels + channel), 1, count,
                  view.channels % 4 == 0 && is_aligned(view.data));
    }
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int channel, int count) const {
        if (!view.scale) {
            SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = raw.values[k];
            return;
        }
        const bool by_four = view.channels % 4 == 0 && is_aligned(view.scale);
        float scale[4], shift[4];
        load_quad(scale, view.scale + channel, 1, count, by_four);
        load_quad(shift, view.shift + channel, 1, count, by_four);
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            const Lane value = multiply_add(Lane(raw.values[k]), Lane(scale[k]), Lane(shift[k]));
            values[k] = k >= count ? 0.0f : view.rectify ? relu(value).v : value.v;
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
struct GradientQuads {
    static constexpr bool kDownRows = false;
    struct Raw {
        float dy[4], y[4];
    };

    GradientView view;

    __device__ __forceinline__ void read(Raw& raw, int row, int channel, int count) const {
        const int channels = view.factors.channels;
        const int64_t at = (int64_t)row * channels + channel;
        const bool by_four = channels % 4 == 0 && is_aligned(view.dy) && is_aligned(view.y);
        load_quad(raw.dy, view.dy + at, 1, count, by_four);
        load_quad(raw.y, view.y + at, 1, count, by_four);
    }
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int channel, int count) const {
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            values[k] = k < count ? gradient_of(view.factors, raw.dy[k], raw.y[k], channel + k) : 0.0f;
        }
    }
};

__device__ __forceinline__ InputQuads quads_of(const InputView& view) { return {view}; }
__device__ __forceinline__ GradientQuads quads_of(const GradientView& view) { return {view}; }

template <bool AreRows, class View>
__device__ __forceinline__ auto lines_of(const View& view, int rows, int channels) {
    return ViewLines<View, AreRows>{view, rows, channels};
}

// Of the rows of a tile that are there, those in the two groups of a piece whose first row is `row`.
__device__ __forceinline__ int rows_of_piece(int row, int rows_apart, int tile_rows) {
    return max(0, min(4, tile_rows - row)) + max(0, min(4, tile_rows - row - rows_apart));
}

// Where the partial sums of a block lie.
__device__ __forceinline__ float* block_sums(float* partials, int block, int channels) {
    return partials + (int64_t)block * 2 * channels;
}

// Two numbers of each column of each piece of a tile, in the memory of the panels: Width is the tile's columns.
struct ColumnPairs {
    float* first;
    int width, pieces_down;

    __device__ __forceinline__ ColumnPairs(const TileShape& shape)
        : first(panel_memory()), width(shape.columns()), pieces_down(shape.down) {}
    __device__ __forceinline__ float& a(int piece_down, int column) const { return first[piece_down * width + column]; }
    __device__ __forceinline__ float& b(int piece_down, int column) const {
        return first[(pieces_down + piece_down) * width + column];
    }
};

// The mean of each column of the results, and the sum of squared deviations from it, over a block's rows: of the rows
// of each piece first, then of the pieces from above to below (Chan et al., see batch_norm.cu).
struct TileStatistics {
    float* partials;
    int channels;
    int count;
    float mean, squares;

    __device__ __forceinline__ void begin() {
        count = 0;
        mean = squares = 0.0f;
    }
    __device__ __forceinline__ void add(const PieceSums& sum, const Piece& piece, const TileShape& shape, bool holds,
                                        int, int tile_rows, int, int tile_columns) {
        const ColumnPairs pairs(shape);
        if (holds) {
            const int rows = rows_of_piece(piece.row, piece.rows_apart, tile_rows);
            const float share = rows > 0 ? 1.0f / (float)rows : 0.0f;
            SPOS_UNROLL for (int j = 0; j < kPiece; ++j) {
                float total = 0.0f, deviations = 0.0f;
                SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
                    if (piece.row_at(i) < tile_rows) total += sum[i][j];
                }
                const float average = total * share;
                SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
                    const float d = sum[i][j] - average;
                    if (piece.row_at(i) < tile_rows) deviations += d * d;
                }
                pairs.a(piece.row / 4, piece.column_at(j)) = average;
                pairs.b(piece.row / 4, piece.column_at(j)) = deviations;
            }
        }
        __syncthreads();
        const int column = (int)threadIdx.x;
        if (column < tile_columns) {
            for (int d = 0; d < shape.down; ++d) {
                const int rows = rows_of_piece(4 * d, 4 * shape.down, tile_rows);
                if (rows == 0) break;
                const float difference = pairs.a(d, column) - mean;
                const float share = (float)rows / (float)(count + rows);
                mean += difference * share;
                squares += pairs.b(d, column) + difference * difference * ((float)count * share);
                count += rows;
            }
        }
        __syncthreads();
    }
    __device__ __forceinline__ void end(int j0, int tile_columns) {
        const int column = (int)threadIdx.x;
        if (column >= tile_columns) return;
        float* const partial = block_sums(partials, not_ahead((int)blockIdx.x), channels) + j0 + column;
        partial[0] = mean;
        partial[channels] = squares;
    }
};

// Of the gradients dx of an input still to be normalised, over a block's rows: the sums of g and of g * (x - mean), g
// as in column_gradient_sums (device/batch_norm.h).
struct TileGradientSums {
    float* partials;  // null if none are wanted
    int block;
    InputView x;
    Statistics statistics;
    float sum, products;

    __device__ __forceinline__ void begin() { sum = products = 0.0f; }
    __device__ __forceinline__ void add(const PieceSums& dx, const Piece& piece, const TileShape& shape, bool holds,
                                        int i0, int tile_rows, int j0, int tile_columns) {
        if (!partials) return;
        const ColumnPairs pairs(shape);
        if (holds) {
            SPOS_UNROLL for (int half = 0; half < 2; ++half)
                add_columns(pairs, dx, piece, half, i0, tile_rows, j0, tile_columns);
        }
        __syncthreads();
        const int column = (int)threadIdx.x;
        if (column < tile_columns) {
            for (int d = 0; d < shape.down; ++d) {
                sum += pairs.a(d, column);
                products += pairs.b(d, column);
            }
        }
        __syncthreads();
    }
    __device__ __forceinline__ void end(int j0, int tile_columns) {
        const int column = (int)threadIdx.x;
        if (!partials || column >= tile_columns) return;
        float* const partial = block_sums(partials, not_ahead(block), x.channels) + j0 + column;
        partial[0] = sum;
        partial[x.channels] = products;
    }

 private:
    // Four columns of a piece.
    __device__ __forceinline__ void add_columns(const ColumnPairs& pairs, const PieceSums& dx, const Piece& piece,
                                                int half, int i0, int tile_rows, int j0, int tile_columns) const {
        const int column = piece.column_at(4 * half), count = tile_columns - column;
        const bool by_four = x.channels % 4 == 0 && tile_columns % 4 == 0 && is_aligned(x.data);
        const int channel = j0 + column;
        float mean[4], scale[4], shift[4], gradients[4] = {}, moments[4] = {};
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            const bool there = k < count;
            mean[k] = there ? statistics.mean[channel + k] : 0.0f;
            scale[k] = there ? statistics.scale[channel + k] : 0.0f;
            shift[k] = there ? statistics.shift[channel + k] : 0.0f;
        }
        SPOS_UNROLL for (int i = 0; i < kPiece; ++i) {
            // There are no registers for more than one row at a time.
            SPOS_IN_ORDER();
            if (piece.row_at(i) >= tile_rows) continue;
            float values[4];
            load_quad(values, x.data + ((int64_t)(i0 + piece.row_at(i)) * x.channels + channel), 1, count, by_four);
            SPOS_UNROLL for (int k = 0; k < 4; ++k) {
                Lane g(dx[i][4 * half + k]);
                if (x.rectify) g = where_positive(multiply_add(Lane(values[k]), Lane(scale[k]), Lane(shift[k])), g);
                gradients[k] += g.v;
                moments[k] += g.v * (values[k] - mean[k]);
            }
        }
        SPOS_UNROLL for (int k = 0; k < 4; ++k) {
            pairs.a(piece.row / 4, column + k) = gradients[k];
            pairs.b(piece.row / 4, column + k) = moments[k];
        }
    }
};

template <class Results>
__device__ __forceinline__ void forward_into(const Results& y, float* partials, const InputView& x, const float* w,
                                             int rows, int in, int out, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block, end = min(first + rows_per_block, rows);
    multiply_into(y, lines_of<true>(quads_of(x), end, in), columns_of<true>(MatrixView{w, out, 1}, out, in), first, end,
                  out, in, RawResult{}, TileStatistics{partials, out, 0, 0.0f, 0.0f}, (int)blockIdx.y);
}

__device__ __forceinline__ void pointwise_forward(float* y, float* partials, const InputView& x, const float* w,
                                                  int rows, int in, int out, int rows_per_block) {
    forward_into(DenseResults{y, out}, partials, x, w, rows, in, out, rows_per_block);
}

// The blocks of the grid: first those of the weights' gradient, whose sums are long, then those of the input's. `dy`: a
// view of the gradients of the results.
template <class Gradients>
__device__ __forceinline__ void pointwise_backward(float* dx, float* weight_partials, float* sum_partials,
                                                   const Gradients& dy, const InputView& x,
                                                   const Statistics& x_statistics, const float* w, int rows, int in,
                                                   int out, int rows_per_block, int rows_per_chunk) {
    const int tiles = tiles_of_sums(in, out), weight_blocks = quotient_up(rows, rows_per_chunk) * tiles;
    int block = (int)blockIdx.x;
    if (block < weight_blocks) {
        const int chunk = block / tiles, first = chunk * rows_per_chunk, end = min(first + rows_per_chunk, rows);
        multiply_sums(weight_partials, chunk, lines_of<false>(quads_of(x), end, in),
                      lines_of<false>(quads_of(dy), end, out), in, out, first, end, block % tiles);
        return;
    }
    block -= weight_blocks;
    // What the two parts have in common would be made ahead of both, and keep registers.
    in = not_ahead(in);
    out = not_ahead(out);
    const int tiles_across = column_tiles(in);
    const int first = block / tiles_across * rows_per_block, end = min(first + rows_per_block, rows);
    multiply_into(DenseResults{dx, in}, lines_of<true>(quads_of(dy), end, out),
                  columns_of<false>(MatrixView{w, 1, out}, in, out), first, end, in, out, RawResult{},
                  TileGradientSums{sum_partials, block / tiles_across, x, x_statistics, 0.0f, 0.0f},
                  block % tiles_across);
}

}  // namespace
