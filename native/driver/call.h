// How each call of the driver API is let in: with a current context, and with no exception let out.
#pragma once

#include <new>

#include "../abi/cuda_driver.h"
#include "device.h"

namespace spos {

bool initialised();

// What a driver holds while a call to a device runs, and whether an earlier failure bars it. Each driver has its own.
class CallScope {
 public:
    explicit CallScope(int device);
    ~CallScope();
    CallScope(const CallScope&) = delete;
    CallScope& operator=(const CallScope&) = delete;

    CUresult status() const;
};

// A call that needs cuInit but no context.
template <class Body>
CUresult initialised_call(Body&& body) noexcept {
    if (!initialised()) return CUDA_ERROR_NOT_INITIALIZED;
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
}

// A call that needs a current context too. What goes wrong while it runs is its result.
template <class Body>
CUresult guarded(Body&& body) noexcept {
    return initialised_call([&] {
        if (!context_is_current()) return CUDA_ERROR_INVALID_CONTEXT;
        const CallScope scope(current_device());
        if (scope.status() != CUDA_SUCCESS) return scope.status();
        const CUresult result = body();
        return scope.status() != CUDA_SUCCESS ? scope.status() : result;
    });
}

}  // namespace spos
