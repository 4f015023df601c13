// Kernels that the tests of the emulated GPU run: what must work, and, from `mask_lacks_caller` on, what a GPU would
// break on. Each writes to out[thread of the launch] unless it says otherwise.

__device__ __forceinline__ int thread_of_block() {
    return (int)(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}

constexpr uint32_t kAll = 0xFFFFFFFFu;

// ---- what must work ---------------------------------------------------------------------------------------------

// x, y, z of the thread and the block, six values a thread of the launch.
SPOS_KERNEL indices(int* out) {
    const int block = (int)(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
    const int threads = (int)(blockDim.x * blockDim.y * blockDim.z);
    int* mine = out + 6 * (block * threads + thread_of_block());
    mine[0] = (int)threadIdx.x;
    mine[1] = (int)threadIdx.y;
    mine[2] = (int)threadIdx.z;
    mine[3] = (int)blockIdx.x;
    mine[4] = (int)blockIdx.y;
    mine[5] = (int)blockIdx.z;
}
SPOS_EXPORT(indices)

// The value 100 * warp + lane, moved in four ways; four values a thread.
SPOS_KERNEL shuffles(int* out) {
    const int t = (int)threadIdx.x, lane = t % 32, value = 100 * (t / 32) + lane;
    out[4 * t] = __shfl_sync(kAll, value, 7 * lane);
    out[4 * t + 1] = __shfl_down_sync(kAll, value, 3);
    out[4 * t + 2] = __shfl_up_sync(kAll, value, 5);
    out[4 * t + 3] = __shfl_xor_sync(kAll, value, 9);
}
SPOS_EXPORT(shuffles)

// Votes of a whole warp, then of each half in a branch of its own; four values a thread.
SPOS_KERNEL votes(int* out) {
    const int t = (int)threadIdx.x, lane = t % 32;
    out[4 * t] = (int)__ballot_sync(kAll, lane % 3 == 0);
    out[4 * t + 1] = __any_sync(kAll, lane == 31) ? 1 : 0;
    out[4 * t + 2] = __all_sync(kAll, lane < 31) ? 1 : 0;
    if (lane < 16) {
        out[4 * t + 3] = (int)__ballot_sync(0x0000FFFFu, lane % 2 == 0);
    } else {
        out[4 * t + 3] = (int)__ballot_sync(0xFFFF0000u, lane % 2 == 0);
    }
}
SPOS_EXPORT(votes)

// out[0] = sum of x[0 .. length): by warps with shuffles, then across warps through dynamic shared memory.
SPOS_KERNEL block_sum(float* out, const float* x, int length) {
    SPOS_SHARED_DYNAMIC(float, sums);
    const int t = (int)threadIdx.x;
    float sum = 0;
    for (int i = t; i < length; i += (int)blockDim.x) sum += x[i];
    for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(kAll, sum, delta);
    if (t % 32 == 0) sums[t / 32] = sum;
    __syncthreads();
    if (t != 0) return;
    for (int w = 1; w < (int)blockDim.x / 32; ++w) sum += sums[w];
    out[0] = sum;
}
SPOS_EXPORT(block_sum)

// counts[v] += how often v is among the values: in shared memory first, then from all blocks.
SPOS_KERNEL histogram(int* counts, const int* values, int length, int bins) {
    SPOS_SHARED(int, mine, 64);
    const int t = (int)threadIdx.x;
    for (int b = t; b < bins; b += (int)blockDim.x) mine[b] = 0;
    __syncthreads();
    for (int i = t + (int)(blockIdx.x * blockDim.x); i < length; i += (int)(blockDim.x * gridDim.x)) {
        atomicAdd(&mine[values[i]], 1);
    }
    __syncthreads();
    for (int b = t; b < bins; b += (int)blockDim.x) atomicAdd(&counts[b], mine[b]);
}
SPOS_EXPORT(histogram)

// Each half of a warp turns its values round through shared memory, with a barrier of its own.
SPOS_KERNEL half_warps(int* out) {
    SPOS_SHARED(int, values, 256);
    const int t = (int)threadIdx.x, lane = t % 32;
    values[t] = t;
    if (lane < 16) {
        __syncwarp(0x0000FFFFu);
        out[t] = values[t - lane + 15 - lane];
    } else {
        __syncwarp(0xFFFF0000u);
        out[t] = values[t - lane + 47 - lane];
    }
}
SPOS_EXPORT(half_warps)

// Threads from `alive` on end at once; the others meet at a barrier all the same.
SPOS_KERNEL early_exit(int* out, int alive) {
    SPOS_SHARED(int, values, 256);
    const int t = (int)threadIdx.x;
    if (t >= alive) return;
    values[t] = t * t;
    __syncthreads();
    out[t] = values[alive - 1 - t];
}
SPOS_EXPORT(early_exit)

// The pair of values at p and p + step.
__device__ __forceinline__ uint32_t pair_at(const uint16_t* p, int step) { return p[0] | (uint32_t)p[step] << 16; }

// Each warp's d [16][8] = a [16][16] * b [16][8] + c [16][8] of its own, rows side by side: which of them a lane holds
// is as PTX draws it for mma.m16n8k16.
SPOS_KERNEL matrix_products(float* d, const uint16_t* a, const uint16_t* b, const float* c) {
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32, g = lane / 4, t = lane % 4;
    a += 256 * warp;
    b += 128 * warp;
    const uint32_t rows[4] = {
        pair_at(a + 16 * g + 2 * t, 1),
        pair_at(a + 16 * (g + 8) + 2 * t, 1),
        pair_at(a + 16 * g + 2 * t + 8, 1),
        pair_at(a + 16 * (g + 8) + 2 * t + 8, 1),
    };
    const uint32_t columns[2] = {pair_at(b + 8 * (2 * t) + g, 8), pair_at(b + 8 * (2 * t + 8) + g, 8)};
    const int at[4] = {8 * g + 2 * t, 8 * g + 2 * t + 1, 8 * (g + 8) + 2 * t, 8 * (g + 8) + 2 * t + 1};
    float sum[4];
    for (int i = 0; i < 4; ++i) sum[i] = c[128 * warp + at[i]];
    mma_bf16(sum, rows, columns);
    for (int i = 0; i < 4; ++i) d[128 * warp + at[i]] = sum[i];
}
SPOS_EXPORT(matrix_products)

// out[i] = x[i] + 1, or x[i] where x is out.
SPOS_KERNEL increment(int* out, const int* x) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    out[i] = x[i] + 1;
}
SPOS_EXPORT(increment)

// ---- what a GPU would break on ----------------------------------------------------------------------------------

SPOS_KERNEL mask_lacks_caller(int* out) { out[threadIdx.x] = __shfl_sync(0x7FFFFFFFu, 1, 0); }
SPOS_EXPORT(mask_lacks_caller)

SPOS_KERNEL mask_names_ended_lane(int* out) {
    if (threadIdx.x == 31) return;
    out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
}
SPOS_EXPORT(mask_names_ended_lane)

SPOS_KERNEL masks_differ(int* out) { out[threadIdx.x] = __shfl_sync(threadIdx.x < 8 ? kAll : 0xFFFFFFF0u, 1, 8); }
SPOS_EXPORT(masks_differ)

SPOS_KERNEL reads_absent_lane(int* out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000FFFFu, 1, 20);
}
SPOS_EXPORT(reads_absent_lane)

SPOS_KERNEL operations_differ(int* out) {
    if (threadIdx.x < 16) {
        out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
    } else {
        out[threadIdx.x] = (int)__ballot_sync(kAll, 1);
    }
}
SPOS_EXPORT(operations_differ)

// A product of ones.
__device__ __forceinline__ void multiply_ones(int* out, float (&sum)[4]) {
    const uint32_t one = 0x3F803F80, a[4] = {one, one, one, one}, b[2] = {one, one};
    mma_bf16(sum, a, b);
    out[threadIdx.x] = (int)sum[0];
}

SPOS_KERNEL product_of_half_a_warp(int* out) {
    float sum[4] = {};
    if (threadIdx.x < 16) multiply_ones(out, sum);
}
SPOS_EXPORT(product_of_half_a_warp)

SPOS_KERNEL product_against_shuffle(int* out) {
    float sum[4] = {};
    if (threadIdx.x < 16) {
        multiply_ones(out, sum);
    } else {
        out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
    }
}
SPOS_EXPORT(product_against_shuffle)

SPOS_KERNEL product_against_barrier(int* out) {
    float sum[4] = {};
    if (threadIdx.x == 0) __syncthreads();
    multiply_ones(out, sum);
}
SPOS_EXPORT(product_against_barrier)

SPOS_KERNEL products_differ(int* out) {
    const uint32_t a[4] = {}, b[2] = {};
    float sum[4] = {};
    if (threadIdx.x < 16) {
        mma_bf16(sum, a, b);
    } else {
        mma_bf16(sum, a, b);
    }
    out[threadIdx.x] = (int)sum[0];
}
SPOS_EXPORT(products_differ)

SPOS_KERNEL barriers_differ(int* out) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}
SPOS_EXPORT(barriers_differ)

SPOS_KERNEL barrier_against_shuffle(int* out) {
    if (threadIdx.x == 0) __syncthreads();
    out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
}
SPOS_EXPORT(barrier_against_shuffle)

SPOS_KERNEL shared_past_its_end(int* out) {
    SPOS_SHARED(int, values, 31);
    values[threadIdx.x] = 1;
    out[threadIdx.x] = 1;
}
SPOS_EXPORT(shared_past_its_end)

SPOS_KERNEL dynamic_past_its_end(int* out) {
    SPOS_SHARED_DYNAMIC(int, values);
    values[threadIdx.x + 1] = 1;
    out[threadIdx.x] = 1;
}
SPOS_EXPORT(dynamic_past_its_end)

SPOS_KERNEL shared_never_written(int* out) {
    SPOS_SHARED(int, values, 32);
    out[threadIdx.x] = values[threadIdx.x];
}
SPOS_EXPORT(shared_never_written)

SPOS_KERNEL missing_barrier(int* out) {
    SPOS_SHARED(int, values, 256);
    values[threadIdx.x] = 1;
    out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}
SPOS_EXPORT(missing_barrier)

// Another warp's value needs more than a barrier of one's own warp.
SPOS_KERNEL warp_barrier_for_block(int* out) {
    SPOS_SHARED(int, values, 256);
    values[threadIdx.x] = 1;
    __syncwarp(kAll);
    out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}
SPOS_EXPORT(warp_barrier_for_block)

SPOS_KERNEL blocks_share_an_output(int* out) {
    if (threadIdx.x == 0) out[0] = (int)blockIdx.x;
}
SPOS_EXPORT(blocks_share_an_output)

SPOS_KERNEL atomic_beside_plain(int* out) {
    if (threadIdx.x == 0) out[0] = 5;
    if (threadIdx.x == 1) atomicAdd(&out[0], 1);
}
SPOS_EXPORT(atomic_beside_plain)

SPOS_KERNEL product_too_large(int* out) { out[0] = ((int)threadIdx.x + 65536) * 32768; }
SPOS_EXPORT(product_too_large)

SPOS_KERNEL before_the_start(int* out) { out[(int)threadIdx.x - 1] = 1; }
SPOS_EXPORT(before_the_start)

SPOS_KERNEL misaligned_vector(float* out) {
    float four[4];
    load_four(four, out + 1);
    out[0] = four[3];
}
SPOS_EXPORT(misaligned_vector)
