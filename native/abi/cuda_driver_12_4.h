// What drivers of CUDA 12.4 and later offer beyond cuda_driver.h. It is used where it is there.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// Where a parameter of a kernel lies and how many bytes it has; an invalid value once the index is past the last.
SPOS_API CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes);

#ifdef __cplusplus
}
#endif
