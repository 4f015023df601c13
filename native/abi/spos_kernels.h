// What libspos_host and libspos_simt both offer beyond the CUDA driver API: the list of the kernels they hold, how many
// devices there are, and a limit of the memory that they give out.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// All kernels, in the order of their names, with the number and the sizes in bytes of their parameters; module and
// kernel are null once index is past the last.
SPOS_API CUresult sposGetKernel(int index, const char** module, const char** kernel, int* parameter_count,
                                const int** parameter_sizes);

// How many devices there are from now on: 1 to 16, and never fewer than before; 1 at the start. They are alike, and
// have nothing in common but the machine.
SPOS_API CUresult sposSetDeviceCount(int count);

// The most bytes of memory that each device may have allocated at once; 0 for all that it has, as at the start. What is
// allocated already stays. cuDeviceTotalMem and cuMemGetInfo tell the limit where it is below what the device has.
SPOS_API CUresult sposSetMemoryLimit(size_t bytes);

#ifdef __cplusplus
}
#endif
