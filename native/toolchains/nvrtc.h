// NVIDIA GPUs through NVRTC: a lane is one float of one thread, neighbouring threads hold neighbouring channels.
#pragma once

#include "kernel_declaration.h"

typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;

#define INFINITY __int_as_float(0x7F800000)

#define SPOS_HOST 0
// kMostThreads is what the launches use at most; two such blocks fit a multiprocessor, which leaves each thread 128
// registers. (Without the second number ptxas keeps to 64, and spills.)
#define SPOS_KERNEL extern "C" __global__ void __launch_bounds__(kMostThreads, 2)
#define SPOS_UNROLL _Pragma("unroll")
// Where a GPU's registers take what a CPU keeps in its cache.
#define SPOS_PRAGMA(text) _Pragma(#text)
#define SPOS_UNROLL_ON_GPU(count) SPOS_PRAGMA(unroll(count))
#define SPOS_UNROLL_LARGE(on_gpu) SPOS_UNROLL_ON_GPU(on_gpu)
// What is read from memory below is not read before.
#define SPOS_IN_ORDER() asm volatile("" ::: "memory")
// `value`; what is made of it is not made ahead of here, where it would take registers that there are not.
__device__ __forceinline__ int not_ahead(int value) {
    asm volatile("" : "+r"(value));
    return value;
}
#define SPOS_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define SPOS_EXPORT(kernel)

constexpr int kMostThreads = 256;
constexpr int kWarpThreads = 32;

// Four neighbouring floats in one access; p is aligned to 16 bytes.
__device__ __forceinline__ void load_four(float (&target)[4], const float* p) {
    const float4 value = *reinterpret_cast<const float4*>(p);
    target[0] = value.x;
    target[1] = value.y;
    target[2] = value.z;
    target[3] = value.w;
}

__device__ __forceinline__ void store_four(float* p, const float (&values)[4]) {
    *reinterpret_cast<float4*>(p) = make_float4(values[0], values[1], values[2], values[3]);
}

// The same of whole numbers.
__device__ __forceinline__ void load_four(uint32_t (&target)[4], const uint32_t* p) {
    const uint4 value = *reinterpret_cast<const uint4*>(p);
    target[0] = value.x;
    target[1] = value.y;
    target[2] = value.z;
    target[3] = value.w;
}

__device__ __forceinline__ void store_four(uint32_t* p, const uint32_t (&values)[4]) {
    *reinterpret_cast<uint4*>(p) = make_uint4(values[0], values[1], values[2], values[3]);
}

// Two of them; p is aligned to 8 bytes.
__device__ __forceinline__ void load_two(uint32_t (&target)[2], const uint32_t* p) {
    const uint2 value = *reinterpret_cast<const uint2*>(p);
    target[0] = value.x;
    target[1] = value.y;
}

__device__ __forceinline__ void store_two(uint32_t* p, const uint32_t (&values)[2]) {
    *reinterpret_cast<uint2*>(p) = make_uint2(values[0], values[1]);
}

// d += a * b for a warp, by its tensor cores: of 16 x 16 and 16 x 8 values of bf16, in pairs along the sum, of which
// each thread holds what PTX says of mma.m16n8k16. All threads of the warp must call. There are none such before sm_80,
// where Spos launches no kernel that calls this.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    asm volatile("trap;");
#endif
}

// The same pointer, as the compiler then has to take it: left to itself, it pulls the addresses along a row apart into
// terms of 64 bits, each of which costs instructions and registers.
template <class T>
__device__ __forceinline__ T* settled(T* p) {
    asm volatile("" : "+l"(p));
    return p;
}

#include "bf16.h"
#include "scalar_dct.h"
#include "scalar_lane.h"
#include "scalar_pixels.h"
