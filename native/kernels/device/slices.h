// Rows are divided into slices, each of which is worked on by threads that stand side by side along the channels. On
// the CPU a slice is a block. A block of a GPU holds several (threadIdx.y) where the channels leave threads over.
#pragma once

__device__ __forceinline__ int slice_index() { return (int)(blockIdx.x * blockDim.y + threadIdx.y); }
