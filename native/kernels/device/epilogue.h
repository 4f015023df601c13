// What becomes of a convolution's result before it is stored.
#pragma once
#include "device/lanes.h"

// Nothing.
struct RawResult {
    template <class Access>
    __device__ __forceinline__ Lane operator()(Lane value, int, Access) const {
        return value;
    }

    // The same for `count` of four channels from `channel` on, for a GPU thread.
    struct OfFour {
        __device__ __forceinline__ OfFour(const RawResult&, int, int) {}
        __device__ __forceinline__ float operator()(float value, int) const { return value; }
    };
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

    struct OfFour {
        float scale[4], shift[4];
        int rectify;

        __device__ __forceinline__ OfFour(const NormalisedResult& all, int channel, int count) : rectify(all.rectify) {
            for (int k = 0; k < 4; ++k) {
                scale[k] = k < count ? all.scale[channel + k] : 0.0f;
                shift[k] = k < count ? all.shift[channel + k] : 0.0f;
            }
        }
        __device__ __forceinline__ float operator()(float value, int k) const {
            const Lane result = multiply_add(Lane(value), Lane(scale[k]), Lane(shift[k]));
            return rectify ? relu(result).v : result.v;
        }
    };
};
