// What the rows of threads of a block (device/slices.h) add up, through shared memory and in one order. All threads of
// the block must call. On the CPU, whose blocks have one thread, sums are stored as they are.
#pragma once
#include "device/slices.h"

namespace {

// Sum k of the block's channel c, of values[k] of all its threads for that channel, goes to partial[k * channels];
// partial points to channel c of the first sum. `shared` is shared memory for Count * kMostThreads values that no
// thread uses any more.
template <int Count, class Access>
__device__ __forceinline__ void store_block_sums_through(float* shared, float* partial, const Lane* values,
                                                         int channels, Access lane) {
    float* column = shared + threadIdx.x;
    SPOS_UNROLL for (int k = 0; k < Count; ++k) {
        column[k * kMostThreads + (int)(threadIdx.y * blockDim.x)] = total(values[k]);
    }
    __syncthreads();
    for (int k = (int)threadIdx.y; k < Count; k += (int)blockDim.y) {
        float sum = 0.0f;
        for (int row = 0; row < (int)blockDim.y; ++row) sum += column[k * kMostThreads + row * (int)blockDim.x];
        lane.store(partial + (int64_t)k * channels, Lane(sum));
    }
    // Whoever comes next may use the same memory.
    __syncthreads();
}

// The same through memory of its own.
template <int Count, class Access>
__device__ __forceinline__ void store_block_sums(float* partial, const Lane* values, int channels, Access lane) {
    if constexpr (Lane::width > 1) {
        SPOS_UNROLL for (int k = 0; k < Count; ++k) lane.store(partial + (int64_t)k * channels, values[k]);
    } else {
        SPOS_SHARED(float, shared, Count* kMostThreads);
        store_block_sums_through<Count>(shared, partial, values, channels, lane);
    }
}

// The mean of values that come one by one and the sum of squared deviations from it, taken around the first value.
struct RunningStatistics {
    Lane pivot = Lane(0.0f), sum = Lane(0.0f), squares = Lane(0.0f);
    bool begun = false;

    __device__ __forceinline__ void add(Lane value) {
        if (!begun) pivot = value;
        begun = true;
        const Lane d = value - pivot;
        sum += d;
        squares = multiply_add(d, d, squares);
    }
};

// Combines what a GPU's rows of threads have of their channel (Chan et al., see batch_norm.cu): partial = [mean, sum of
// squared deviations from it], each [channels]; partial points to the thread's channel. Row y of threads has taken rows
// y, y + blockDim.y, ... of `rows`, `values` in each.
template <class Access>
__device__ __forceinline__ void store_block_statistics(float* partial, const RunningStatistics& of_thread, int rows,
                                                       int values, int channels, Access lane) {
    SPOS_SHARED(float, means, kMostThreads);
    SPOS_SHARED(float, deviations, kMostThreads);
    const int width = (int)blockDim.x, height = (int)blockDim.y, x = (int)threadIdx.x, y = (int)threadIdx.y;
    const auto count_of = [=](int row) { return max(0, rows - row + height - 1) / height * values; };
    const int mine = count_of(y);
    const Lane deviation = of_thread.sum * Lane(1.0f / (float)max(1, mine));
    means[y * width + x] = total(of_thread.pivot + deviation);
    deviations[y * width + x] = total(of_thread.squares - of_thread.sum * deviation);
    __syncthreads();
    if (y == 0) {
        Lane mean(means[x]), squares(deviations[x]);
        int before = mine;
        for (int row = 1; row < height && count_of(row) > 0; ++row) {
            const int count = count_of(row);
            const Lane difference = Lane(means[row * width + x]) - mean;
            const float share = (float)count / (float)(before + count);
            mean = multiply_add(difference, Lane(share), mean);
            squares += Lane(deviations[row * width + x]) + difference * difference * Lane((float)before * share);
            before += count;
        }
        lane.store(partial, mean);
        lane.store(partial + channels, squares);
    }
    __syncthreads();
}

}  // namespace
