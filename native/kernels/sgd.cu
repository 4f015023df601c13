// Stochastic gradient descent with momentum and weight decay, in PyTorch's form:
//
//   v = momentum * v + (gradient_scale * g + decay * w);   w = w - learning_rate * v
//
// All arrays are [length]. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

SPOS_WORK(shape(length), flops(5 * length))
SPOS_KERNEL sgd_momentum(SPOS_IN_OUT(length) float* w, SPOS_IN_OUT(length) float* v, SPOS_IN(length) const float* g,
                         int64_t length, float learning_rate, float momentum, float decay, float gradient_scale,
                         int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        const int64_t i = first + c;
        const Lane weight = lane.load(w + i);
        const Lane velocity =
            Lane(momentum) * lane.load(v + i) + Lane(gradient_scale) * lane.load(g + i) + Lane(decay) * weight;
        lane.store(v + i, velocity);
        lane.store(w + i, weight - Lane(learning_rate) * velocity);
    });
}
SPOS_EXPORT(sgd_momentum)
