// What libspos_host and libspos_simt offer beyond the CUDA driver API: the list of the kernels they hold.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// All kernels, in the order of their names, with the number and the sizes in bytes of their parameters; module and
// kernel are null once index is past the last.
SPOS_API CUresult sposGetKernel(int index, const char** module, const char** kernel, int* parameter_count,
                                const int** parameter_sizes);

#ifdef __cplusplus
}
#endif
