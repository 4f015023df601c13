// A moving average of weights: average = (1 - rate) * average + rate * value. A rate of 1 copies.
// All arrays are [length]. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

SPOS_WORK(shape(length), flops(3 * length))
SPOS_KERNEL moving_average(SPOS_IN_OUT(length) float* average, SPOS_IN(length) const float* value, int64_t length,
                           float rate, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const int64_t i = first + c;
        lane.store(average + i, Lane(1.0f - rate) * lane.load(average + i) + Lane(rate) * lane.load(value + i));
    });
}
SPOS_EXPORT(moving_average)
