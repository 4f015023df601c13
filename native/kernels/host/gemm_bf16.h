// The product of gemm.h of bf16 values with weights that are rounded to bf16 while they are packed, for one CPU thread.
//
// Terms are added in pairs: acc becomes fma(a0, b0, fma(a1, b1, acc)), the odd one first, each rounded to nearest even;
// operands and results that are denormal are taken as zero, and a missing last term is zero. This is what AVX-512's
// VDPBF16PS does, and where a CPU lacks it, two multiply-adds make the same bits of it. (The product of two bf16 values
// is exact as a float, so that a CPU without fused multiply-adds differs only where one of them underflows.)
#pragma once
#include "host/gemm.h"

namespace {

// Terms of a sum at most: a panel of them all lies on the stack.
constexpr int kMostPairedTerms = 4096;

// Denormals are zeros as long as it lives.
class FlushedDenormals {
 public:
    FlushedDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZeros); }
    ~FlushedDenormals() { _mm_setcsr(before_); }
    FlushedDenormals(const FlushedDenormals&) = delete;
    FlushedDenormals& operator=(const FlushedDenormals&) = delete;

 private:
    static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZeros = 0x40;
    unsigned before_;
};

typedef uint32_t __attribute__((aligned(2), may_alias)) UnalignedPair;

// Terms 2p and 2p + 1 of each of a panel's columns, one vector after the other: the even one in the lower half.
template <int Columns>
inline void pack_pairs(uint32_t* panel, MatrixView b, int depth, int j0, int columns) {
    for (int p = 0; p < depth; p += 2) {
        const float* const even = b.data + (int64_t)p * b.stride_a + j0;
        for (int j = 0; j < Columns; j += Lane::width) {
            const int count = columns - j;
            const auto load = [&](const float* row) {
                return count >= Lane::width ? Lane::load(row + j)
                                            : (count > 0 ? Lane::load(row + j, count) : Lane(0.0f));
            };
            const Lane::Bits pairs = pairs_of(load(even), p + 1 < depth ? load(even + b.stride_a) : Lane(0.0f));
            memcpy(panel, &pairs, sizeof(pairs));
            panel += Lane::width;
        }
    }
}

// The same of values that are bf16: rows 2p and 2p + 1.
template <int Columns>
inline void pack_row_pairs(uint32_t* panel, const Bf16* b, int64_t stride, int depth, int j0, int columns) {
    for (int p = 0; p < depth; p += 2) {
        const Bf16* const even = b + p * stride + j0;
        for (int j = 0; j < Columns; j += Lane::width) {
            const int count = columns - j;
            const auto load = [&](const Bf16* row) {
                return (Lane::Bits)(count >= Lane::width ? Lane::load(row + j)
                                    : count > 0          ? Lane::load(row + j, count)
                                                         : Lane(0.0f))
                    .v;
            };
            const Lane::Bits upper = p + 1 < depth ? load(even + stride) : Lane::Bits{};
            const Lane::Bits pairs = upper | load(even) >> 16;
            memcpy(panel, &pairs, sizeof(pairs));
            panel += Lane::width;
        }
    }
}

#if defined(__AVX512F__)
__forceinline__ Lane pair_product(__m512i a, Lane::Bits b, Lane sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a), "v"((__m512i)b));
    return sum;
}
#endif

// Adds the products of a pair of each row with one of each column. Hardware: whether by the CPU's own instruction.
template <bool Hardware, int Rows, int Vectors, class PairOf>
__forceinline__ void add_pairs(Lane (&sum)[Rows][Vectors], const PairOf& pair_of, const uint32_t* panel) {
    Lane::Bits b[Vectors];
    SPOS_UNROLL for (int v = 0; v < Vectors; ++v) memcpy(&b[v], panel + v * Lane::width, sizeof(b[v]));
#if defined(__AVX512F__)
    if constexpr (Hardware) {
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            const __m512i pair = _mm512_set1_epi32((int)pair_of(i));
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = pair_product(pair, b[v], sum[i][v]);
        }
        return;
    }
#endif
    // All odd terms and then all even ones, as a CPU with 16 registers has room for.
    Lane half[Vectors];
    SPOS_UNROLL for (int v = 0; v < Vectors; ++v) half[v] = Lane((Lane::Vector)(b[v] & 0xFFFF0000));
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
        const Lane odd(__uint_as_float(pair_of(i) & 0xFFFF0000));
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = multiply_add(odd, half[v], sum[i][v]);
    }
    SPOS_UNROLL for (int v = 0; v < Vectors; ++v) half[v] = Lane((Lane::Vector)(b[v] << 16));
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
        const Lane even(__uint_as_float(pair_of(i) << 16));
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = multiply_add(even, half[v], sum[i][v]);
    }
}

// Rows of A whose values lie together: pair p of row i. Of an odd number of terms the last one is half a pair.
struct RowPairs {
    const Bf16* data;
    int64_t stride;

    RowPairs from_row(int row) const { return {data + row * stride, stride}; }
    __forceinline__ uint32_t at(int i, int p) const { return *(const UnalignedPair*)(data + i * stride + 2 * p); }
    __forceinline__ uint32_t half_at(int i, int p) const { return data[i * stride + 2 * p].bits; }
};

// Rows of A as pairs one after the other: pair p of row i at data[p * stride + i], the last one half if it is.
struct StagedPairs {
    const UnalignedPair* data;
    int64_t stride;

    StagedPairs from_row(int row) const { return {data + row, stride}; }
    __forceinline__ uint32_t at(int i, int p) const { return data[p * stride + i]; }
    __forceinline__ uint32_t half_at(int i, int p) const { return at(i, p); }
};

// Where results go, with an epilogue, rounded to bf16.
template <class Epilogue>
struct RoundedResult {
    Bf16* data;
    int64_t stride;
    int first_column, columns;
    const Epilogue& epilogue;

    RoundedResult from_row(int row) const { return {data + row * stride, stride, first_column, columns, epilogue}; }
    template <int Rows, int Vectors, class Access>
    __forceinline__ void store(int vector, const Lane (&sums)[Rows][Vectors], Access lane) const {
        Bf16* const target = data + vector * Lane::width;
        const auto of_lane = epilogue.of(first_column + vector * Lane::width, lane);
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) lane.store(target + i * stride, of_lane(sums[i][vector]));
    }
};

// Floats that sums are added to, or that are overwritten.
struct SummedResult {
    float* data;
    int64_t stride;
    int columns;
    bool accumulate;

    SummedResult from_row(int row) const { return {data + row * stride, stride, columns, accumulate}; }
    template <int Rows, int Vectors, class Access>
    __forceinline__ void store(int vector, const Lane (&sums)[Rows][Vectors], Access lane) const {
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            float* const target = data + i * stride + vector * Lane::width;
            lane.store(target, accumulate ? lane.load(target) + sums[i][vector] : sums[i][vector]);
        }
    }
};

// Rows x Vectors vectors of C; of the last vector's columns some may be beyond those that there are.
template <bool Hardware, int Rows, int Vectors, class A, class Result>
__forceinline__ void multiply_pairs_tile(const A& a, const uint32_t* panel, int depth, const Result& result) {
    Lane sum[Rows][Vectors];
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) { SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = Lane(0.0f); }
    const int pairs = depth / 2;
    for (int p = 0; p < pairs; ++p, panel += Vectors * Lane::width) {
        add_pairs<Hardware>(
            sum, [=](int i) { return a.at(i, p); }, panel);
    }
    if (depth % 2 != 0)
        add_pairs<Hardware>(
            sum, [=](int i) { return a.half_at(i, pairs); }, panel);
    store_tile(sum, result);
}

template <bool Hardware, int Rows, int Vectors, class A, class Result>
inline void multiply_pairs_rest(int rows, const A& a, const uint32_t* panel, int depth, const Result& result) {
    if constexpr (Rows > 0) {
        if (rows == Rows) {
            multiply_pairs_tile<Hardware, Rows, Vectors>(a, panel, depth, result);
        } else {
            multiply_pairs_rest<Hardware, Rows - 1, Vectors>(rows, a, panel, depth, result);
        }
    }
}

template <bool Hardware, int Vectors, class A, class Result>
inline void multiply_pairs_panel(int rows, const A& a, const uint32_t* panel, int depth, const Result& result,
                                 FetchAhead* ahead) {
    int i = 0;
    for (; i + kTileRows <= rows; i += kTileRows) {
        if (ahead) ahead->fetch_part();
        multiply_pairs_tile<Hardware, kTileRows, Vectors>(a.from_row(i), panel, depth, result.from_row(i));
    }
    multiply_pairs_rest<Hardware, kTileRows - 1, Vectors>(rows - i, a.from_row(i), panel, depth, result.from_row(i));
}

// Panels `first`, `first` + step, ... of `columns`: panel_at<Columns>(first column, columns) is one, result_at(first
// column, columns) says where its results go.
template <bool Hardware, class A, class PanelAt, class ResultAt>
__forceinline__ void multiply_pairs_panels(const A& a, int rows, int columns, int depth, const PanelAt& panel_at,
                                           const ResultAt& result_at, FetchAhead* ahead, int first = 0, int step = 1) {
    for_panels(columns, first, step, [&]<int Columns>(int j0, int width) {
        multiply_pairs_panel<Hardware, Columns / Lane::width>(rows, a, panel_at.template operator()<Columns>(j0, width),
                                                              depth, result_at(j0, width), ahead);
    });
}

// Where a panel of packed weights lies that begins at column j0.
__forceinline__ int64_t packed_pairs_before(int depth, int j0) { return (int64_t)((depth + 1) / 2) * j0; }

// Calls, so that nothing of them is done before or after denormals are zeros.
template <bool Hardware, class Epilogue>
[[gnu::noinline]] void multiply_pairs(Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, MatrixView b, int rows, int columns,
                                      int depth, const Epilogue& epilogue, FetchAhead* ahead) {
    alignas(64) uint32_t panel[kMostPairedTerms / 2 * kPanelWidth];
    multiply_pairs_panels<Hardware>(
        RowPairs{a.data, a.stride_a}, rows, columns, depth,
        [&]<int Columns>(int j0, int width) {
            pack_pairs<Columns>(panel, b, depth, j0, width);
            return panel;
        },
        [&](int j0, int width) {
            return RoundedResult<Epilogue>{c + j0, c_stride, j0, width, epilogue};
        },
        ahead);
}

template <bool Hardware, class Epilogue>
[[gnu::noinline]] void multiply_packed_pairs(Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, const PackedWeights& b,
                                             int rows, int columns, int depth, const Epilogue& epilogue,
                                             FetchAhead* ahead) {
    multiply_pairs_panels<Hardware>(
        RowPairs{a.data, a.stride_a}, rows, columns, depth,
        [&]<int>(int j0, int) { return (const uint32_t*)b.data + packed_pairs_before(depth, j0); },
        [&](int j0, int width) {
            return RoundedResult<Epilogue>{c + j0, c_stride, j0, width, epilogue};
        },
        ahead, b.first, b.step);
}

template <bool Hardware>
[[gnu::noinline]] void multiply_staged_pairs(float* c, const uint32_t* a, const Bf16* b, int rows, int columns,
                                             int depth, bool accumulate, FetchAhead* ahead) {
    alignas(64) uint32_t panel[kMostPairedTerms / 2 * kPanelWidth];
    multiply_pairs_panels<Hardware>(
        StagedPairs{(const UnalignedPair*)a, rows}, rows, columns, depth,
        [&]<int Columns>(int j0, int width) {
            pack_row_pairs<Columns>(panel, b, columns, depth, j0, width);
            return panel;
        },
        [&](int j0, int width) {
            return SummedResult{c + j0, columns, width, accumulate};
        },
        ahead);
}

}  // namespace

// Calls body with whether products are the CPU's own instructions, while denormals are zeros.
template <class Body>
__forceinline__ void with_pair_products(Body&& body) {
    const FlushedDenormals flushed;
#if defined(__AVX512F__)
    if (kHasBf16) return body.template operator()<true>();
#endif
    body.template operator()<false>();
}

// The product of rows, whose values lie together, with rows of weights; `ahead`, if any, goes on with each tile.
template <class Epilogue>
inline void multiply_bf16(Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, MatrixView b, int rows, int columns, int depth,
                          const Epilogue& epilogue, FetchAhead* ahead) {
    with_pair_products(
        [&]<bool Hardware>() { multiply_pairs<Hardware>(c, c_stride, a, b, rows, columns, depth, epilogue, ahead); });
}

// The same with packed weights; `ahead` unless tiles are short.
template <class Epilogue>
inline void multiply_packed(Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, PackedWeights b, int rows, int columns,
                            int depth, const Epilogue& epilogue, FetchAhead* ahead) {
    FetchAhead* const meanwhile = depth < kLeastTermsToFetch ? nullptr : ahead;
    with_pair_products([&]<bool Hardware>() {
        multiply_packed_pairs<Hardware>(c, c_stride, a, b, rows, columns, depth, epilogue, meanwhile);
    });
}

template <class V, class Epilogue>
inline void multiply_and_fetch(FetchAhead& ahead, V* c, int64_t c_stride, MatrixOf<V> a, PackedWeights b, int rows,
                               int columns, int depth, const Epilogue& epilogue) {
    multiply_packed(c, c_stride, a, b, rows, columns, depth, epilogue, &ahead);
}

// Rows `first` to `end - 1` of C.
template <bool, class V, class Epilogue>
inline void multiply_rows(V* c, int64_t c_stride, MatrixOf<V> a, PackedWeights b, int first, int end, int columns,
                          int depth, const Epilogue& epilogue) {
    multiply_packed(c + first * c_stride, c_stride, MatrixOf<V>{a.data + first * a.stride_a, a.stride_a, a.stride_b}, b,
                    end - first, columns, depth, epilogue, nullptr);
}

// As pack_weights, for products of bf16, to which weights are rounded.
inline void pack_weights_in_pairs(float* packed, const float* w, int depth, int columns, int first, int step) {
    for_panels(columns, first, step, [&]<int Columns>(int j0, int width) {
        pack_pairs<Columns>((uint32_t*)packed + packed_pairs_before(depth, j0), {w, columns, 1}, depth, j0, width);
    });
}

// The result of a few rows and a long sum over `depth` rows of b: c [rows][columns], `accumulate` to what is there. a:
// pairs of terms [depth / 2, rounded up][rows], b [depth][columns].
inline void multiply_deep_pairs(float* c, const uint32_t* a, const Bf16* b, int rows, int columns, int depth,
                                bool accumulate, FetchAhead* ahead) {
    with_pair_products(
        [&]<bool Hardware>() { multiply_staged_pairs<Hardware>(c, a, b, rows, columns, depth, accumulate, ahead); });
}
