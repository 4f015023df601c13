// Rectified linear unit: y = max(x, 0); dx = dy where y > 0, else 0 (the gradient at 0 is 0, as in PyTorch).
// Outputs are overwritten and may be the inputs. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

SPOS_WORK(shape(length))
SPOS_KERNEL relu_forward(SPOS_OUT(length) float* y, SPOS_IN(length) const float* x, int64_t length,
                         int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first),
              [&](int c, auto lane) { lane.store(y + first + c, relu(lane.load(x + first + c))); });
}
SPOS_EXPORT(relu_forward)

SPOS_WORK(shape(length))
SPOS_KERNEL relu_backward(SPOS_OUT(length) float* dx, SPOS_IN(length) const float* dy, SPOS_IN(length) const float* y,
                          int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        lane.store(dx + first + c, where_positive(lane.load(y + first + c), lane.load(dy + first + c)));
    });
}
SPOS_EXPORT(relu_backward)
