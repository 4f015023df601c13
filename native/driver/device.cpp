// Initialisation, the one device and its primary context.
#include "device.h"

#include <atomic>
#include <cstdio>

#include "call.h"

namespace {

std::atomic<bool> g_initialised{false};
std::atomic<int> g_context_users{0};
thread_local CUcontext t_current = nullptr;

CUcontext primary_context() {
    static char context;
    return reinterpret_cast<CUcontext>(&context);
}

template <class Body>
CUresult on_device(CUdevice device, Body&& body) noexcept {
    return spos::initialised_call([&] { return device == 0 ? body() : CUDA_ERROR_INVALID_DEVICE; });
}

}  // namespace

bool spos::initialised() { return g_initialised; }
bool spos::context_is_current() { return t_current != nullptr && g_context_users > 0; }

CUresult cuInit(unsigned int flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    try {
        const CUresult result = spos::device::start();
        if (result == CUDA_SUCCESS) g_initialised = true;
        return result;
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
}

CUresult cuDriverGetVersion(int* version) {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = spos::device::driver_version();
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
    return spos::initialised_call([&] {
        if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *count = 1;
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return on_device(ordinal, [&] {
        if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *device = 0;
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    return on_device(device, [&] {
        if (name == nullptr || length <= 0) return CUDA_ERROR_INVALID_VALUE;
        std::snprintf(name, static_cast<size_t>(length), "%s", spos::device::name().c_str());
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
    return on_device(device, [&] {
        if (value == nullptr || !spos::device::attribute(attribute, value)) return CUDA_ERROR_INVALID_VALUE;
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return on_device(device, [&] {
        if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *bytes = spos::device::total_memory();
        return CUDA_SUCCESS;
    });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return on_device(device, [&] {
        if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
        ++g_context_users;
        *context = primary_context();
        return CUDA_SUCCESS;
    });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return on_device(device, [&] {
        int users = g_context_users;
        while (users > 0 && !g_context_users.compare_exchange_weak(users, users - 1)) {
        }
        return users > 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
    });
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return on_device(device, [] {
        const spos::CallScope scope;
        spos::device::reset();
        return CUDA_SUCCESS;
    });
}

CUresult cuCtxSetCurrent(CUcontext context) {
    return spos::initialised_call([&] {
        if (context != nullptr && (context != primary_context() || g_context_users == 0)) {
            return CUDA_ERROR_INVALID_CONTEXT;
        }
        t_current = context;
        return CUDA_SUCCESS;
    });
}

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    return spos::guarded([&] {
        if (free_bytes == nullptr || total_bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *total_bytes = spos::device::total_memory();
        *free_bytes = spos::device::free_memory();
        return CUDA_SUCCESS;
    });
}
