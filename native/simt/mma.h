// What a warp's tensor core does: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 of PTX.
#pragma once

#include <array>
#include <cstdint>

namespace spos::simt {

// What one lane holds, on its stack.
struct Fragments {
    float* d;               // 4 values, which are also what is added to
    const uint32_t *a, *b;  // 4 and 2 pairs of bf16
};

// d += a * b. PTX leaves open in what order terms are added: here along k, of each pair the odd one first, each by a
// fused multiply-add that takes denormals for zeros. So the CPU's products of bf16 add theirs (kernels/host).
void multiply(const std::array<const Fragments*, 32>& lanes);

}  // namespace spos::simt
