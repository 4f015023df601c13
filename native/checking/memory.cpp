// Device memory, page-locked host memory, copies and fills.
#include <cstdint>
#include <cstring>

#include "call.h"
#include "checked_device.h"

using namespace spos::checking;

namespace {

CUresult noted(CUresult result, const CUdeviceptr* pointer, size_t bytes) {
    if (result == CUDA_SUCCESS) Ledger::instance().add(*pointer, bytes);
    return result;
}

// A call that gives a buffer back by `forward`.
template <class Forward>
CUresult give_back(const char* call, CUdeviceptr pointer, Forward&& forward) {
    return checked(call, [&](const Emulator& emulator) {
        const std::string fault = pointer == 0 ? "" : Ledger::instance().free(pointer);
        if (!fault.empty()) return found(CUDA_ERROR_INVALID_VALUE, std::string(call) + ": " + fault);
        if (!is_dry() || pointer == 0) return forward(emulator);
        return DryMemory::instance().free(pointer, Ledger::instance().bytes_of(pointer));
    });
}

// A copy or fill of device memory; each range is a pointer and its bytes.
struct Range {
    CUdeviceptr pointer;
    size_t bytes;
};

template <class Forward>
CUresult move(const char* call, std::initializer_list<Range> ranges, CUstream stream, Forward&& forward) {
    return checked(call, [&](const Emulator& emulator) {
        const Ledger& ledger = Ledger::instance();
        const std::string strange = stranger(stream);
        if (!strange.empty()) return found(CUDA_ERROR_INVALID_HANDLE, std::string(call) + " on " + strange);
        for (const Range& range : ranges) {
            const std::string fault = range.bytes == 0 ? "" : ledger.fault_of(range.pointer, range.bytes);
            if (!fault.empty()) return found(CUDA_ERROR_INVALID_VALUE, std::string(call) + ": " + fault);
        }
        return is_dry() ? CUDA_SUCCESS : forward(emulator);
    });
}

}  // namespace

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    return checked("cuMemAlloc", [&](const Emulator& emulator) {
        return noted(is_dry() ? DryMemory::instance().allocate(pointer, bytes) : emulator.cuMemAlloc_v2(pointer, bytes),
                     pointer, bytes);
    });
}

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
    return checked("cuMemAllocAsync", [&](const Emulator& emulator) {
        return noted(is_dry() ? DryMemory::instance().allocate(pointer, bytes)
                              : emulator.cuMemAllocAsync(pointer, bytes, stream),
                     pointer, bytes);
    });
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
    return give_back("cuMemFree", pointer, [&](const Emulator& emulator) { return emulator.cuMemFree_v2(pointer); });
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    return give_back("cuMemFreeAsync", pointer,
                     [&](const Emulator& emulator) { return emulator.cuMemFreeAsync(pointer, stream); });
}

CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned int flags) {
    return checked("cuMemHostAlloc", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuMemHostAlloc(pointer, bytes, flags);
        if (result == CUDA_SUCCESS) Ledger::instance().pinned[*pointer] = bytes;
        return result;
    });
}

CUresult cuMemFreeHost(void* pointer) {
    return checked("cuMemFreeHost", [&](const Emulator& emulator) {
        if (Ledger::instance().pinned.erase(pointer) == 0) {
            return found(CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost of what is no page-locked memory");
        }
        return emulator.cuMemFreeHost(pointer);
    });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream) {
    return move("cuMemcpyHtoDAsync", {{target, bytes}}, stream,
                [&](const Emulator& emulator) { return emulator.cuMemcpyHtoDAsync_v2(target, source, bytes, stream); });
}

CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream) {
    const CUresult result = move("cuMemcpyDtoHAsync", {{source, bytes}}, stream, [&](const Emulator& emulator) {
        return emulator.cuMemcpyDtoHAsync_v2(target, source, bytes, stream);
    });
    if (is_dry() && result == CUDA_SUCCESS) std::memset(target, 0, bytes);
    return result;
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return move("cuMemcpyDtoDAsync", {{target, bytes}, {source, bytes}}, stream,
                [&](const Emulator& emulator) { return emulator.cuMemcpyDtoDAsync_v2(target, source, bytes, stream); });
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream) {
    return move("cuMemsetD8Async", {{target, count}}, stream,
                [&](const Emulator& emulator) { return emulator.cuMemsetD8Async(target, value, count, stream); });
}

CUresult cuMemsetD32Async(CUdeviceptr target, unsigned int value, size_t count, CUstream stream) {
    const size_t most = SIZE_MAX / sizeof value;
    return move("cuMemsetD32Async", {{target, count > most ? SIZE_MAX : count * sizeof value}}, stream,
                [&](const Emulator& emulator) { return emulator.cuMemsetD32Async(target, value, count, stream); });
}
