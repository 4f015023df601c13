// Rectified linear unit: y = max(x, 0); dx = dy where y > 0, else 0 (the gradient at 0 is 0, as in PyTorch).
// Outputs are overwritten and may be the inputs. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

SPOS_KERNEL relu_forward(float* y, const float* x, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first),
              [&](int c, auto lane) { lane.store(y + first + c, relu(lane.load(x + first + c))); });
}
SPOS_EXPORT(relu_forward)

SPOS_KERNEL relu_backward(float* dx, const float* dy, const float* y, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first), [&](int c, auto lane) {
        lane.store(dx + first + c, where_positive(lane.load(y + first + c), lane.load(dy + first + c)));
    });
}
SPOS_EXPORT(relu_backward)
