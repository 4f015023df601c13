// The channels of a stage of choice blocks, kept by who takes them: channel shuffle and concatenation move nothing.
//
// A block's output has 2 * half channels, in places 0 .. 2 * half - 1. The next block (channel shuffle with two groups,
// arXiv 1807.11164, figure 3) takes those in odd places, place p as its channel p / 2; the others pass by, to place p /
// 2 of its own output. So the place's lowest set bit k says that the k-th block after takes it, as channel p >> (k +
// 1); or, if fewer than k + 1 blocks are `after`, that it is in place p >> after of what the stage ends in.
//
//   inputs   [blocks after][rows][half], block by block what it takes
//   outputs  [rows][2 * half], what the stage ends in
#pragma once

namespace {

// Where the channels lie that a block's branch makes: the first of them is in place `first`.
struct Places {
    int rows, channels, first, after, half;
};

// One channel: that of row m is data[m * stride].
template <class T>
struct PlacedColumn {
    T* data;
    int64_t stride;
};

template <class T>
__device__ __forceinline__ PlacedColumn<T> find_column(T* inputs, T* outputs, const Places& places, int channel) {
    const int place = places.first + channel;
    // Place 0 passes by for ever.
    const int block = place == 0 ? places.after : min(__ffs(place) - 1, places.after);
    if (block == places.after) return {outputs + (place == 0 ? 0 : place >> block), 2 * places.half};
    return {inputs + (int64_t)block * places.rows * places.half + (place >> (block + 1)), places.half};
}

}  // namespace
