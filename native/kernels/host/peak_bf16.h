// What a CPU thread does for peak_multiply_add_bf16 (peak.cu): chains of the pair products of gemm_bf16.h in registers.
#pragma once
#include "host/gemm_bf16.h"

// Enough chains to hide the latency of a pair product, 6 cycles, two of them a cycle. Where there are 16 registers, the
// operands take four of them, and two multiply-adds of 4 cycles stand for a pair product.
constexpr int kPairChains = Lane::width == 16 ? 16 : 8;

template <bool Hardware>
[[gnu::noinline]] Lane multiply_pair_chains(float factor, int64_t products) {
    Lane sum[kPairChains][1];
    SPOS_UNROLL for (int k = 0; k < kPairChains; ++k) sum[k][0] = Lane((float)k);
    const Lane::Bits panel = pairs_of(Lane(factor), Lane(factor));
    const uint32_t pair = panel[0];
    for (int64_t p = 0; p < products; p += 2 * kPairChains) {
        add_pairs<Hardware>(
            sum, [=](int) { return pair; }, (const uint32_t*)&panel);
    }
    Lane total(0.0f);
    SPOS_UNROLL for (int k = 0; k < kPairChains; ++k) total += sum[k][0] - Lane((float)k);
    return total;
}

// Chains of `products` products in all, a multiple of kPeakProducts.
inline Lane multiply_bf16_chains(float factor, int64_t products) {
    Lane total(0.0f);
    with_pair_products([&]<bool Hardware>() { total = multiply_pair_chains<Hardware>(factor, products); });
    return total;
}
