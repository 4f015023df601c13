// The product of gemm.h of bf16 values with weights that are rounded to bf16 while they are packed, for one CPU thread.
//
// Terms are added in pairs: acc becomes fma(a0, b0, fma(a1, b1, acc)), the odd one first, each rounded to nearest even;
// operands and results that are denormal are taken as zero, and a missing last term is zero. This is what AVX-512's
// VDPBF16PS does, and where a CPU lacks it, two multiply-adds make the same bits of it. (The product of two bf16 values
// is exact as a float, so that a CPU without fused multiply-adds differs only where one of them underflows.)
#pragma once
#include <stdlib.h>

#include "host/gemm.h"

namespace {

// Terms of a sum at most: a panel of them all lies on the stack.
constexpr int kMostPairedTerms = 4096;

// Whether products are the CPU's own instructions. The variable SPOS_NO_BF16=1 says that they shall not.
const bool kHasPairProducts = [] {
#if defined(__AVX512F__)
    const char* without = getenv("SPOS_NO_BF16");
    return __builtin_cpu_supports("avx512bf16") && (without == nullptr || strcmp(without, "1") != 0);
#else
    return false;
#endif
}();

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
            const Lane::Bits upper = p + 1 < depth ? load(even + b.stride_a).rounded_bits() & 0xFFFF0000 : Lane::Bits{};
            const Lane::Bits pairs = upper | load(even).rounded_bits() >> 16;
            memcpy(panel, &pairs, sizeof(pairs));
            panel += Lane::width;
        }
    }
}

#if defined(__AVX512F__)
__forceinline__ void store_rounded(Bf16* p, Lane value) {
    __m256i halves;
    asm("vcvtneps2bf16 %1, %0" : "=v"(halves) : "v"((__m512)value.v));
    _mm256_storeu_si256((__m256i*)p, halves);
}
#endif

// Hardware: whether by the CPU's own instruction. `last` is what a sum of an odd number of terms ends in: half a pair.
template <bool Hardware, int Rows, int Vectors>
struct PairSums {
    Lane sum[Rows][Vectors];

    // Adds a pair of each row: a(row) holds its bits.
    template <class A>
    __forceinline__ void add(const A& a, const uint32_t* panel) {
        Lane::Bits b[Vectors];
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) memcpy(&b[v], panel + v * Lane::width, sizeof(b[v]));
#if defined(__AVX512F__)
        if constexpr (Hardware) {
            SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
                const __m512i pair = _mm512_set1_epi32((int)a(i));
                SPOS_UNROLL for (int v = 0; v < Vectors; ++v) {
                    asm("vdpbf16ps %2, %1, %0" : "+v"(sum[i][v].v) : "v"(pair), "v"((__m512i)b[v]));
                }
            }
            return;
        }
#endif
        // All odd terms and then all even ones, as a CPU with 16 registers has room for.
        Lane half[Vectors];
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) half[v] = Lane((Lane::Vector)(b[v] & 0xFFFF0000));
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            const Lane odd(__uint_as_float(a(i) & 0xFFFF0000));
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = multiply_add(odd, half[v], sum[i][v]);
        }
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) half[v] = Lane((Lane::Vector)(b[v] << 16));
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            const Lane even(__uint_as_float(a(i) << 16));
            SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sum[i][v] = multiply_add(even, half[v], sum[i][v]);
        }
    }
};

// Rows x Vectors vectors of C; of the last vector's columns some may be beyond the `columns` that there are.
template <bool Hardware, int Rows, int Vectors, class Epilogue>
__forceinline__ void multiply_pairs_tile(Bf16* c, int64_t c_stride, const Bf16* a, int64_t a_stride,
                                         const uint32_t* panel, int depth, int first_column, int columns,
                                         const Epilogue& epilogue) {
    PairSums<Hardware, Rows, Vectors> sums;
    SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
        SPOS_UNROLL for (int v = 0; v < Vectors; ++v) sums.sum[i][v] = Lane(0.0f);
    }
    int p = 0;
    for (; p + 2 <= depth; p += 2, panel += Vectors * Lane::width, a += 2) {
        sums.add([&](int i) { return *(const UnalignedPair*)(a + i * a_stride); }, panel);
    }
    if (p < depth) {
        sums.add([&](int i) { return (uint32_t)a[i * a_stride].bits; }, panel);
    }
    SPOS_UNROLL for (int v = 0; v < Vectors; ++v) {
        const int column = v * Lane::width, count = columns - column;
        SPOS_UNROLL for (int i = 0; i < Rows; ++i) {
            Bf16* const target = c + i * c_stride + column;
            if (count >= Lane::width) {
                const Lane value = epilogue(sums.sum[i][v], first_column + column, FullLane{});
#if defined(__AVX512F__)
                if constexpr (Hardware) {
                    store_rounded(target, value);
                    continue;
                }
#endif
                value.store(target);
            } else if (count > 0) {
                const PartialLane lane{count};
                lane.store(target, epilogue(sums.sum[i][v], first_column + column, lane));
            }
        }
    }
}

template <bool Hardware, int Rows, int Vectors, class Epilogue>
inline void multiply_pairs_rest(int rows, Bf16* c, int64_t c_stride, const Bf16* a, int64_t a_stride,
                                const uint32_t* panel, int depth, int first_column, int columns,
                                const Epilogue& epilogue) {
    if constexpr (Rows > 0) {
        if (rows == Rows) {
            multiply_pairs_tile<Hardware, Rows, Vectors>(c, c_stride, a, a_stride, panel, depth, first_column, columns,
                                                         epilogue);
        } else {
            multiply_pairs_rest<Hardware, Rows - 1, Vectors>(rows, c, c_stride, a, a_stride, panel, depth, first_column,
                                                             columns, epilogue);
        }
    }
}

template <bool Hardware, int Vectors, class Epilogue>
inline void multiply_pairs_panel(Bf16* c, int64_t c_stride, const Bf16* a, int64_t a_stride, const uint32_t* panel,
                                 int rows, int depth, int first_column, int columns, const Epilogue& epilogue,
                                 FetchAhead* ahead) {
    int i = 0;
    for (; i + kTileRows <= rows; i += kTileRows) {
        if (ahead) ahead->fetch_part();
        multiply_pairs_tile<Hardware, kTileRows, Vectors>(c + i * c_stride, c_stride, a + i * a_stride, a_stride, panel,
                                                          depth, first_column, columns, epilogue);
    }
    multiply_pairs_rest<Hardware, kTileRows - 1, Vectors>(rows - i, c + i * c_stride, c_stride, a + i * a_stride,
                                                          a_stride, panel, depth, first_column, columns, epilogue);
}

// A call, so that nothing of it is done before or after denormals are zeros.
template <bool Hardware, class Epilogue>
[[gnu::noinline]] void multiply_pairs(Bf16* c, int64_t c_stride, const Bf16* a, int64_t a_stride, MatrixView b,
                                      int rows, int columns, int depth, const Epilogue& epilogue, FetchAhead* ahead) {
    alignas(64) uint32_t panel[kMostPairedTerms / 2 * kPanelWidth];
    for (int j0 = 0; j0 < columns; j0 += kPanelWidth) {
        const int width = min(kPanelWidth, columns - j0);
        if (width > Lane::width) {
            pack_pairs<kPanelWidth>(panel, b, depth, j0, width);
            multiply_pairs_panel<Hardware, 2>(c + j0, c_stride, a, a_stride, panel, rows, depth, j0, width, epilogue,
                                              ahead);
        } else {
            pack_pairs<Lane::width>(panel, b, depth, j0, width);
            multiply_pairs_panel<Hardware, 1>(c + j0, c_stride, a, a_stride, panel, rows, depth, j0, width, epilogue,
                                              ahead);
        }
    }
}

}  // namespace

// The product of rows, whose values lie together, with rows of weights, and `ahead` with its tiles.
template <class Epilogue>
inline void multiply_and_fetch(FetchAhead& ahead, Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, MatrixView b, int rows,
                               int columns, int depth, Epilogue epilogue) {
    FetchAhead* const meanwhile = depth < kLeastTermsToFetch ? nullptr : &ahead;
    const FlushedDenormals flushed;
#if defined(__AVX512F__)
    if (kHasPairProducts) {
        multiply_pairs<true>(c, c_stride, a.data, a.stride_a, b, rows, columns, depth, epilogue, meanwhile);
        return;
    }
#endif
    multiply_pairs<false>(c, c_stride, a.data, a.stride_a, b, rows, columns, depth, epilogue, meanwhile);
}

// Rows `first` to `end - 1` of C.
template <class Epilogue>
inline void multiply_rows(Bf16* c, int64_t c_stride, MatrixOf<Bf16> a, MatrixView b, int first, int end, int columns,
                          int depth, Epilogue epilogue) {
    FetchAhead ahead(1);
    multiply_and_fetch(ahead, c + first * c_stride, c_stride,
                       MatrixOf<Bf16>{a.data + first * a.stride_a, a.stride_a, 1}, b, end - first, columns, depth,
                       epilogue);
}
