// What becomes of a convolution's result before it is stored.
#pragma once
#include "device/lanes.h"

// Nothing.
struct RawResult {
    template <class Access>
    __device__ __forceinline__ Lane operator()(Lane value, int, Access) const {
        return value;
    }
};

// scale * value + shift of its channel, then ReLU if `rectify`: batch norm, to the bit what batch_norm_apply makes of
// it.
struct NormalisedResult {
    const float* scale;
    const float* shift;
    int rectify;

    template <class Access>
    __device__ __forceinline__ Lane operator()(Lane value, int channel, Access lane) const {
        const Lane result = multiply_add(value, lane.load(scale + channel), lane.load(shift + channel));
        return rectify ? relu(result) : result;
    }
};
