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

#ifdef __cplusplus
}
#endif
