// Mixup (Zhang et al., arXiv 1710.09412) of a batch with itself in reverse order, in place:
//
//   x[n] = share * x[n] + (1 - share) * x[N-1-n]
//
// The middle one of an odd number stays. Layout: [N][length]. Launch: grid.x = ceil(length / length_per_block),
// grid.y = floor(N / 2).
#include "device/lanes.h"

SPOS_WORK(shape(images, length), flops(3 * images * length))
SPOS_KERNEL mixup(SPOS_IN_OUT(images, length) float* x, int images, int64_t length, float share, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    float* one = x + (int64_t)blockIdx.y * length + first;
    float* other = x + (int64_t)(images - 1 - (int)blockIdx.y) * length + first;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const Lane a = lane.load(one + c), b = lane.load(other + c);
        lane.store(one + c, Lane(share) * a + Lane(1.0f - share) * b);
        lane.store(other + c, Lane(share) * b + Lane(1.0f - share) * a);
    });
}
SPOS_EXPORT(mixup)
