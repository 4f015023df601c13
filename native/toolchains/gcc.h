// What g++ needs to read CUDA C++, on the host and on the emulated GPU alike.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel_declaration.h"

#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define SPOS_KERNEL static void
#define SPOS_UNROLL _Pragma("GCC unroll 64")
// By three on the CPU: of large bodies all turns at once would take the compiler long and gain nothing.
#define SPOS_UNROLL_LARGE(on_gpu) _Pragma("GCC unroll 3")
#define SPOS_UNROLL_ON_GPU(count)
#define SPOS_IN_ORDER()

namespace {

template <class T>
__forceinline__ T min(T a, T b) {
    return a < b ? a : b;
}

template <class T>
__forceinline__ T max(T a, T b) {
    return a > b ? a : b;
}

__forceinline__ int not_ahead(int value) { return value; }

// Products that no sum is fused with.
__forceinline__ float __fmul_rn(float a, float b) {
    float product = a * b;
    asm("" : "+x"(product));
    return product;
}
__forceinline__ double __dmul_rn(double a, double b) {
    double product = a * b;
    asm("" : "+x"(product));
    return product;
}

// For NVIDIA's compiler (nvrtc.h).
template <class T>
__forceinline__ T* settled(T* p) {
    return p;
}

__forceinline__ int __ffs(int bits) { return __builtin_ffs(bits); }

__forceinline__ float __uint_as_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }
__forceinline__ uint32_t __float_as_uint(float value) { return __builtin_bit_cast(uint32_t, value); }

#include "bf16.h"

}  // namespace
