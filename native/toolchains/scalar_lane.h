// The lane of a GPU thread: one float. Neighbouring threads hold neighbouring channels.
#pragma once

struct Lane {
    static constexpr int width = 1;
    float v;

    Lane() = default;
    __device__ __forceinline__ Lane(float value) : v(value) {}

    static __device__ __forceinline__ Lane load(const float* p) { return Lane(*p); }
    static __device__ __forceinline__ Lane load(const float* p, int) { return Lane(*p); }
    static __device__ __forceinline__ Lane load(const Bf16* p) { return Lane(widened(*p)); }
    static __device__ __forceinline__ Lane load(const Bf16* p, int) { return load(p); }
    // A GPU hides latency by its number of threads.
    static __device__ __forceinline__ void prefetch(const void*) {}
    __device__ __forceinline__ void store(float* p) const { *p = v; }
    __device__ __forceinline__ void store(float* p, int) const { *p = v; }
    __device__ __forceinline__ void store(Bf16* p) const { *p = rounded(v); }
    __device__ __forceinline__ void store(Bf16* p, int) const { store(p); }
    __device__ __forceinline__ Lane& operator+=(Lane o) {
        v += o.v;
        return *this;
    }
};

__device__ __forceinline__ Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
__device__ __forceinline__ Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
__device__ __forceinline__ Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
__device__ __forceinline__ Lane multiply_add(Lane a, Lane b, Lane sum) { return Lane(a.v * b.v + sum.v); }
__device__ __forceinline__ Lane clip(Lane a, float least, float most) {
    const float low = a.v > least ? a.v : least;
    return Lane(low < most ? low : most);
}
// a * b, rounded before anything is added to it.
__device__ __forceinline__ Lane rounded_product(Lane a, Lane b) { return Lane(__fmul_rn(a.v, b.v)); }
// a / divisor, rounded once.
__device__ __forceinline__ Lane quotient(Lane a, float divisor) { return Lane(a.v / divisor); }
// Without what is behind the point.
__device__ __forceinline__ Lane truncated(Lane a) { return Lane((float)(int)a.v); }
__device__ __forceinline__ float total(Lane a) { return a.v; }
__device__ __forceinline__ void store_threes(float* p, Lane a, Lane b, Lane c) {
    p[0] = a.v;
    p[1] = b.v;
    p[2] = c.v;
}
__device__ __forceinline__ void store_threes(float* p, Lane a, Lane b, Lane c, int) { store_threes(p, a, b, c); }
__device__ __forceinline__ Lane relu(Lane a) { return Lane(a.v > 0.0f ? a.v : 0.0f); }
// value where gate > 0, else 0: the derivative of relu.
__device__ __forceinline__ Lane where_positive(Lane gate, Lane value) { return Lane(gate.v > 0.0f ? value.v : 0.0f); }
__device__ __forceinline__ Lane where_positive(Lane gate, Lane value, Lane otherwise) {
    return Lane(gate.v > 0.0f ? value.v : otherwise.v);
}
