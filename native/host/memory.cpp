// Device memory is ordinary memory here, aligned to cache lines, and to huge pages where it is large.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../driver/device.h"
#include "../driver/memory_limit.h"
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

size_t physical_memory() {
    static const size_t bytes =
        static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
    return bytes;
}

// The memory of all devices: no more than there is. The system would promise more, and end the program when it cannot
// keep the promise.
class Machine {
 public:
    bool take(size_t bytes) {
        const size_t before = used_.fetch_add(bytes);
        if (before <= physical_memory() && bytes <= physical_memory() - before) return true;
        give_back(bytes);
        return false;
    }
    void give_back(size_t bytes) { used_ -= bytes; }

 private:
    std::atomic<size_t> used_{0};
};

Machine g_machine;

// Live allocations of one kind, so that freeing or copying anything else is an error.
class Allocations {
 public:
    // A device's together take at most what is set as the limit; page-locked memory is the host's affair.
    explicit Allocations(bool of_device) : of_device_(of_device) {}

    CUresult take(void** pointer, size_t bytes) {
        if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
        std::lock_guard lock(mutex_);
        const size_t most = limit();
        if (used_ > most || bytes > most - used_) return CUDA_ERROR_OUT_OF_MEMORY;
        if (of_device_ && !g_machine.take(bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
        void* memory = allocate(bytes);
        if (memory == nullptr) {
            if (of_device_) g_machine.give_back(bytes);
            return CUDA_ERROR_OUT_OF_MEMORY;
        }
        sizes_[reinterpret_cast<uintptr_t>(memory)] = bytes;
        used_ += bytes;
        *pointer = memory;
        return CUDA_SUCCESS;
    }

    CUresult give_back(void* pointer) {
        {
            std::lock_guard lock(mutex_);
            const auto found = sizes_.find(reinterpret_cast<uintptr_t>(pointer));
            if (found == sizes_.end()) return CUDA_ERROR_INVALID_VALUE;
            release(found->second);
            sizes_.erase(found);
        }
        std::free(pointer);
        return CUDA_SUCCESS;
    }

    void free_all() {
        std::lock_guard lock(mutex_);
        for (const auto& [start, size] : sizes_) std::free(reinterpret_cast<void*>(start));
        sizes_.clear();
        release(used_);
    }

    size_t limit() const { return of_device_ ? spos::limited(physical_memory()) : SIZE_MAX; }

    size_t used() {
        std::lock_guard lock(mutex_);
        return used_;
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
    void release(size_t bytes) {
        used_ -= bytes;
        if (of_device_) g_machine.give_back(bytes);
    }

    const bool of_device_;
    size_t used_ = 0;
    std::mutex mutex_;
    std::map<uintptr_t, size_t> sizes_;
};

// What the system could still give without swapping; all there is if it does not tell.
size_t available_memory() {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("MemAvailable:", 0) == 0) return std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
    }
    return physical_memory();
}

// Never destroyed: threads may still call while the process exits.
Allocations& device_memory(int device) {
    static const std::vector<Allocations*>* const all = [] {
        auto* made = new std::vector<Allocations*>;
        for (int i = 0; i < spos::kMostDevices; ++i) made->push_back(new Allocations(true));
        return made;
    }();
    return *(*all)[static_cast<size_t>(device)];
}

// Of the current context.
Allocations& device_memory() { return device_memory(spos::current_device()); }

Allocations& pinned_memory() {
    static Allocations* const instance = new Allocations(false);
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

void spos::device::reset(int device) { device_memory(device).free_all(); }
size_t spos::device::total_memory(int device) { return device_memory(device).limit(); }

size_t spos::device::free_memory(int device) {
    const size_t limit = device_memory(device).limit(), used = device_memory(device).used();
    return std::min(limit - std::min(limit, used), available_memory());
}

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
