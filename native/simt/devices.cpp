// Initialisation, the one emulated device and its primary context.
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "../abi/spos_simt.h"
#include "../driver/kernel_library.h"
#include "arena.h"
#include "queue.h"

namespace {

std::atomic<bool> g_initialised{false};
std::atomic<int> g_context_users{0};
thread_local CUcontext t_current = nullptr;

CUcontext primary_context() {
    static char context;
    return reinterpret_cast<CUcontext>(&context);
}

// A call that needs cuInit and device 0 but no context.
template <class Body>
CUresult on_device(CUdevice device, Body&& body) noexcept {
    if (!g_initialised) return CUDA_ERROR_NOT_INITIALIZED;
    if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
    try {
        return body();
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
}

}  // namespace

bool spos::simt::initialised() { return g_initialised; }
bool spos::simt::context_is_current() { return t_current != nullptr; }

// SPOS_SIMT_KERNELS names another library of kernels to run.
void spos::KernelLibrary::choose() {
    const char* wanted = std::getenv("SPOS_SIMT_KERNELS");
    try_load("simt", wanted != nullptr ? wanted : own_folder() + "/libspos_kernels_simt.so");
}

using spos::simt::Arena;
using spos::simt::Queue;

CUresult cuInit(unsigned int flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    try {
        if (!spos::KernelLibrary::instance().loaded()) return CUDA_ERROR_NO_DEVICE;
        if (!Arena::instance().usable()) return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
    g_initialised = true;
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int* version) {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = 11080;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
    if (!g_initialised) return CUDA_ERROR_NOT_INITIALIZED;
    if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *count = 1;
    return CUDA_SUCCESS;
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
        std::snprintf(name, static_cast<size_t>(length), "emulated GPU");
        return CUDA_SUCCESS;
    });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
    return on_device(device, [&] {
        if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
        switch (attribute) {
            case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
            case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
            case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
                *value = 1024;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
                *value = 64;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
                *value = 0x7FFFFFFF;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
                *value = 65535;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
                *value = static_cast<int>(spos::simt::kMostSharedBytes);
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
                *value = 32;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
                *value = 1;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
                *value = 7;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
                *value = 0;
                return CUDA_SUCCESS;
        }
        return CUDA_ERROR_INVALID_VALUE;
    });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return on_device(device, [&] {
        if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *bytes = Arena::kBytes;
        return CUDA_SUCCESS;
    });
}

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    return spos::simt::guarded([&](Queue&) {
        if (free_bytes == nullptr || total_bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *total_bytes = Arena::kBytes;
        *free_bytes = Arena::kBytes - Arena::instance().used();
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

// Frees all device memory and forgets what went wrong; streams and events stay.
CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return on_device(device, [&] {
        std::lock_guard lock(Queue::instance().mutex());
        Queue::instance().reset();
        return CUDA_SUCCESS;
    });
}

CUresult cuCtxSetCurrent(CUcontext context) {
    if (!g_initialised) return CUDA_ERROR_NOT_INITIALIZED;
    if (context != nullptr && (context != primary_context() || g_context_users == 0)) return CUDA_ERROR_INVALID_CONTEXT;
    t_current = context;
    return CUDA_SUCCESS;
}

CUresult sposSimtSetSchedule(unsigned long long seed) {
    return spos::simt::guarded([&](Queue& queue) {
        queue.wait_for_all();
        queue.set_schedule(seed);
        return CUDA_SUCCESS;
    });
}

CUresult sposSimtGetReport(const char** text) {
    if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(Queue::instance().mutex());
    const std::string& report = Queue::instance().report();
    *text = report.empty() ? nullptr : report.c_str();
    return CUDA_SUCCESS;
}
