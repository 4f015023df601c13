// The lane of a GPU thread: one float. Neighbouring threads hold neighbouring channels.
#pragma once

struct Lane {
    static constexpr int width = 1;
    float v;

    Lane() = default;
    __device__ __forceinline__ Lane(float value) : v(value) {}

    static __device__ __forceinline__ Lane load(const float* p) { return Lane(*p); }
    static __device__ __forceinline__ Lane load(const float* p, int) { return Lane(*p); }
    static __device__ __forceinline__ Lane load(const uint8_t* p) { return Lane((float)*p); }
    static __device__ __forceinline__ Lane load(const uint8_t* p, int) { return Lane((float)*p); }
    // A GPU hides latency by its number of threads.
    static __device__ __forceinline__ void prefetch(const float*) {}
    __device__ __forceinline__ void store(float* p) const { *p = v; }
    __device__ __forceinline__ void store(float* p, int) const { *p = v; }
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

// Four neighbouring floats; in memory aligned to 16 bytes.
struct Four {
    float v[4];

    __device__ __forceinline__ Four() : v{0.0f, 0.0f, 0.0f, 0.0f} {}
    static __device__ __forceinline__ Four load(const float* p) {
        Four four;
        load_four(four.v, p);
        return four;
    }
};

__device__ __forceinline__ Four multiply_add(const Four& a, float b, Four sum) {
    SPOS_UNROLL for (int i = 0; i < 4; ++i) sum.v[i] += a.v[i] * b;
    return sum;
}
