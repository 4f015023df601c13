// Device memory is ordinary memory here, aligned to cache lines, and to huge pages where it is large.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <mutex>

#include "../driver/device.h"
#include "driver.h"

namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

void* allocate(size_t bytes) {
    const size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
    if (bytes > SIZE_MAX - alignment) return nullptr;
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, rounded);
    if (memory != nullptr && alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

// Live allocations of one kind, so that freeing or copying anything else is an error.
class Allocations {
 public:
    CUresult take(void** pointer, size_t bytes) {
        if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
        void* memory = allocate(bytes);
        if (memory == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
        std::lock_guard lock(mutex_);
        sizes_[reinterpret_cast<uintptr_t>(memory)] = bytes;
        *pointer = memory;
        return CUDA_SUCCESS;
    }

    CUresult give_back(void* pointer) {
        {
            std::lock_guard lock(mutex_);
            if (sizes_.erase(reinterpret_cast<uintptr_t>(pointer)) == 0) return CUDA_ERROR_INVALID_VALUE;
        }
        std::free(pointer);
        return CUDA_SUCCESS;
    }

    void free_all() {
        std::lock_guard lock(mutex_);
        for (const auto& [start, size] : sizes_) std::free(reinterpret_cast<void*>(start));
        sizes_.clear();
    }

    // Whether one allocation holds all of the range.
    bool hold(uintptr_t address, size_t bytes) {
        std::lock_guard lock(mutex_);
        auto after = sizes_.upper_bound(address);
        if (after == sizes_.begin()) return false;
        const auto& [start, size] = *--after;
        return bytes <= size && address - start <= size - bytes;
    }

 private:
    std::mutex mutex_;
    std::map<uintptr_t, size_t> sizes_;
};

// Never destroyed: threads may still call while the process exits.
Allocations& device_memory() {
    static Allocations* const instance = new Allocations;
    return *instance;
}

Allocations& pinned_memory() {
    static Allocations* const instance = new Allocations;
    return *instance;
}

void* as_memory(CUdeviceptr pointer) { return reinterpret_cast<void*>(pointer); }

// A copy or fill on a stream that touches the ranges given, all of them device memory.
template <class Body>
CUresult on_memory(CUstream stream, std::initializer_list<CUdeviceptr> ranges, size_t bytes, Body&& body) noexcept {
    return spos::guarded([&] {
        if (!spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        if (bytes == 0) return CUDA_SUCCESS;
        for (CUdeviceptr range : ranges) {
            if (!device_memory().hold(range, bytes)) return CUDA_ERROR_INVALID_VALUE;
        }
        return body();
    });
}

CUresult copy(void* target, const void* source, size_t bytes) {
    if (target == nullptr || source == nullptr) return CUDA_ERROR_INVALID_VALUE;
    std::memmove(target, source, bytes);
    return CUDA_SUCCESS;
}

}  // namespace

void spos::device::reset() { device_memory().free_all(); }

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    return spos::guarded([&] {
        void* memory = nullptr;
        if (pointer == nullptr) return CUDA_ERROR_INVALID_VALUE;
        const CUresult result = device_memory().take(&memory, bytes);
        if (result == CUDA_SUCCESS) *pointer = reinterpret_cast<CUdeviceptr>(memory);
        return result;
    });
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
    return spos::guarded([&] { return pointer == 0 ? CUDA_SUCCESS : device_memory().give_back(as_memory(pointer)); });
}

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
    return spos::is_stream(stream) ? cuMemAlloc_v2(pointer, bytes) : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    return spos::is_stream(stream) ? cuMemFree_v2(pointer) : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned int) {
    return spos::guarded([&] { return pinned_memory().take(pointer, bytes); });
}

CUresult cuMemFreeHost(void* pointer) {
    return spos::guarded([&] { return pinned_memory().give_back(pointer); });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream) {
    return on_memory(stream, {target}, bytes, [&] { return copy(as_memory(target), source, bytes); });
}

CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return on_memory(stream, {source}, bytes, [&] { return copy(target, as_memory(source), bytes); });
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return on_memory(stream, {target, source}, bytes,
                     [&] { return copy(as_memory(target), as_memory(source), bytes); });
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream) {
    return on_memory(stream, {target}, count, [&] {
        std::memset(as_memory(target), value, count);
        return CUDA_SUCCESS;
    });
}

CUresult cuMemsetD32Async(CUdeviceptr target, unsigned int value, size_t count, CUstream stream) {
    if (count > SIZE_MAX / sizeof value || target % sizeof value != 0) return CUDA_ERROR_INVALID_VALUE;
    return on_memory(stream, {target}, count * sizeof value, [&] {
        std::fill_n(static_cast<unsigned int*>(as_memory(target)), count, value);
        return CUDA_SUCCESS;
    });
}
