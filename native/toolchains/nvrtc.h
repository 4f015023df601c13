// NVIDIA GPUs through NVRTC: a lane is one float of one thread, neighbouring threads hold neighbouring channels.
#pragma once

typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;

#define SPOS_HOST 0
#define SPOS_KERNEL extern "C" __global__ void
#define SPOS_UNROLL _Pragma("unroll")
#define SPOS_EXPORT(kernel)

struct Lane {
    static constexpr int width = 1;
    float v;

    Lane() = default;
    __device__ Lane(float value) : v(value) {}

    static __device__ Lane load(const float* p) { return Lane(*p); }
    static __device__ Lane load(const float* p, int) { return Lane(*p); }
    __device__ void store(float* p) const { *p = v; }
    __device__ void store(float* p, int) const { *p = v; }
    __device__ Lane& operator+=(Lane o) {
        v += o.v;
        return *this;
    }
};

__device__ inline Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
__device__ inline Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
__device__ inline Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
__device__ inline Lane relu(Lane a) { return Lane(a.v > 0.0f ? a.v : 0.0f); }
__device__ inline Lane where_positive(Lane gate, Lane value) { return Lane(gate.v > 0.0f ? value.v : 0.0f); }
