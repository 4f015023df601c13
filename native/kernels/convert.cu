// Values as another type: floats are rounded to bf16 (toolchains/bf16.h), bf16 become floats.
// All arrays are [length]. Outputs are overwritten. Launch: grid.x = ceil(length / length_per_block).
#include "device/lanes.h"

template <class Y, class X>
__device__ __forceinline__ void convert(Y* y, const X* x, int64_t length, int length_per_block) {
    const int64_t first = (int64_t)blockIdx.x * length_per_block;
    for_lanes((int)min((int64_t)length_per_block, length - first),
              [&](int c, auto lane) { lane.store(y + first + c, lane.load(x + first + c)); });
}

SPOS_WORK(shape(length))
SPOS_KERNEL convert_to_bf16(SPOS_OUT(length) Bf16* y, SPOS_IN(length) const float* x, int64_t length,
                            int length_per_block) {
    convert(y, x, length, length_per_block);
}
SPOS_EXPORT(convert_to_bf16)

SPOS_WORK(shape(length))
SPOS_KERNEL convert_to_floats(SPOS_OUT(length) float* y, SPOS_IN(length) const Bf16* x, int64_t length,
                              int length_per_block) {
    convert(y, x, length, length_per_block);
}
SPOS_EXPORT(convert_to_floats)
