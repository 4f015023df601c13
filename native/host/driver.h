// Shared by the files that implement the driver API over the CPU: what handles point to, and how calls are guarded.
//
// Work runs at once in the calling thread and its helpers, which is one of the orders that the asynchronous
// interface allows. So streams and events need no queue: a stream is a name, an event a time.
#pragma once

#include <chrono>
#include <mutex>
#include <new>
#include <unordered_set>

#include "../abi/cuda_driver.h"
#include "kernel_library.h"

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

// The live handles of one kind, so that a freed or foreign one is an error and not a crash.
template <class T>
class Handles {
 public:
    T* add(T* handle) {
        std::lock_guard lock(mutex_);
        live_.insert(handle);
        return handle;
    }
    bool contains(const T* handle) {
        std::lock_guard lock(mutex_);
        return live_.count(const_cast<T*>(handle)) != 0;
    }
    // True if it was live; the caller then owns it.
    bool remove(T* handle) {
        std::lock_guard lock(mutex_);
        return live_.erase(handle) != 0;
    }

 private:
    std::mutex mutex_;
    std::unordered_set<T*> live_;
};

// Never destroyed: threads may still call while the process exits.
template <class T>
Handles<T>& handles() {
    static Handles<T>* const instance = new Handles<T>;
    return *instance;
}

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
