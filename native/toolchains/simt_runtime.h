// What kernels built for the emulator ask of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace spos_simt {

struct Index3 {
    unsigned x, y, z;
};

// Of the thread that runs; the emulator sets them when it changes threads.
extern Index3 thread_index, block_index, block_size, grid_size;

void* shared_memory(const void* place, const char* name, size_t bytes, int line);
void* dynamic_shared_memory();
void barrier(int line);
void warp_barrier(uint32_t mask, int line);
// kind: 'i' index, 'd' down, 'u' up, 'x' xor, as __shfl_sync and its relatives.
uint64_t shuffle(char kind, uint32_t mask, uint64_t value, int lane, int line);
uint32_t ballot(uint32_t mask, bool predicate, int line);
// d += a * b for the warp (mma_bf16 of nvrtc.h).
void multiply_fragments(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line);
// Checks one access as a whole, where g++ would split it.
void check_vector(const void* address, unsigned bytes, bool write);
// Checks an atomic read-modify-write.
void check_atomic(const void* address, unsigned bytes);

}  // namespace spos_simt
