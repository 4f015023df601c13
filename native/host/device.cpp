// What the driver API over the CPU says of the CPU, and its settings.
#include "../driver/device.h"

#include <fstream>

#include "../abi/spos_host.h"
#include "../driver/call.h"
#include "../driver/kernel_library.h"
#include "thread_pool.h"

// Calls hold nothing, and no failure stays.
spos::CallScope::CallScope(int) {}
spos::CallScope::~CallScope() {}
CUresult spos::CallScope::status() const { return CUDA_SUCCESS; }

namespace spos::device {

int driver_version() { return 12040; }

CUresult start(int) { return KernelLibrary::instance().loaded() ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE; }

std::string name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) != 0) continue;
        const size_t colon = line.find(": ");
        if (colon != std::string::npos) return line.substr(colon + 2);
    }
    return "x86-64 CPU";
}

bool attribute(int device, CUdevice_attribute attribute, int* value) {
    switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
        case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
            *value = 1;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
            *value = 0x7FFFFFFF;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
            *value = 65535;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
            *value = 1;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
            *value = 0;
            return true;
        case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
            *value = ThreadPool::of(device).threads();
            return true;
    }
    return false;
}

}  // namespace spos::device

namespace {

bool is_device(CUdevice device) { return device >= 0 && device < spos::device_count(); }

}  // namespace

CUresult sposHostSetThreads(CUdevice device, int threads) {
    constexpr int kMost = 4096;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (threads < 1 || threads > kMost) return CUDA_ERROR_INVALID_VALUE;
    try {
        spos::ThreadPool::of(device).set_threads(threads);
    } catch (...) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return CUDA_SUCCESS;
}

CUresult sposHostGetThreads(CUdevice device, int* threads) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (threads == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *threads = spos::ThreadPool::of(device).threads();
    return CUDA_SUCCESS;
}

CUresult sposHostGetInstructionSet(const char** name) {
    if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *name = spos::KernelLibrary::instance().name().c_str();
    return CUDA_SUCCESS;
}
