// What the tests of the driver libraries share.
#pragma once

#define DOCTEST_CONFIG_SUPER_FAST_ASSERTS
#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "../abi/cuda_driver.h"

#define OK(call) REQUIRE((call) == CUDA_SUCCESS)

// The primary context, current in this thread while it lives; and clean.
class Context {
 public:
    Context() {
        OK(cuInit(0));
        OK(cuDevicePrimaryCtxRetain(&context_, 0));
        OK(cuCtxSetCurrent(context_));
        OK(cuDevicePrimaryCtxReset_v2(0));
    }
    ~Context() {
        cuDevicePrimaryCtxReset_v2(0);
        cuCtxSetCurrent(nullptr);
        cuDevicePrimaryCtxRelease_v2(0);
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    CUcontext get() const { return context_; }

 private:
    CUcontext context_ = nullptr;
};
