// An emulated GPU: real blocks of threads, each a fibre, in warps of 32. Kernel files are compiled by g++ with its
// thread sanitizer's instrumentation, whose calls native/simt answers: each access to memory is checked there.
#pragma once

#include "gcc.h"

#define SPOS_HOST 0
// Each place that declares an array gets its own piece of the block's shared memory.
#define SPOS_SHARED(type, name, count) \
    static const int name##_place = 0; \
    type* const name = (type*)spos_simt::shared_memory(&name##_place, #name, sizeof(type) * (count), __LINE__)
#define SPOS_SHARED_DYNAMIC(type, name) type* const name = (type*)spos_simt::dynamic_shared_memory()

constexpr int kMostThreads = 256;
constexpr int kWarpThreads = 32;

#include "simt_runtime.h"

namespace spos_simt {

template <class T>
inline T shuffled(char kind, uint32_t mask, T value, int lane, int line) {
    static_assert(sizeof(T) <= 8);
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    bits = shuffle(kind, mask, bits, lane, line);
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}

template <class T>
__attribute__((noinline, no_sanitize("thread"))) T add_atomically(T* address, T value) {
    check_atomic(address, sizeof(T));
    const T old = *(volatile T*)address;
    *(volatile T*)address = old + value;
    return old;
}

}  // namespace spos_simt

#define threadIdx spos_simt::thread_index
#define blockIdx spos_simt::block_index
#define blockDim spos_simt::block_size
#define gridDim spos_simt::grid_size

#define __syncthreads() spos_simt::barrier(__LINE__)
#define __syncwarp(mask) spos_simt::warp_barrier(mask, __LINE__)
#define __shfl_sync(mask, value, lane) spos_simt::shuffled('i', mask, value, lane, __LINE__)
#define __shfl_down_sync(mask, value, delta) spos_simt::shuffled('d', mask, value, delta, __LINE__)
#define __shfl_up_sync(mask, value, delta) spos_simt::shuffled('u', mask, value, delta, __LINE__)
#define __shfl_xor_sync(mask, value, bits) spos_simt::shuffled('x', mask, value, bits, __LINE__)
#define __ballot_sync(mask, predicate) spos_simt::ballot(mask, predicate, __LINE__)
#define __any_sync(mask, predicate) (spos_simt::ballot(mask, predicate, __LINE__) != 0)
#define __all_sync(mask, predicate) (spos_simt::ballot(mask, !(predicate), __LINE__) == 0)
#define mma_bf16(d, a, b) spos_simt::multiply_fragments(d, a, b, __LINE__)
#define atomicAdd(address, value) spos_simt::add_atomically(address, value)

namespace {

inline void spos_set_block(unsigned, unsigned, unsigned, unsigned) {}

// The access is checked as a whole: not a second time, value by value.
template <int Count, class T>
__attribute__((noinline, no_sanitize("thread"))) void copy_all(T* target, const T* source) {
    for (int i = 0; i < Count; ++i) target[i] = source[i];
}

// Four neighbouring values in one access, or two, for which p is aligned.
template <int Count, class T>
__forceinline__ void load_vector(T (&target)[Count], const T* p) {
    spos_simt::check_vector(p, sizeof(target), false);
    copy_all<Count>(target, p);
}

template <int Count, class T>
__forceinline__ void store_vector(T* p, const T (&values)[Count]) {
    spos_simt::check_vector(p, sizeof(values), true);
    copy_all<Count>(p, values);
}

template <class T>
__forceinline__ void load_four(T (&target)[4], const T* p) {
    load_vector(target, p);
}
template <class T>
__forceinline__ void store_four(T* p, const T (&values)[4]) {
    store_vector(p, values);
}
template <class T>
__forceinline__ void load_two(T (&target)[2], const T* p) {
    load_vector(target, p);
}
template <class T>
__forceinline__ void store_two(T* p, const T (&values)[2]) {
    store_vector(p, values);
}

#include "scalar_dct.h"
#include "scalar_lane.h"
#include "scalar_pixels.h"

}  // namespace

#include "kernel_export.h"
