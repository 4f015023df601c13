// Walks the channels of a row in lanes: full vectors first, then one partial vector for what is left.
// On a GPU a lane is one channel, so there is no partial vector, and threads of a block share the row.
#pragma once

struct FullLane {
    __device__ Lane load(const float* p) const { return Lane::load(p); }
    __device__ Lane load(const Bf16* p) const { return Lane::load(p); }
    __device__ Pixels load_pixels(const uint32_t* p) const { return Pixels::load(p); }
    __device__ void store(uint32_t* p, Pixels value) const { value.store(p); }
    __device__ void store(float* p, Lane value) const { value.store(p); }
    __device__ void store(Bf16* p, Lane value) const { value.store(p); }
    // The three side by side, value after value.
    __device__ void store_threes(float* p, Lane a, Lane b, Lane c) const { ::store_threes(p, a, b, c); }
};

struct PartialLane {
    int count;
    __device__ Lane load(const float* p) const { return Lane::load(p, count); }
    __device__ Lane load(const Bf16* p) const { return Lane::load(p, count); }
    __device__ Pixels load_pixels(const uint32_t* p) const { return Pixels::load(p, count); }
    __device__ void store(uint32_t* p, Pixels value) const { value.store(p, count); }
    __device__ void store(float* p, Lane value) const { value.store(p, count); }
    __device__ void store(Bf16* p, Lane value) const { value.store(p, count); }
    __device__ void store_threes(float* p, Lane a, Lane b, Lane c) const { ::store_threes(p, a, b, c, count); }
};

// Calls body(first channel, access) for every lane of `channels` that belongs to this thread.
template <class Body>
__device__ __forceinline__ void for_lanes(int channels, Body&& body) {
    int c = (int)threadIdx.x * Lane::width;
    for (; c + Lane::width <= channels; c += (int)blockDim.x * Lane::width) body(c, FullLane{});
    if (c < channels) body(c, PartialLane{channels - c});
}

// Calls body(item, first channel, access) for every lane of `channels` of `items` items that belongs to this thread: a
// CPU thread goes through the items lane by lane, neighbouring threads of a GPU take neighbouring channels.
template <class Body>
__device__ __forceinline__ void for_items(int items, int channels, Body&& body) {
    const int lanes = (channels + Lane::width - 1) / Lane::width;
    for (int e = (int)threadIdx.x; e < items * lanes; e += (int)blockDim.x) {
        const int item = Lane::width > 1 ? e % items : e / lanes;
        const int c = (Lane::width > 1 ? e / items : e % lanes) * Lane::width;
        if (c + Lane::width <= channels) {
            body(item, c, FullLane{});
        } else {
            body(item, c, PartialLane{channels - c});
        }
    }
}
