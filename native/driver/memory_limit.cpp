#include "memory_limit.h"

#include <algorithm>
#include <atomic>

#include "../abi/spos_kernels.h"

namespace {

// 0 for none.
std::atomic<size_t> g_limit{0};

}  // namespace

size_t spos::limited(size_t bytes) {
    const size_t limit = g_limit;
    return limit == 0 ? bytes : std::min(limit, bytes);
}

CUresult sposSetMemoryLimit(size_t bytes) {
    g_limit = bytes;
    return CUDA_SUCCESS;
}
