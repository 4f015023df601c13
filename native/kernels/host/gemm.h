// C[i][j] (+)= sum over p of A(i, p) * B(p, j): a register-tiled matrix product for one CPU thread.
//
// B is packed into panels of 2 vectors' width that stay in the first-level cache; A is read in place, one
// broadcast per multiply-add pair; a tile of kTileRows x 2 vectors of C stays in registers. The sum over p
// runs in ascending order whatever the tiling, so results do not depend on how the rows were divided.
//
// Multiply-adds leave the memory idle: a tile asks for its part of C before it begins, and for some of what is to be
// read after the product.
#pragma once
#include "device/epilogue.h"
#include "host/zip.h"

constexpr int kTileRows = Lane::width == 16 ? 12 : 6;
constexpr int kPanelDepth = 256;
constexpr int kPanelWidth = 2 * Lane::width;
constexpr int kLineBytes = 64;  // of the cache
constexpr int kLineValues = kLineBytes / sizeof(float);
constexpr int kLeastTermsToFetch = 32;

// Element (a, b) of a matrix is at data[a * stride_a + b * stride_b].
template <class T>
struct MatrixOf {
    const T* data;
    int64_t stride_a, stride_b;
};
typedef MatrixOf<float> MatrixView;

template <int Columns>
__forceinline__ void pack_panel(float* panel, MatrixView b, int p0, int depth, int j0, int columns) {
    const float* source = b.data + (int64_t)p0 * b.stride_a + (int64_t)j0 * b.stride_b;
    if (b.stride_b == 1 && columns == Columns) {
        for (int p = 0; p < depth; ++p) memcpy(panel + p * Columns, source + p * b.stride_a, Columns * sizeof(float));
        return;
    }
    // Where B is a transposed view, its columns are what lies together in memory.
    int first = 0;
    if (b.stride_a == 1 && columns == Columns) {
        for (; first + Lane::width <= depth; first += Lane::width) {
            SPOS_UNROLL for (int j = 0; j < Columns; j += Lane::width) {
                transpose_square(panel + first * Columns + j, Columns, source + first + j * b.stride_b, b.stride_b,
                                 false);
            }
        }
    }
    for (int j = 0; j < columns; ++j) {
        for (int p = first; p < depth; ++p) panel[p * Columns + j] = source[p * b.stride_a + j * b.stride_b];
    }
    for (int p = 0; p < depth; ++p) {
        for (int j = columns; j < Columns; ++j) panel[p * Columns + j] = 0.0f;
    }
}

// Panels `first`, `first` + step, ... of B, which are packed when they are needed.
class PackedNow {
 public:
    explicit PackedNow(MatrixView b, int first = 0, int step = 1) : first(first), step(step), b_(b) {}

    const int first, step;

    template <int Columns>
    const float* panel(int p0, int depth, int j0, int columns) {
        pack_panel<Columns>(panel_, b_, p0, depth, j0, columns);
        return panel_;
    }

 private:
    MatrixView b_;
    alignas(64) float panel_[kPanelDepth * kPanelWidth];
};

// Where a panel of packed weights begins: those of the first kPanelDepth rows come first. Columns are whole vectors.
inline int64_t packed_before(int p0, int depth, int j0, int columns) {
    const int padded = (columns + Lane::width - 1) / Lane::width * Lane::width;
    return (int64_t)p0 * padded + (int64_t)j0 * depth;
}

namespace {

// Weights that were packed before. Blocks along grid.y share the panels.
struct PackedWeights {
    const float* data;
    int columns, first, step;

    template <int>
    const float* panel(int p0, int depth, int j0, int) const {
        return data + packed_before(p0, depth, j0, columns);
    }
};

inline PackedWeights packed_weights(const float* data, int columns) {
    return {data, columns, (int)blockIdx.y, (int)gridDim.y};
}

}  // namespace

// Calls body<columns of the panel>(first column, columns that there are) for the panels `first`, `first` + step, ...
template <class Body>
__forceinline__ void for_panels(int columns, int first, int step, const Body& body) {
    for (int j0 = first * kPanelWidth; j0 < columns; j0 += step * kPanelWidth) {
        const int width = min(kPanelWidth, columns - j0);
        if (width > Lane::width) {
            body.template operator()<kPanelWidth>(j0, width);
        } else {
            body.template operator()<Lane::width>(j0, width);
        }
    }
}

// Tiles of whole rows of a product.
inline int tiles_of(int rows, int columns, int depth) {
    return rows / kTileRows * ((columns + kPanelWidth - 1) / kPanelWidth) * ((depth + kPanelDepth - 1) / kPanelDepth);
}

// Rows to be fetched into the second-level cache, some with every tile.
class FetchAhead {
 public:
    explicit FetchAhead(int tiles) : tiles_(max(1, tiles)) {}

    // `values` of each row. Of too many arrays the last ones are left out.
    template <class T>
    void add(const T* data, int rows, int64_t stride, int values) {
        if (count_ == kMostArrays) return;
        const int bytes = values * (int)sizeof(T);
        arrays_[count_++] = {(const char*)data, stride * (int64_t)sizeof(T), bytes, rows, (rows + tiles_ - 1) / tiles_};
    }

    __forceinline__ void fetch_part() {
        for (int i = 0; i < count_; ++i) {
            Array& array = arrays_[i];
            for (int r = min(array.rows, array.rows_a_tile); r > 0; --r) {
                for (int at = 0; at < array.bytes; at += kLineBytes) __builtin_prefetch(array.next + at, 0, 2);
                array.next += array.stride;
            }
            array.rows -= array.rows_a_tile;
        }
    }

 private:
    static constexpr int kMostArrays = 24;

    struct Array {
        const char* next;
        int64_t stride;
        int bytes, rows, rows_a_tile;
    };

    int tiles_, count_ = 0;
    Array arrays_[kMostArrays];
};

// A call, so that addresses of rows take no registers from the product that follows.
template <int Rows, int Columns>
[[gnu::noinline]] void fetch_tile(const float* data, int64_t stride) {
    asm volatile("");  // without which g++ takes it for a function of no effect
    for (int i = 0; i < Rows; ++i) {
        for (int column = 0; column < Columns; column += kLineValues) Lane::prefetch(data + i * stride + column);
    }
}

// Where a tile of C goes, and what is done with it. Over several panels along p the sums so far are kept in C.
template <class Epilogue>
struct TileResult {
    float* data;  // its first row and column
    int64_t stride;
    int first_column, columns;
    bool accumulate, finish;  // whether panels came before; whether this one is the last
    Epilogue epilogue;

    // A vector of each row.
    template <int Rows, int Vectors, class Access>
    __forceinline__ void store(int vector, const Lane (&sums)[Rows][Vectors], Access lane) const {
        float* const target = data + vector * Lane::width;
        if (accumulate) {
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
                const Lane value = lane.load(target + i * stride) + sums[i][vector];
                lane.store(target + i * stride,
                           finish ? epilogue(value, first_column + vector * Lane::width, lane) : value);
            }
        } else if (finish) {
            const auto of_lane = epilogue.of(first_column + vector * Lane::width, lane);
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) lane.store(target + i * stride, of_lane(sums[i][vector]));
        } else {
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) lane.store(target + i * stride, sums[i][vector]);
        }
    }

    TileResult from_row(int row) const {
        TileResult rest = *this;
        rest.data += row * stride;
        return rest;
    }
};

// Sums to where they go: all vectors are full but perhaps the last one.
template <int Rows, int Vectors, class Result>
__forceinline__ void store_tile(const Lane (&sums)[Rows][Vectors], const Result& result) {
    SPOS_UNROLL for (int v = 0; v < Vectors - 1; ++v) result.store(v, sums, FullLane{});
    const int last = result.columns - (Vectors - 1) * Lane::width;
    if (last == Lane::width) {
        result.store(Vectors - 1, sums, FullLane{});
    } else {
        result.store(Vectors - 1, sums, PartialLane{last});
    }
}

// ByRow: rows of A are row_stride apart and consecutive p p_stride; otherwise consecutive i are neighbours.
template <int Rows, int Vectors, bool ByRow, class Epilogue>
__forceinline__ void multiply_tile(int depth, const float* a, int64_t row_stride, int64_t p_stride, const float* panel,
                                   const TileResult<Epilogue>& result) {
    // Fewer terms would be added up before it came.
    if (depth >= kLeastTermsToFetch) fetch_tile<Rows, Vectors * Lane::width>(result.data, result.stride);
    Lane sum[Rows][Vectors];
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) { SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = Lane(0.0f); }
    for (int p = 0; p < depth; ++p) {
        Lane b[Vectors];
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) b[v] = Lane::load(panel + v * Lane::width);
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            const Lane broadcast(ByRow ? a[i * row_stride] : a[i]);
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] += broadcast * b[v];
        }
        a += p_stride;
        panel += Vectors * Lane::width;
    }
    store_tile(sum, result);
}

// The last rows, fewer than a whole tile.
template <int Rows, int Vectors, bool ByRow, class Epilogue>
inline void multiply_rest(int rows, int depth, const float* a, int64_t row_stride, int64_t p_stride, const float* panel,
                          const TileResult<Epilogue>& result) {
    if constexpr (Rows > 0) {
        if (rows == Rows) {
            multiply_tile<Rows, Vectors, ByRow>(depth, a, row_stride, p_stride, panel, result);
        } else {
            multiply_rest<Rows - 1, Vectors, ByRow>(rows, depth, a, row_stride, p_stride, panel, result);
        }
    }
}

template <int Vectors, bool ByRow, class Epilogue>
inline void multiply_panel(int rows, int depth, const float* a, int64_t row_stride, int64_t p_stride,
                           const float* panel, const TileResult<Epilogue>& result, FetchAhead* ahead) {
    const int64_t a_row = ByRow ? row_stride : 1;
    int i = 0;
    for (; i + kTileRows <= rows; i += kTileRows) {
        if (ahead) ahead->fetch_part();
        multiply_tile<kTileRows, Vectors, ByRow>(depth, a + i * a_row, row_stride, p_stride, panel, result.from_row(i));
    }
    multiply_rest<kTileRows - 1, Vectors, ByRow>(rows - i, depth, a + i * a_row, row_stride, p_stride, panel,
                                                 result.from_row(i));
}

// rows x columns of C, summed over `depth`, and with `accumulate` added to what is there.
// A(i, p) = a.data[i * a.stride_a + p * a.stride_b] with any strides if ByRow, else stride_a is 1.
// `ahead`, if any, goes on with each tile.
template <bool ByRow, class Packed, class Epilogue>
inline void multiply_panels(float* c, int64_t c_stride, MatrixView a, Packed& b, int rows, int columns, int depth,
                            const Epilogue& epilogue, bool accumulate, FetchAhead* ahead) {
    for (int p0 = 0; p0 < depth; p0 += kPanelDepth) {
        const int block = min(kPanelDepth, depth - p0);
        for_panels(columns, b.first, b.step, [&]<int Columns>(int j0, int width) {
            const TileResult<Epilogue> result{c + j0,  c_stride, j0, width, accumulate || p0 > 0, p0 + block == depth,
                                              epilogue};
            multiply_panel<Columns / Lane::width, ByRow>(rows, block, a.data + p0 * a.stride_b, a.stride_a, a.stride_b,
                                                         b.template panel<Columns>(p0, block, j0, width), result,
                                                         ahead);
        });
    }
}

// B(p, j) with any strides.
template <bool ByRow, class Epilogue = RawResult>
inline void multiply(float* c, int64_t c_stride, MatrixView a, MatrixView b, int rows, int columns, int depth,
                     const Epilogue& epilogue = {}, bool accumulate = false, FetchAhead* ahead = nullptr) {
    PackedNow panels(b);
    multiply_panels<ByRow>(c, c_stride, a, panels, rows, columns, depth, epilogue, accumulate, ahead);
}

// A few rows times some vectors of columns from j0 on, of B as it lies. The sum is as multiply_panels makes it.
template <int Rows, int Vectors, class Access, class Epilogue>
inline void multiply_in_place(float* c, int64_t c_stride, MatrixView a, MatrixView b, int j0, int depth,
                              const Epilogue& epilogue, Access lane) {
    constexpr int kRowsAhead = 16;
    Lane total[Rows][Vectors];
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) total[i][v] = Lane(0.0f);
    }
    for (int p0 = 0; p0 < depth; p0 += kPanelDepth) {
        Lane sum[Rows][Vectors];
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = Lane(0.0f);
        }
        for (int p = p0; p < min(p0 + kPanelDepth, depth); ++p) {
            const float* const row = b.data + p * b.stride_a + j0;
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) {
                Lane::prefetch(row + kRowsAhead * b.stride_a + v * Lane::width);
                const Lane value = lane.load(row + v * Lane::width);
                SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
                    sum[i][v] += Lane(a.data[i * a.stride_a + p * a.stride_b]) * value;
                }
            }
        }
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) total[i][v] = p0 == 0 ? sum[i][v] : total[i][v] + sum[i][v];
        }
    }
    SPOS_UNROLL for (int v = 0; v < Vectors; ++v) {
        const int column = j0 + v * Lane::width;
        const auto of_lane = epilogue.of(column, lane);
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) lane.store(c + i * c_stride + column, of_lane(total[i][v]));
    }
}

// Rows that are so few that packing B for them would take longer than the product.
constexpr int kFewRows = 4;
template <int Rows, class Epilogue>
inline void multiply_few(float* c, int64_t c_stride, MatrixView a, MatrixView b, int rows, int columns, int depth,
                         const Epilogue& epilogue) {
    if constexpr (Rows > 1) {
        if (rows < Rows) return multiply_few<Rows - 1>(c, c_stride, a, b, rows, columns, depth, epilogue);
    }
    constexpr int kVectors = 4, kColumns = kVectors * Lane::width;
    for (int j0 = (int)blockIdx.y * kColumns; j0 < columns; j0 += (int)gridDim.y * kColumns) {
        if (j0 + kColumns <= columns) {
            multiply_in_place<Rows, kVectors>(c, c_stride, a, b, j0, depth, epilogue, FullLane{});
            continue;
        }
        int j = j0;
        for (; j + Lane::width <= columns; j += Lane::width) {
            multiply_in_place<Rows, 1>(c, c_stride, a, b, j, depth, epilogue, FullLane{});
        }
        if (j < columns) multiply_in_place<Rows, 1>(c, c_stride, a, b, j, depth, epilogue, PartialLane{columns - j});
    }
}

// Rows `first` to `end - 1` of C, whose columns blocks along grid.y share. BRows: whether the values of the rows of B
// lie together, or those of its columns.
template <bool BRows, class Epilogue = RawResult>
inline void multiply_rows(float* c, int64_t c_stride, MatrixView a, MatrixView b, int first, int end, int columns,
                          int depth, const Epilogue& epilogue = {}) {
    const MatrixView from_first{a.data + first * a.stride_a, a.stride_a, a.stride_b};
    float* const target = c + first * c_stride;
    if (first >= end) return;
    if (BRows && end - first <= kFewRows) {
        multiply_few<kFewRows>(target, c_stride, from_first, b, end - first, columns, depth, epilogue);
    } else {
        PackedNow panels(b, (int)blockIdx.y, (int)gridDim.y);
        multiply_panels<true>(target, c_stride, from_first, panels, end - first, columns, depth, epilogue, false,
                              nullptr);
    }
}

// The product of rows with packed weights, and `ahead`, if any, with its tiles unless they are short.
template <class Epilogue>
inline void multiply_packed(float* c, int64_t c_stride, MatrixView a, PackedWeights b, int rows, int columns, int depth,
                            const Epilogue& epilogue, FetchAhead* ahead) {
    FetchAhead* const meanwhile = depth < kLeastTermsToFetch ? nullptr : ahead;
    multiply_panels<true>(c, c_stride, a, b, rows, columns, depth, epilogue, false, meanwhile);
}

// Packs weights [depth][columns] for products of floats: the panels of columns `first`, `first` + step, ...
inline void pack_weights(float* packed, const float* w, int depth, int columns, int first, int step) {
    for_panels(columns, first, step, [&]<int Columns>(int j0, int width) {
        for (int p0 = 0; p0 < depth; p0 += kPanelDepth) {
            const int block = min(kPanelDepth, depth - p0);
            pack_panel<Columns>(packed + packed_before(p0, block, j0, columns), {w, columns, 1}, p0, block, j0, width);
        }
    });
}

// A result of few rows and a long sum.
inline void multiply_deep(float* c, MatrixView a, MatrixView b, int rows, int columns, int depth) {
    multiply<false>(c, columns, a, b, rows, columns, depth);
}
