// What libspos_simt offers beyond the CUDA driver API: the schedule, what it found wrong,
// and work of the host on a stream.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// The seed of the order in which streams, blocks and threads of the current context's device run; 0 for the order in
// which they were issued. It can be changed while nothing runs.
SPOS_API CUresult sposSimtSetSchedule(unsigned long long seed);

// On the current context's device only so many blocks of each launch run, at least two: the first, the last, and others
// between; 0 for all, as at the start. Then a buffer of 64 KiB or more takes memory where it is touched only, reads as
// zeros where nothing was written, and may be larger than the machine's memory: for sizes that nobody could wait for.
// It can be changed while nothing runs, and buffers must not outlive it.
SPOS_API CUresult sposSimtSetSample(unsigned blocks);

// What was found wrong since the current context was last reset: the kernel, block and thread, the access, the buffer
// and the source line. Null if nothing was, or no context is current. The text stays valid until the reset.
SPOS_API CUresult sposSimtGetReport(const char** text);

typedef struct {
    CUdeviceptr start;
    size_t bytes;
    int written;
} sposSimtRange;

// Issues a function of the host to a stream, as if it were a kernel: when it runs, device memory may be touched, and
// what it says it reads and writes has been checked. It gets a copy of the context.
SPOS_API CUresult sposSimtIssue(CUstream stream, const char* name, void (*function)(void* context), const void* context,
                                size_t context_bytes, const sposSimtRange* ranges, int range_count);

#ifdef __cplusplus
}
#endif
