// What libspos_simt offers beyond the CUDA driver API: the schedule, and what it found wrong.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// The seed of the order in which streams, blocks and threads run; 0 for the order in which they were issued. It can
// be changed while nothing runs.
SPOS_API CUresult sposSimtSetSchedule(unsigned long long seed);

// What was found wrong since the context was last reset: the kernel, block and thread, the access, the buffer and the
// source line. Null if nothing was. The text stays valid until the reset.
SPOS_API CUresult sposSimtGetReport(const char** text);

#ifdef __cplusplus
}
#endif
