// Initialisation, errors, the one device (the CPU) and its primary context.
#include <sys/sysinfo.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "../abi/spos_host.h"
#include "driver.h"
#include "thread_pool.h"

namespace {

std::atomic<bool> g_initialised{false};
std::atomic<int> g_context_users{0};
CUctx_st g_primary_context;
thread_local CUcontext t_current = nullptr;

std::string cpu_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) != 0) continue;
        const size_t colon = line.find(": ");
        if (colon != std::string::npos) return line.substr(colon + 2);
    }
    return "x86-64 CPU";
}

size_t total_memory() {
    return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
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

bool spos::initialised() { return g_initialised; }
bool spos::context_is_current() { return t_current != nullptr; }

CUresult cuInit(unsigned int flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    try {
        if (!spos::KernelLibrary::instance().loaded()) return CUDA_ERROR_NO_DEVICE;
    } catch (...) {
        return CUDA_ERROR_UNKNOWN;
    }
    g_initialised = true;
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int* version) {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = 12040;
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
        std::snprintf(name, static_cast<size_t>(length), "%s", cpu_name().c_str());
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
            case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
            case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
                *value = 1;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
                *value = 0x7FFFFFFF;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
                *value = 65535;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
                *value = 1;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
            case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
            case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
                *value = 0;
                return CUDA_SUCCESS;
            case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
                *value = spos::ThreadPool::instance().threads();
                return CUDA_SUCCESS;
        }
        return CUDA_ERROR_INVALID_VALUE;
    });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return on_device(device, [&] {
        if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *bytes = total_memory();
        return CUDA_SUCCESS;
    });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return on_device(device, [&] {
        if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
        ++g_context_users;
        *context = &g_primary_context;
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

// Nothing of the host can be left in a bad state: there is no sticky error to clear.
CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return on_device(device, [] { return CUDA_SUCCESS; });
}

CUresult cuCtxSetCurrent(CUcontext context) {
    if (!g_initialised) return CUDA_ERROR_NOT_INITIALIZED;
    if (context != nullptr && (context != &g_primary_context || g_context_users == 0)) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    t_current = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize() {
    return spos::guarded([] { return CUDA_SUCCESS; });
}

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    return spos::guarded([&] {
        if (free_bytes == nullptr || total_bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
        struct sysinfo info;
        if (sysinfo(&info) != 0) return CUDA_ERROR_UNKNOWN;
        *total_bytes = total_memory();
        *free_bytes = static_cast<size_t>(info.freeram + info.bufferram) * info.mem_unit;
        return CUDA_SUCCESS;
    });
}

CUresult sposHostSetThreads(int threads) {
    constexpr int kMost = 4096;
    if (threads < 1 || threads > kMost) return CUDA_ERROR_INVALID_VALUE;
    try {
        spos::ThreadPool::instance().set_threads(threads);
    } catch (...) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return CUDA_SUCCESS;
}

CUresult sposHostGetThreads(int* threads) {
    if (threads == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *threads = spos::ThreadPool::instance().threads();
    return CUDA_SUCCESS;
}

CUresult sposHostGetInstructionSet(const char** name) {
    if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *name = spos::KernelLibrary::instance().name().c_str();
    return CUDA_SUCCESS;
}
