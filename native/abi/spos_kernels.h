// What libspos_host and libspos_simt both offer beyond the CUDA driver API: the list of the kernels they hold, and a
// limit of the memory that they give out.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// All kernels, in the order of their names, with the number and the sizes in bytes of their parameters; module and
// kernel are null once index is past the last.
SPOS_API CUresult sposGetKernel(int index, const char** module, const char** kernel, int* parameter_count,
                                const int** parameter_sizes);

// The most bytes of device memory that may be allocated at once; 0 for all that the device has, as at the start. What
// is allocated already stays. cuDeviceTotalMem and cuMemGetInfo tell the limit where it is below what the device has.
SPOS_API CUresult sposSetMemoryLimit(size_t bytes);

#ifdef __cplusplus
}
#endif
