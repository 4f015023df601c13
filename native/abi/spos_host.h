// What libspos_host offers beyond the CUDA driver API: settings of the CPU that a GPU has no word for.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// Threads that run a device's blocks, the calling one included; at least 1. Each device has helpers of its own. At the
// start they are the cores that the process may run on, divided among the devices. Results do not depend on it.
SPOS_API CUresult sposHostSetThreads(CUdevice device, int threads);
SPOS_API CUresult sposHostGetThreads(CUdevice device, int* threads);

// The instruction set whose kernels are in use: "avx512", "avx2" or "x86-64".
SPOS_API CUresult sposHostGetInstructionSet(const char** name);

// A launch of a sequence. Its arguments are numbers of the sequence from first_value on, 8 bytes each.
typedef struct SposLaunch {
    CUfunction function;
    unsigned int grid_x, grid_y;
    unsigned int first_value;
} SposLaunch;

// A number of a sequence that is an address: so many bytes further for each image, and for each thread.
typedef struct SposAddress {
    unsigned int value;
    unsigned long long bytes_per_image, bytes_per_thread;
} SposAddress;

// Launches that do all of the work on a few images.
typedef struct SposSequence {
    const SposLaunch* launches;
    const unsigned long long* values;
    const SposAddress* addresses;
    unsigned int launch_count, value_count, address_count;
} SposSequence;

// Does a sequence for each `images_at_once` of `images`; the last ones may be done twice. A thread takes images through
// all launches, so that what one makes is in its cache for the next; as many threads as `most_threads` do so, since no
// more have memory. Every address of a launch is either the same for all, or bytes_per_thread apart, or its images'.
SPOS_API CUresult sposHostRunByImage(const SposSequence* sequence, unsigned int images, unsigned int images_at_once,
                                     unsigned int most_threads, CUstream stream);

#ifdef __cplusplus
}
#endif
