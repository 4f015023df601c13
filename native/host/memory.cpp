// Device memory is ordinary memory here, aligned to cache lines, and to huge pages where it is large.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

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

// Kinds of allocation: their live pointers are kept apart, so that freeing anything else is an error.
struct DeviceMemory {};
struct PinnedMemory {};

CUdeviceptr as_pointer(const void* memory) { return reinterpret_cast<CUdeviceptr>(memory); }

template <class Kind>
CUresult take(void** pointer, size_t bytes) {
    if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    void* memory = allocate(bytes);
    if (memory == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
    spos::handles<Kind>().add(static_cast<Kind*>(memory));
    *pointer = memory;
    return CUDA_SUCCESS;
}

template <class Kind>
CUresult give_back(void* pointer) {
    if (!spos::handles<Kind>().remove(static_cast<Kind*>(pointer))) return CUDA_ERROR_INVALID_VALUE;
    std::free(pointer);
    return CUDA_SUCCESS;
}

CUresult copy(void* target, const void* source, size_t bytes, CUstream stream) noexcept {
    return spos::guarded([&] {
        if (!spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        if (bytes == 0) return CUDA_SUCCESS;
        if (target == nullptr || source == nullptr) return CUDA_ERROR_INVALID_VALUE;
        std::memmove(target, source, bytes);
        return CUDA_SUCCESS;
    });
}

void* as_memory(CUdeviceptr pointer) { return reinterpret_cast<void*>(pointer); }

}  // namespace

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    return spos::guarded([&] {
        void* memory = nullptr;
        if (pointer == nullptr) return CUDA_ERROR_INVALID_VALUE;
        const CUresult result = take<DeviceMemory>(&memory, bytes);
        if (result == CUDA_SUCCESS) *pointer = as_pointer(memory);
        return result;
    });
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
    return spos::guarded([&] { return pointer == 0 ? CUDA_SUCCESS : give_back<DeviceMemory>(as_memory(pointer)); });
}

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
    return spos::is_stream(stream) ? cuMemAlloc_v2(pointer, bytes) : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    return spos::is_stream(stream) ? cuMemFree_v2(pointer) : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned int) {
    return spos::guarded([&] { return take<PinnedMemory>(pointer, bytes); });
}

CUresult cuMemFreeHost(void* pointer) {
    return spos::guarded([&] { return give_back<PinnedMemory>(pointer); });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream) {
    return copy(as_memory(target), source, bytes, stream);
}

CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return copy(target, as_memory(source), bytes, stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return copy(as_memory(target), as_memory(source), bytes, stream);
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream) {
    return spos::guarded([&] {
        if (!spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        if (count == 0) return CUDA_SUCCESS;
        if (target == 0) return CUDA_ERROR_INVALID_VALUE;
        std::memset(as_memory(target), value, count);
        return CUDA_SUCCESS;
    });
}

CUresult cuMemsetD32Async(CUdeviceptr target, unsigned int value, size_t count, CUstream stream) {
    return spos::guarded([&] {
        if (!spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        if (count == 0) return CUDA_SUCCESS;
        if (target == 0 || target % sizeof value != 0) return CUDA_ERROR_INVALID_VALUE;
        unsigned int* words = static_cast<unsigned int*>(as_memory(target));
        for (size_t i = 0; i < count; ++i) words[i] = value;
        return CUDA_SUCCESS;
    });
}
