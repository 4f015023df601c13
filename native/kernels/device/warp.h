// What the threads of a GPU's warp do together; on the CPU a warp is one thread. Sums are added in one order, whatever
// the schedule. All threads of the warp must call.
#pragma once

// The warp's number in its block, the thread's in its warp, and the block's warps.
__device__ __forceinline__ int warp_index() { return (int)threadIdx.x / kWarpThreads; }
__device__ __forceinline__ int warp_lane() { return (int)threadIdx.x % kWarpThreads; }
__device__ __forceinline__ int warps_of_block() { return (int)blockDim.x / kWarpThreads; }

constexpr unsigned kWholeWarp = 0xFFFFFFFFu;

// For all threads of the warp: the sum, or the largest, of their values.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
    for (int bits = kWarpThreads / 2; bits > 0; bits /= 2) value += __shfl_xor_sync(kWholeWarp, value, bits);
    return value;
}

__device__ __forceinline__ float warp_max(float value) {
    for (int bits = kWarpThreads / 2; bits > 0; bits /= 2) {
        value = max(value, __shfl_xor_sync(kWholeWarp, value, bits));
    }
    return value;
}
