// Dropout: y[i] = x[i] / (1 - p) with probability 1 - p, else 0. The gradient is the same map of dy with the same key:
// no mask is stored. Element i is decided by word i % 4 of philox(key[0], i / 4, key[1]). The key lies in memory, so
// that a graph that is launched again reads a new one. y is overwritten and may be x.
// Launch: grid.x = ceil(length / length_per_block), length_per_block % 4 == 0.
#include "device/philox.h"

SPOS_WORK(shape(length), flops(length))
SPOS_KERNEL dropout(SPOS_OUT(length) float* y, SPOS_IN(length) const float* x, int64_t length,
                    SPOS_IN(2, uncounted) const uint64_t* key, float probability, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    const int64_t last = min(first + length_per_block, length);
    const uint64_t seed = key[0], stream = key[1];
    const float scale = 1.0f / (1.0f - probability);
    for (int64_t i = first + 4 * (int)threadIdx.x; i < last; i += 4 * (int)blockDim.x) {
        const Philox4 random = philox(seed, (uint64_t)(i / 4), stream);
        const uint32_t words[4] = {random.x, random.y, random.z, random.w};
        for (int k = 0; k < 4 && i + k < last; ++k) {
            y[i + k] = unit_float(words[k]) >= probability ? x[i + k] * scale : 0.0f;
        }
    }
}
SPOS_EXPORT(dropout)
