// The upper half of a float: its sign, its exponent and 7 bits of its fraction.
//
// A float becomes one by rounding to nearest even, as AVX-512 does it (VCVTNEPS2BF16): denormal floats become zeros,
// and NaNs stay NaNs.
#pragma once

struct Bf16 {
    uint16_t bits;
};

// Element types as kernels' names have them.
typedef float f32;
typedef Bf16 bf16;

__device__ __forceinline__ float widened(Bf16 value) { return __uint_as_float((uint32_t)value.bits << 16); }

__device__ __forceinline__ Bf16 rounded(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    // The product by one makes denormals zeros. Any NaN becomes 0x7FFF.
    uint16_t result;
    asm("{ .reg .f32 flushed; mul.rn.ftz.f32 flushed, %1, 0f3F800000; cvt.rn.bf16.f32 %0, flushed; }"
        : "=h"(result)
        : "f"(value));
    return {result};
#else
    const uint32_t bits = __float_as_uint(value), magnitude = bits & 0x7FFFFFFF;
    if (magnitude < 0x800000) return {(uint16_t)(bits >> 16 & 0x8000)};
    if (magnitude > 0x7F800000) return {(uint16_t)(bits >> 16 | 0x40)};
    return {(uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
#endif
}
