// What becomes of a convolution's result before it is stored.
#pragma once
#include "device/lanes.h"

namespace {

// Nothing.
struct RawResult {
    struct OfLane {
        __device__ __forceinline__ Lane operator()(Lane value) const { return value; }
    };

    template <class Access>
    __device__ __forceinline__ OfLane of(int, Access) const {
        return {};
    }
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

    struct OfLane {
        Lane scale, shift;
        int rectify;

        __device__ __forceinline__ Lane operator()(Lane value) const {
            const Lane result = multiply_add(value, scale, shift);
            return rectify ? relu(result) : result;
        }
    };

    // What a lane needs for its channels, loaded once for many values.
    template <class Access>
    __device__ __forceinline__ OfLane of(int channel, Access lane) const {
        return {lane.load(scale + channel), lane.load(shift + channel), rectify};
    }
    template <class Access>
    __device__ __forceinline__ Lane operator()(Lane value, int channel, Access lane) const {
        return of(channel, lane)(value);
    }
};

}  // namespace
