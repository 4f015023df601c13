// Adds partial results, always in the same order.
//
//   target[i] = (accumulate ? target[i] : 0) + sum_b partials[b][i],   b ascending
//
// Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

SPOS_KERNEL reduce_partials(float* target, const float* partials, int count, int length, int length_per_block,
                            int accumulate) {
    const int first = (int)blockIdx.x * length_per_block;
    for_lanes(min(length_per_block, length - first), [&](int c, auto lane) {
        const float* source = partials + first + c;
        Lane sum = accumulate ? lane.load(target + first + c) : Lane(0.0f);
        for (int b = 0; b < count; ++b) sum += lane.load(source + (int64_t)b * length);
        lane.store(target + first + c, sum);
    });
}
SPOS_EXPORT(reduce_partials)

//   target[i] += source[i]
SPOS_KERNEL add_in_place(float* target, const float* source, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    const int count = (int)min((int64_t)length_per_block, length - first);
    for_lanes(count, [&](int c, auto lane) {
        lane.store(target + first + c, lane.load(target + first + c) + lane.load(source + first + c));
    });
}
SPOS_EXPORT(add_in_place)
