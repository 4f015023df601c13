// What the device can do at most, to hold the other kernels against.
//
//   peak_multiply_add       per lane 2 * kChains * iterations multiplications and additions in registers, nothing else
//   peak_multiply_add_bf16  per lane 2 * kPeakProducts * iterations of them, as products of bf16 are made: out is
//                           kPeakProducts * iterations * factor * factor, factor rounded to bf16
//   peak_copy               y[i] = x[i], much more than any cache holds
//
// peak_multiply_add and peak_multiply_add_bf16: out [blocks][lanes of a block], any grid. peak_copy launch: grid.x =
// ceil(length / length_per_block).
#include "device/lanes.h"
#if SPOS_HOST
#include "host/peak_bf16.h"
#else
#include "device/peak_bf16.h"
#endif

// Products that a lane adds up in an iteration: a power of two, for any number of chains, and of terms that an
// instruction takes.
constexpr int kPeakProducts = 512;

// Enough independent chains to hide the latency of an addition: 4 or 5 cycles, two of them a cycle.
constexpr int kChains = 12;

SPOS_WORK(shape(gridDim.x))
SPOS_KERNEL peak_multiply_add(SPOS_OUT() float* out, float factor, int iterations) {
    Lane sum[kChains];
    SPOS_UNROLL for (int k = 0; k < kChains; ++k) sum[k] = Lane((float)k);
    const Lane multiplier(factor);
    for (int i = 0; i < iterations; ++i) {
        SPOS_UNROLL for (int k = 0; k < kChains; ++k) sum[k] = sum[k] * multiplier + multiplier;
    }
    Lane total(0.0f);
    SPOS_UNROLL for (int k = 0; k < kChains; ++k) total += sum[k];
    total.store(out + ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * Lane::width);
}
SPOS_EXPORT(peak_multiply_add)

SPOS_WORK(shape(gridDim.x))
SPOS_KERNEL peak_multiply_add_bf16(SPOS_OUT() float* out, float factor, int iterations) {
    multiply_bf16_chains(factor, (int64_t)kPeakProducts * iterations)
        .store(out + ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * Lane::width);
}
SPOS_EXPORT(peak_multiply_add_bf16)

SPOS_WORK(shape(length))
SPOS_KERNEL peak_copy(SPOS_OUT(length) float* y, SPOS_IN(length) const float* x, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first),
              [&](int c, auto lane) { lane.store(y + first + c, lane.load(x + first + c)); });
}
SPOS_EXPORT(peak_copy)
