// Shared by the files that implement the driver API over the CPU: what handles point to, and how calls are guarded.
//
// Work runs at once in the calling thread and its helpers, which is one of the orders that the asynchronous
// interface allows. So streams and events need no queue: a stream is a name, an event a time.
#pragma once

#include <chrono>
#include <new>

#include "../abi/cuda_driver.h"
#include "../driver/handles.h"
#include "../driver/kernel_library.h"

struct CUctx_st {};

struct CUmod_st {
    const char* name;
};

struct CUfunc_st {
    const SposKernelEntry* kernel;
};

struct CUstream_st {};

struct CUevent_st {
    std::chrono::steady_clock::time_point time;
    bool recorded = false;
};

namespace spos {

bool initialised();
bool context_is_current();

// The null stream, or one that cuStreamCreate gave.
inline bool is_stream(CUstream stream) { return stream == nullptr || handles<CUstream_st>().contains(stream); }

// Runs a call that needs a current context, and lets no exception out.
template <class Body>
CUresult guarded(Body&& body) noexcept {
    if (!initialised()) return CUDA_ERROR_NOT_INITIALIZED;
    if (!context_is_current()) return CUDA_ERROR_INVALID_CONTEXT;
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
}

}  // namespace spos
