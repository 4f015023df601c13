// Initialisation, the devices and their primary contexts.
#include "device.h"

#include <atomic>
#include <cstdio>

#include "../abi/spos_kernels.h"
#include "call.h"

namespace {

std::atomic<bool> g_initialised{false};
std::atomic<int> g_devices{1};
CUctx_st g_contexts[spos::kMostDevices];

bool is_context(CUcontext context) {
    for (const CUctx_st& own : g_contexts) {
        if (context == &own) return true;
    }
    return false;
}

template <class Body>
CUresult on_device(CUdevice device, Body&& body) noexcept {
    return spos::initialised_call(
        [&] { return device >= 0 && device < spos::device_count() ? body() : CUDA_ERROR_INVALID_DEVICE; });
}

}  // namespace

constinit thread_local CUcontext spos::t_context = nullptr;

bool spos::initialised() { return g_initialised; }
int spos::device_count() { return g_devices; }

CUresult sposSetDeviceCount(int count) {
    if (count < 1 || count > spos::kMostDevices) return CUDA_ERROR_INVALID_VALUE;
    int before = g_devices;
    while (before < count && !g_devices.compare_exchange_weak(before, count)) {
    }
    return CUDA_SUCCESS;
}

CUresult cuInit(unsigned int flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    try {
        const CUresult result = spos::device::start(0);
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
        *count = spos::device_count();
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return on_device(ordinal, [&] {
        if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *device = ordinal;
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
        if (value == nullptr || !spos::device::attribute(device, attribute, value)) return CUDA_ERROR_INVALID_VALUE;
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return on_device(device, [&] {
        if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *bytes = spos::device::total_memory(device);
        return CUDA_SUCCESS;
    });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return on_device(device, [&] {
        if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
        const CUresult result = spos::device::start(device);
        if (result != CUDA_SUCCESS) return result;
        g_contexts[device].device = device;
        ++g_contexts[device].users;
        *context = &g_contexts[device];
        return result;
    });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return on_device(device, [&] {
        std::atomic<int>& of_context = g_contexts[device].users;
        int users = of_context;
        while (users > 0 && !of_context.compare_exchange_weak(users, users - 1)) {
        }
        return users > 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
    });
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return on_device(device, [&] {
        const spos::CallScope scope(device);
        spos::device::reset(device);
        return CUDA_SUCCESS;
    });
}

CUresult cuCtxSetCurrent(CUcontext context) {
    return spos::initialised_call([&] {
        if (context != nullptr && (!is_context(context) || context->users == 0)) return CUDA_ERROR_INVALID_CONTEXT;
        spos::t_context = context;
        return CUDA_SUCCESS;
    });
}

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    return spos::guarded([&] {
        if (free_bytes == nullptr || total_bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *total_bytes = spos::device::total_memory(spos::current_device());
        *free_bytes = spos::device::free_memory(spos::current_device());
        return CUDA_SUCCESS;
    });
}
