// Adds partial results, always in the same order.
//
//   target[i] = (accumulate ? target[i] : 0) + sum_b partials[b][i],   b ascending
//
// Launch: on the CPU grid.x = ceil(length / length_per_block). On a GPU one slice (device/slices.h) of `length`
// channels, whose rows of threads each add a part of the partials, one after another, and then what they have.
#include "device/block_sums.h"

SPOS_WORK(shape(count, length), flops(count, length))
SPOS_KERNEL reduce_partials(SPOS_IN_OUT(length, uncounted) float* target, SPOS_IN(count, length) const float* partials,
                            int count, int length, int length_per_block, SPOS_FLAG int accumulate) {
    if constexpr (Lane::width > 1) {
        const int first = (int)blockIdx.x * length_per_block;
        for_lanes(min(length_per_block, length - first), [&](int c, auto lane) {
            const float* source = partials + first + c;
            Lane sum = accumulate ? lane.load(target + first + c) : Lane(0.0f);
            for (int b = 0; b < count; ++b) sum += lane.load(source + (int64_t)b * length);
            lane.store(target + first + c, sum);
        });
    } else {
        for_channels_together(length, [&](int c, auto lane) {
            const int share = (count + (int)blockDim.y - 1) / (int)blockDim.y, first = (int)threadIdx.y * share;
            Lane sum = accumulate && threadIdx.y == 0 && lane.present ? lane.load(target + c) : Lane(0.0f);
            SPOS_UNROLL_ON_GPU(8)
            for (int b = first; b < min(first + share, count); ++b)
                sum += lane.load(partials + (int64_t)b * length + c);
            store_block_sums<1>(target + c, &sum, length, lane);
        });
    }
}
SPOS_EXPORT(reduce_partials)

//   target[i] += source[i]
#define SPOS_ADD_IN_PLACE(T)                                                                                     \
    SPOS_WORK(shape(length), flops(length))                                                                      \
    SPOS_KERNEL add_in_place_##T(SPOS_IN_OUT(length) T* target, SPOS_IN(length) const T* source, int64_t length, \
                                 int length_per_block) {                                                         \
        const int64_t first = (int64_t)blockIdx.x * length_per_block;                                            \
        const int count = (int)min((int64_t)length_per_block, length - first);                                   \
        for_lanes(count, [&](int c, auto lane) {                                                                 \
            lane.store(target + first + c, lane.load(target + first + c) + lane.load(source + first + c));       \
        });                                                                                                      \
    }                                                                                                            \
    SPOS_EXPORT(add_in_place_##T)

SPOS_ADD_IN_PLACE(f32)
SPOS_ADD_IN_PLACE(bf16)
