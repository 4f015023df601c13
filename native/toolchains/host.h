// The host CPU as a CUDA-like target: a block is one thread, blocks are tasks of a thread pool.
//
// Each kernel file is compiled once per instruction set, always with this header first. Lanes are GCC
// vectors of the widest kind the instruction set has; what a warp does on a GPU, one vector does here.
#pragma once

#include <immintrin.h>
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

// A run of kLaneWidth consecutive floats, loaded and stored without any alignment.
struct Lane {
    typedef float Vector __attribute__((vector_size(4 * kLaneWidth)));
    typedef float Unaligned __attribute__((vector_size(4 * kLaneWidth), aligned(4), may_alias));
    static constexpr int width = kLaneWidth;
    Vector v;

    Lane() = default;
    __forceinline__ Lane(Vector vector) : v(vector) {}
    __forceinline__ Lane(float value) : v(value - (Vector){}) {}

    static __forceinline__ Lane load(const float* p) { return Lane((Vector) * (const Unaligned*)p); }
    static inline Lane load(const float* p, int count) {
        Vector r{};
        for (int i = 0; i < count; ++i) r[i] = p[i];
        return Lane(r);
    }
    __forceinline__ void store(float* p) const { *(Unaligned*)p = v; }
    inline void store(float* p, int count) const {
        for (int i = 0; i < count; ++i) p[i] = v[i];
    }
    __forceinline__ Lane& operator+=(Lane o) {
        v += o.v;
        return *this;
    }
};

__forceinline__ Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
__forceinline__ Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
__forceinline__ Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
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
__forceinline__ Lane relu(Lane a) { return Lane(a.v > 0.0f ? a.v : (Lane::Vector){}); }
// value where gate > 0, else 0: the derivative of relu.
__forceinline__ Lane where_positive(Lane gate, Lane value) { return Lane(gate.v > 0.0f ? value.v : (Lane::Vector){}); }

}  // namespace

#include "kernel_export.h"
