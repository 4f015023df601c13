// Hard swish and hard sigmoid, made of pieces of lines; their gradients at -3 and 3 are those of the lines outside.
// Outputs are overwritten and may be the inputs. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

namespace {
constexpr float kSixth = 1.0f / 6.0f;
}

// Hard swish: y = x min(max(x + 3, 0), 6) / 6; dx = 0 where x <= -3, dy where x >= 3, dy (2x + 3) / 6 between.
SPOS_WORK(shape(length), flops(3 * length))
SPOS_KERNEL hard_swish_forward(SPOS_OUT(length) float* y, SPOS_IN(length) const float* x, int64_t length,
                               int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const Lane at = lane.load(x + first + c);
        lane.store(y + first + c, at * (clip(at + Lane(3.0f), 0.0f, 6.0f) * Lane(kSixth)));
    });
}
SPOS_EXPORT(hard_swish_forward)

SPOS_WORK(shape(length), flops(6 * length))
SPOS_KERNEL hard_swish_backward(SPOS_OUT(length) float* dx, SPOS_IN(length) const float* dy,
                                SPOS_IN(length) const float* x, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const Lane at = lane.load(x + first + c), three(3.0f);
        const Lane slope = multiply_add(Lane(2.0f), at, three) * Lane(kSixth);
        const Lane below_three = where_positive(three - at, slope, Lane(1.0f));
        lane.store(dx + first + c, lane.load(dy + first + c) * where_positive(at + three, below_three));
    });
}
SPOS_EXPORT(hard_swish_backward)

// Hard sigmoid: y = min(max(x + 3, 0), 6) / 6; dx = dy / 6 where -3 < x < 3, else 0.
SPOS_WORK(shape(length), flops(2 * length))
SPOS_KERNEL hard_sigmoid_forward(SPOS_OUT(length) float* y, SPOS_IN(length) const float* x, int64_t length,
                                 int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        lane.store(y + first + c, clip(lane.load(x + first + c) + Lane(3.0f), 0.0f, 6.0f) * Lane(kSixth));
    });
}
SPOS_EXPORT(hard_sigmoid_forward)

SPOS_WORK(shape(length), flops(3 * length))
SPOS_KERNEL hard_sigmoid_backward(SPOS_OUT(length) float* dx, SPOS_IN(length) const float* dy,
                                  SPOS_IN(length) const float* x, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const Lane at = lane.load(x + first + c), three(3.0f);
        const Lane below_three = where_positive(three - at, lane.load(dy + first + c) * Lane(kSixth));
        lane.store(dx + first + c, where_positive(at + three, below_three));
    });
}
SPOS_EXPORT(hard_sigmoid_backward)
