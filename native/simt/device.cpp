// What the driver API over the emulated GPU says of it, and its settings.
#include "../driver/device.h"

#include <algorithm>
#include <cstdlib>

#include "../abi/spos_simt.h"
#include "../driver/call.h"
#include "../driver/kernel_library.h"
#include "../driver/memory_limit.h"
#include "gpu.h"

using spos::simt::Arena;
using spos::simt::Gpu;
using spos::simt::Queue;

// One call at a time; a failure stays until the context is reset.
spos::CallScope::CallScope(int device) {
    Gpu::mutex().lock();
    Gpu::begin_turn(device);
}
spos::CallScope::~CallScope() { Gpu::mutex().unlock(); }
CUresult spos::CallScope::status() const { return Queue::instance().status(); }

// SPOS_SIMT_KERNELS names another library of kernels to run.
void spos::KernelLibrary::choose() {
    const char* wanted = std::getenv("SPOS_SIMT_KERNELS");
    try_load("simt", wanted != nullptr ? wanted : own_folder() + "/libspos_kernels_simt.so");
}

namespace spos::device {

int driver_version() { return 11080; }

CUresult start(int device) {
    if (!KernelLibrary::instance().loaded()) return CUDA_ERROR_NO_DEVICE;
    return Gpu::of(device).arena.usable() ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

std::string name() { return "emulated GPU"; }

bool attribute(int, CUdevice_attribute attribute, int* value) {
    switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
            *value = 1024;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
            *value = 64;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
            *value = 0x7FFFFFFF;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
        case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
            *value = 65535;
            return true;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
            *value = static_cast<int>(simt::kMostSharedBytes);
            return true;
        case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
            *value = 32;
            return true;
        // More than one, for the partitions that ask; few, so that they stay small.
        case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
            *value = 3;
            return true;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
            *value = 7;
            return true;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
            *value = 0;
            return true;
    }
    return false;
}

size_t total_memory(int device) { return limited(Gpu::of(device).arena.bytes()); }

size_t free_memory(int device) {
    const size_t total = total_memory(device), used = Gpu::of(device).arena.used();
    return total - std::min(total, used);
}

// Streams and events stay.
void reset(int device) { Gpu::of(device).queue.reset(); }

}  // namespace spos::device

CUresult sposSimtSetSchedule(unsigned long long seed) {
    return spos::guarded([&] {
        Queue::instance().wait_for_all();
        Queue::instance().set_schedule(seed);
        return CUDA_SUCCESS;
    });
}

CUresult sposSimtSetSample(unsigned blocks) {
    return spos::guarded([&] {
        Queue::instance().wait_for_all();
        spos::simt::Executor::instance().set_sample(blocks);
        Arena::instance().allow_sparse(blocks != 0);
        return CUDA_SUCCESS;
    });
}

CUresult sposSimtGetReport(const char** text) {
    if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *text = nullptr;
    if (!spos::context_is_current()) return CUDA_SUCCESS;
    const spos::CallScope scope(spos::current_device());
    const std::string& report = Queue::instance().report();
    *text = report.empty() ? nullptr : report.c_str();
    return CUDA_SUCCESS;
}
