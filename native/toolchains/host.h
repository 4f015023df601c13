// The host CPU as a CUDA-like target: a block is one thread, blocks are tasks of a thread pool.
//
// Each kernel file is compiled once per instruction set, always with this header first. Lanes are GCC
// vectors of the widest kind the instruction set has; what a warp does on a GPU, one vector does here.
#pragma once

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "gcc.h"

#define SPOS_HOST 1

namespace {

struct Index3 {
    unsigned x, y, z;
};

thread_local Index3 blockIdx;
thread_local Index3 gridDim;
constexpr Index3 threadIdx{0, 0, 0};
constexpr Index3 blockDim{1, 1, 1};

inline void spos_set_block(unsigned grid_x, unsigned grid_y, unsigned block_x, unsigned block_y) {
    gridDim = {grid_x, grid_y, 1};
    blockIdx = {block_x, block_y, 0};
}

inline void __syncthreads() {}

// A warp is one thread too.
constexpr int kMostThreads = 1;
constexpr int kWarpThreads = 1;

template <class T>
__forceinline__ T __shfl_xor_sync(unsigned, T value, int) {
    return value;
}

// A block's shared memory is its thread's own.
#define SPOS_SHARED(type, name, count) type name[count]

#if defined(__AVX512F__)
constexpr int kLaneWidth = 16;
#elif defined(__AVX2__)
constexpr int kLaneWidth = 8;
#else
constexpr int kLaneWidth = 4;
#endif

// Whether the CPU has instructions for bf16. The variable SPOS_NO_BF16=1 says that they shall not be used: all results
// are the same without them.
const bool kHasBf16 = [] {
#if defined(__AVX512F__)
    __builtin_cpu_init();
    const char* without = getenv("SPOS_NO_BF16");
    return __builtin_cpu_supports("avx512bf16") && (without == nullptr || strcmp(without, "1") != 0);
#else
    return false;
#endif
}();

// A run of kLaneWidth consecutive floats, loaded and stored without any alignment.
struct Lane {
    typedef float Vector __attribute__((vector_size(4 * kLaneWidth)));
    typedef float Unaligned __attribute__((vector_size(4 * kLaneWidth), aligned(4), may_alias));
    // Bits of the values, and half of these.
    typedef uint32_t Bits __attribute__((vector_size(4 * kLaneWidth)));
    typedef uint16_t Halves __attribute__((vector_size(2 * kLaneWidth)));
    typedef uint16_t UnalignedHalves __attribute__((vector_size(2 * kLaneWidth), aligned(2), may_alias));
    static constexpr int width = kLaneWidth;
    Vector v;

#if !defined(__AVX512F__)
    // Calls, since partial lanes are few, and of values, so that nobody keeps a lane in memory for them.
    __attribute__((noinline)) static Halves first_loaded(const Bf16* p, int count) {
        Halves halves{};
        memcpy(&halves, p, count * sizeof(Bf16));
        return halves;
    }
    __attribute__((noinline)) static void store_first(Bf16* p, int count, Halves halves) {
        memcpy(p, &halves, count * sizeof(Bf16));
    }
#endif

#if defined(__AVX512F__)
    static __forceinline__ __mmask16 first_values(int count) { return (__mmask16)((1u << count) - 1); }
#elif defined(__AVX2__)
    static __forceinline__ __m256i first_values(int count) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
#else
    // Calls: these loops in every unrolled tile would double the time to compile the kernels.
    __attribute__((noinline)) static Lane first_loaded(const float* p, int count) {
        Vector r{};
        for (int i = 0; i < count; ++i) r[i] = p[i];
        return Lane(r);
    }
    __attribute__((noinline)) void store_first(float* p, int count) const {
        for (int i = 0; i < count; ++i) p[i] = v[i];
    }
#endif

    Lane() = default;
    __forceinline__ Lane(Vector vector) : v(vector) {}
    __forceinline__ Lane(float value) : v(value - (Vector){}) {}

    static __forceinline__ Lane load(const float* p) { return Lane((Vector) * (const Unaligned*)p); }
    static __forceinline__ Lane load(const float* p, int count) {
#if defined(__AVX512F__)
        return Lane((Vector)_mm512_maskz_loadu_ps(first_values(count), p));
#elif defined(__AVX2__)
        return Lane((Vector)_mm256_maskload_ps(p, first_values(count)));
#else
        return first_loaded(p, count);
#endif
    }
    static __forceinline__ Lane load(const Bf16* p) { return widened(*(const UnalignedHalves*)p); }
    static __forceinline__ Lane load(const Bf16* p, int count) {
#if defined(__AVX512F__)
        return widened((Halves)_mm256_maskz_loadu_epi16(first_values(count), p));
#else
        return widened(first_loaded(p, count));
#endif
    }
    // Tells the cache that p will be read soon; p may lie beyond what there is.
    static __forceinline__ void prefetch(const void* p) { __builtin_prefetch(p); }
    __forceinline__ void store(float* p) const { *(Unaligned*)p = v; }
    __forceinline__ void store(float* p, int count) const {
#if defined(__AVX512F__)
        _mm512_mask_storeu_ps(p, first_values(count), (__m512)v);
#elif defined(__AVX2__)
        _mm256_maskstore_ps(p, first_values(count), (__m256)v);
#else
        store_first(p, count);
#endif
    }
    __forceinline__ void store(Bf16* p) const { *(UnalignedHalves*)p = rounded(); }
    __forceinline__ void store(Bf16* p, int count) const {
#if defined(__AVX512F__)
        _mm256_mask_storeu_epi16(p, first_values(count), (__m256i)rounded());
#else
        store_first(p, count, rounded());
#endif
    }
    __forceinline__ Lane& operator+=(Lane o) {
        v += o.v;
        return *this;
    }

    static __forceinline__ Lane widened(Halves halves) {
#if defined(__AVX512F__)
        return Lane((Vector)_mm512_maskz_slli_epi32(0xFFFF, _mm512_maskz_cvtepu16_epi32(0xFFFF, (__m256i)halves), 16));
#elif defined(__AVX2__)
        return Lane((Vector)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)halves), 16));
#else
        return Lane((Vector)(__builtin_convertvector(halves, Bits) << 16));
#endif
    }
    // As bf16.h's in the upper half of each value's bits; the lower half has no meaning.
    __forceinline__ Bits rounded_bits() const {
        typedef int32_t Signed __attribute__((vector_size(4 * kLaneWidth)));
        const Bits bits = (Bits)v;
        const Signed magnitude = (Signed)(bits & 0x7FFFFFFF);
        Bits result = bits + 0x7FFF + (bits >> 16 & 1);
        result = magnitude < 0x800000 ? bits & 0x80000000 : result;
        return magnitude > 0x7F800000 ? bits | 0x400000 : result;
    }
    __forceinline__ Halves rounded() const {
#if defined(__AVX512F__)
        if (kHasBf16) {
            Halves halves;
            asm("vcvtneps2bf16 %1, %0" : "=v"(halves) : "v"(v));
            return halves;
        }
#endif
        return lower_halves(rounded_bits() >> 16);
    }
    // Of values below 65536.
    static __forceinline__ Halves lower_halves(Bits values) {
#if defined(__AVX512F__)
        return (Halves)_mm512_maskz_cvtepi32_epi16(0xFFFF, (__m512i)values);
#elif defined(__AVX2__)
        const __m256i packed = _mm256_packus_epi32((__m256i)values, (__m256i)values);
        return (Halves)_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
#else
        return __builtin_convertvector(values, Halves);
#endif
    }
};

__forceinline__ Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
__forceinline__ Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
__forceinline__ Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
// Pairs of bf16 in 32 bits each, the even one in the lower half.
__forceinline__ Lane::Bits pairs_of(Lane even, Lane odd) {
#if defined(__AVX512F__)
    if (kHasBf16) {
        typedef uint16_t Order __attribute__((vector_size(64)));
        Order order;
        SPOS_UNROLL for (int i = 0; i < 32; ++i) order[i] = (uint16_t)(i / 2 + i % 2 * 16);
        __m512i halves;
        asm("vcvtne2ps2bf16 %2, %1, %0" : "=v"(halves) : "v"(odd.v), "v"(even.v));
        return (Lane::Bits)_mm512_maskz_permutexvar_epi16(0xFFFFFFFF, (__m512i)order, halves);
    }
#endif
    return (odd.rounded_bits() & 0xFFFF0000) | even.rounded_bits() >> 16;
}
// Copies values 0, 2, 4, ... of `from`, `count` in all.
inline void copy_every_second(float* __restrict__ to, const float* __restrict__ from, int count) {
    for (int i = 0; i < count; ++i) to[i] = from[2 * i];
}
inline void copy_every_second(Bf16* __restrict__ to, const Bf16* __restrict__ from, int count) {
    int i = 0;
    // After the last one there may be nothing.
    for (; i + kLaneWidth < count; i += kLaneWidth) {
        Lane::Bits pairs;
        memcpy(&pairs, from + 2 * i, sizeof(pairs));
        const Lane::Halves even = Lane::lower_halves(pairs & 0xFFFF);
        memcpy(to + i, &even, sizeof(even));
    }
    for (; i < count; ++i) to[i] = from[2 * i];
}
// a * b + sum, rounded once where the instruction set can. Plain a * b + sum is that too, unless the compiler shares a
// product between branches; where bits must not depend on that, this is asked for.
__forceinline__ Lane multiply_add(Lane a, Lane b, Lane sum) {
#if defined(__AVX512F__)
    return Lane((Lane::Vector)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)sum.v));
#elif defined(__FMA__)
    return Lane((Lane::Vector)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)sum.v));
#else
    return a * b + sum;
#endif
}
__forceinline__ Lane clip(Lane a, float least, float most) {
    const Lane::Vector low = a.v > least ? a.v : Lane(least).v;
    return Lane(low < most ? low : Lane(most).v);
}
// a * b, rounded before anything is added to it.
__forceinline__ Lane rounded_product(Lane a, Lane b) {
    Lane::Vector product = a.v * b.v;
    asm("" : "+v"(product));
    return Lane(product);
}
// a / divisor, rounded once; a remainder found exactly corrects the product with the reciprocal (Markstein,
// "Computation of elementary functions on the IBM RISC System/6000 processor", 1990), which is much faster than vectors
// divide.
__forceinline__ Lane quotient(Lane a, float divisor) {
#if defined(__FMA__)
    const Lane reciprocal(1.0f / divisor), near = rounded_product(a, reciprocal);
    return multiply_add(multiply_add(near, Lane(-divisor), a), reciprocal, near);
#else
    return Lane(a.v / divisor);
#endif
}
// Without what is behind the point.
__forceinline__ Lane truncated(Lane a) {
#if defined(__AVX512F__)
    return Lane((Lane::Vector)_mm512_maskz_roundscale_ps(0xFFFF, (__m512)a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
    return Lane((Lane::Vector)_mm256_round_ps((__m256)a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
#else
    return Lane((Lane::Vector)_mm_cvtepi32_ps(_mm_cvttps_epi32((__m128)a.v)));
#endif
}
// The sum of its values.
__forceinline__ float total(Lane a) {
    float sum = 0.0f;
    for (int i = 0; i < kLaneWidth; ++i) sum += a.v[i];
    return sum;
}
// p = a[0] b[0] c[0] a[1] b[1] c[1] ..., `count` of each.
inline void store_threes(float* p, Lane a, Lane b, Lane c, int count) {
    for (int i = 0; i < count; ++i) {
        p[3 * i] = a.v[i];
        p[3 * i + 1] = b.v[i];
        p[3 * i + 2] = c.v[i];
    }
}
// Vector `Part` of the three that hold them all.
template <int Part>
__forceinline__ Lane threes(Lane a, Lane b, Lane c) {
    typedef int32_t Order __attribute__((vector_size(4 * kLaneWidth)));
    Order of_two, of_all;
    for (int i = 0; i < kLaneWidth; ++i) {
        const int at = Part * kLaneWidth + i, from = at / 3;
        of_two[i] = at % 3 == 1 ? kLaneWidth + from : from;
        of_all[i] = at % 3 == 2 ? kLaneWidth + from : i;
    }
    return Lane(__builtin_shuffle(__builtin_shuffle(a.v, b.v, of_two), c.v, of_all));
}
__forceinline__ void store_threes(float* p, Lane a, Lane b, Lane c) {
    threes<0>(a, b, c).store(p);
    threes<1>(a, b, c).store(p + kLaneWidth);
    threes<2>(a, b, c).store(p + 2 * kLaneWidth);
}
// One instruction, which takes the zero for a NaN and for a zero of either sign, as `a > 0 ? a : 0` does.
__forceinline__ Lane relu(Lane a) {
#if defined(__AVX512F__)
    return Lane((Lane::Vector)_mm512_maskz_max_ps(0xFFFF, (__m512)a.v, _mm512_setzero_ps()));
#elif defined(__AVX2__)
    return Lane((Lane::Vector)_mm256_max_ps((__m256)a.v, _mm256_setzero_ps()));
#else
    return Lane((Lane::Vector)_mm_max_ps((__m128)a.v, _mm_setzero_ps()));
#endif
}
// value where gate > 0, else 0: the derivative of relu.
__forceinline__ Lane where_positive(Lane gate, Lane value) { return Lane(gate.v > 0.0f ? value.v : (Lane::Vector){}); }
__forceinline__ Lane where_positive(Lane gate, Lane value, Lane otherwise) {
    return Lane(gate.v > 0.0f ? value.v : otherwise.v);
}

}  // namespace

#include "host_dct.h"
#include "host_pixels.h"
#include "kernel_export.h"
