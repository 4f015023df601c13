// What the checking driver offers beyond the CUDA driver API.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

// What was done wrong since the context was last reset, one line each. Null if nothing was. The text stays valid until
// something more is found.
SPOS_API CUresult sposCheckingGetFindings(const char** text);

// Not 0 if calls are checked but nothing is computed (SPOS_CHECKING_DRY).
SPOS_API int sposCheckingIsDry();

#ifdef __cplusplus
}
#endif
