// What a thread of a GPU does for peak_multiply_add_bf16 (peak.cu): its warp's tensor cores multiply fragments in
// registers.
#pragma once
#include "device/lanes.h"

// Enough independent ones to hide the latency of a product; each thread has four sums of one.
constexpr int kPeakFragments = 8, kFragmentSums = 4;
// Of 16 x 16 and 16 x 8 values there are 2,048 products, a 32nd of them for each thread.
constexpr int kFragmentProducts = 64;

// `products` products in all, a multiple of kPeakProducts.
__device__ __forceinline__ Lane multiply_bf16_chains(float factor, int64_t products) {
    const uint32_t pair = rounded(factor).bits * 0x10001u;
    const uint32_t a[4] = {pair, pair, pair, pair}, b[2] = {pair, pair};
    float sum[kPeakFragments][kFragmentSums];
    SPOS_UNROLL for (int k = 0; k < kPeakFragments; ++k) {
        SPOS_UNROLL for (int i = 0; i < kFragmentSums; ++i) sum[k][i] = (float)k;
    }
    for (int64_t p = 0; p < products; p += kPeakFragments * kFragmentProducts) {
        SPOS_UNROLL for (int k = 0; k < kPeakFragments; ++k) mma_bf16(sum[k], a, b);
    }
    float total = 0.0f;
    SPOS_UNROLL for (int k = 0; k < kPeakFragments; ++k) {
        SPOS_UNROLL for (int i = 0; i < kFragmentSums; ++i) total += sum[k][i] - (float)k;
    }
    return Lane(total);
}
