// Pixels of four bytes (red lowest) for a GPU thread, which works on one.
#pragma once

constexpr int kPixelGroup = 1;

// Fixed-point sums of weighted levels, of one pixel.
struct LevelSums {
    int32_t v[3];

    __device__ __forceinline__ LevelSums() : v{0, 0, 0} {}

    __device__ __forceinline__ void add(const uint32_t* pixel, int32_t weight) {
        const uint32_t levels = *pixel;
        SPOS_UNROLL for (int c = 0; c < 3; ++c) v[c] += (int32_t)(levels >> (8 * c) & 255) * weight;
    }
    __device__ __forceinline__ void add(const uint32_t* pixel, const int32_t* weight) { add(pixel, *weight); }
    __device__ __forceinline__ void add_single(const uint32_t* pixel, int32_t weight) { add(pixel, weight); }

    // The sums, rounded to levels.
    __device__ __forceinline__ void store(uint32_t* target, int, int bits) const {
        uint32_t levels = 0;
        SPOS_UNROLL for (int c = 0; c < 3; ++c) {
            levels |= (uint32_t)min((v[c] + (1 << (bits - 1))) >> bits, 255) << (8 * c);
        }
        *target = levels;
    }
};

__device__ __forceinline__ LevelSums sums_of_groups(const LevelSums (&groups)[1]) { return groups[0]; }

struct Pixels {
    uint32_t v;

    // Of levels, whole numbers 0 ... 255.
    static __device__ __forceinline__ Pixels of(Lane red, Lane green, Lane blue) {
        return {(uint32_t)red.v | (uint32_t)green.v << 8 | (uint32_t)blue.v << 16};
    }
    static __device__ __forceinline__ Pixels load(const uint32_t* p) { return {*p}; }
    static __device__ __forceinline__ Pixels load(const uint32_t* p, int) { return {*p}; }
    __device__ __forceinline__ void store(uint32_t* p) const { *p = v; }
    __device__ __forceinline__ void store(uint32_t* p, int) const { *p = v; }
    // Colour c.
    __device__ __forceinline__ Lane level(int c) const { return Lane((float)(v >> (8 * c) & 255)); }
};
