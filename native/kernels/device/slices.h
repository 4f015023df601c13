// Rows are divided into slices.
//
// On the CPU a block is a slice: one thread, which walks its channels in lanes. On a GPU a block is a tile of a slice's
// channels, one for each threadIdx.x, and its rows of threads (threadIdx.y) take the slice's rows in turn: what
// neighbouring rows of an image share is then found in the first-level cache. blockIdx.x counts the tiles and
// blockIdx.y the slices, so that blocks which run at the same time read whole rows.
#pragma once
#include "device/lanes.h"

__device__ __forceinline__ int slice_index() { return (int)(Lane::width > 1 ? blockIdx.x : blockIdx.y); }

// Channels of a GPU's block at most.
constexpr int kMostTile = 32;

// Rows first, first + step, ... before last.
struct RowRange {
    int first, last, step;
};

// Those of `rows` that this thread takes.
__device__ __forceinline__ RowRange rows_of_thread(int rows_per_slice, int rows) {
    const int first = slice_index() * rows_per_slice;
    return {first + (int)threadIdx.y, min(first + rows_per_slice, rows), (int)blockDim.y};
}

// For kernels that take channels one by one: for (int c = first_channel(); c < channels; c += channel_step()).
__device__ __forceinline__ int first_channel() {
    return Lane::width > 1 ? 0 : (int)(blockIdx.x * blockDim.x + threadIdx.x);
}
__device__ __forceinline__ int channel_step() { return Lane::width > 1 ? 1 : (int)(gridDim.x * blockDim.x); }

// Calls body(first channel, access) for every lane of `channels` that belongs to this thread.
template <class Body>
__device__ __forceinline__ void for_channels(int channels, Body&& body) {
    if constexpr (Lane::width > 1) {
        for_lanes(channels, body);
    } else {
        for (int c = first_channel(); c < channels; c += channel_step()) body(c, FullLane{});
    }
}

// The access of a GPU's thread that may stand beyond the last channel: it then stores nothing.
struct TileLane {
    bool present;
    __device__ Lane load(const float* p) const { return Lane::load(p); }
    __device__ Lane load(const Bf16* p) const { return Lane::load(p); }
    __device__ void store(float* p, Lane value) const {
        if (present) value.store(p);
    }
    __device__ void store(Bf16* p, Lane value) const {
        if (present) value.store(p);
    }
};

// The same for a body in which a block's threads wait for each other. On a GPU each thread calls it once; those beyond
// the last channel go along with the last one's values. The grid must have a block for each tile of channels.
template <class Body>
__device__ __forceinline__ void for_channels_together(int channels, Body&& body) {
    if constexpr (Lane::width > 1) {
        for_lanes(channels, body);
    } else {
        const int c = first_channel();
        body(min(c, channels - 1), TileLane{c < channels});
    }
}

// Copies values 0, 2, 4, ... of `from`, `count` in all: a CPU's thread all of them,
// a GPU's every step-th from `first` on.
#if SPOS_HOST
template <class V>
inline void copy_every_second(V* to, const V* from, int count, int, int) {
    copy_every_second(to, from, count);
}
#else
template <class V>
__device__ __forceinline__ void copy_every_second(V* __restrict__ to, const V* __restrict__ from, int count, int first,
                                                  int step) {
    for (int c = first; c < count; c += step) to[c] = from[2 * c];
}
#endif
