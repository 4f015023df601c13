// Device memory, page-locked host memory, copies and fills.
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "../abi/spos_simt.h"
#include "../driver/memory_limit.h"
#include "arena.h"
#include "queue.h"

namespace spos::simt {
namespace {

// Page-locked memory. Copies that have not run yet hold its token.
struct Pinned {
    size_t bytes;
    std::shared_ptr<int> token;
};

std::map<uintptr_t, Pinned>& pinned() {
    static auto* const ranges = new std::map<uintptr_t, Pinned>;
    return *ranges;
}

// The token of the page-locked memory that holds all of the range; null if none does.
std::shared_ptr<int> pinned_token(const void* memory, size_t bytes) {
    const auto address = reinterpret_cast<uintptr_t>(memory);
    auto after = pinned().upper_bound(address);
    if (after == pinned().begin()) return nullptr;
    const auto& [start, range] = *--after;
    const bool holds = address - start <= range.bytes && bytes <= range.bytes - (address - start);
    return holds ? range.token : nullptr;
}

// FNV-1a (Fowler, Noll, Vo): enough to see that host memory changed while a copy from it was pending.
uint64_t fingerprint(const void* memory, size_t bytes) {
    uint64_t hash = 0xCBF29CE484222325ull;
    for (size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const uint8_t*>(memory)[i]) * 0x100000001B3ull;
    return hash;
}

Failure checked(const char* call, uintptr_t address, size_t bytes, bool write) {
    const std::string wrong = AccessLog::instance().check_range(address, bytes, write);
    if (wrong.empty()) return {};
    return {CUDA_ERROR_ILLEGAL_ADDRESS, std::string(call) + " of " + std::to_string(bytes) + " bytes: " + wrong};
}

bool is_device(CUdeviceptr pointer, size_t bytes) { return Arena::instance().holder(pointer, bytes) != 0; }
void* memory_of(CUdeviceptr pointer) { return reinterpret_cast<void*>(pointer); }

CUresult fill(CUdeviceptr target, const void* pattern, size_t width, size_t count, CUstream stream, const char* call) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (count == 0) return CUDA_SUCCESS;
        if (count > Arena::kSparseBytes || target % width != 0 || !is_device(target, count * width))
            return CUDA_ERROR_INVALID_VALUE;
        std::vector<uint8_t> bytes(width);
        std::memcpy(bytes.data(), pattern, width);
        queue.issue(stream, call, [=] {
            Failure failure = checked(call, target, count * width, true);
            for (size_t i = 0; failure.code == CUDA_SUCCESS && i < count; ++i) {
                std::memcpy(memory_of(target + i * width), bytes.data(), width);
            }
            return failure;
        });
        return CUDA_SUCCESS;
    });
}

}  // namespace
}  // namespace spos::simt

using namespace spos::simt;

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
        if (const CUresult refused = queue.refuse_capture(stream); refused != CUDA_SUCCESS) return refused;
        Arena& arena = Arena::instance();
        const auto fits = [&] {
            const size_t most = spos::limited(arena.bytes());
            return arena.used() <= most && bytes <= most - arena.used();
        };
        // What has been given back, but whose freeing has not run yet, must not be missing.
        if (!fits()) queue.wait_for_all();
        const uintptr_t address = fits() ? arena.allocate(bytes) : 0;
        if (address == 0) return CUDA_ERROR_OUT_OF_MEMORY;
        *pointer = address;
        return CUDA_SUCCESS;
    });
}

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) { return cuMemAllocAsync(pointer, bytes, nullptr); }

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (const CUresult refused = queue.refuse_capture(stream); refused != CUDA_SUCCESS) return refused;
        if (Arena::instance().holder(pointer, 0) != pointer || pointer == 0) return CUDA_ERROR_INVALID_VALUE;
        queue.issue(stream, "cuMemFreeAsync", [=] {
            uintptr_t start = 0;
            const Buffer* buffer = Arena::instance().nearest(pointer, &start);
            if (buffer == nullptr || start != pointer || buffer->freed) {
                return Failure{CUDA_ERROR_INVALID_VALUE, "cuMemFreeAsync: the buffer was freed twice"};
            }
            // What uses it must come before, so it counts as a write.
            Failure failure;
            if (!buffer->sparse) failure = checked("cuMemFreeAsync", pointer, buffer->bytes, true);
            if (failure.code == CUDA_SUCCESS) Arena::instance().release(pointer);
            return failure;
        });
        return CUDA_SUCCESS;
    });
}

// As NVIDIA's driver does, it waits for the work that is pending.
CUresult cuMemFree_v2(CUdeviceptr pointer) {
    return guarded([&](Queue& queue) {
        if (pointer == 0) return CUDA_SUCCESS;
        queue.wait_for_all();
        return Arena::instance().release(pointer) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    });
}

CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned int) {
    return guarded([&](Queue&) {
        if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
        void* memory = std::malloc(bytes);
        if (memory == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
        pinned()[reinterpret_cast<uintptr_t>(memory)] = {bytes, std::make_shared<int>()};
        *pointer = memory;
        return CUDA_SUCCESS;
    });
}

CUresult cuMemFreeHost(void* pointer) {
    return guarded([&](Queue& queue) {
        const auto found = pinned().find(reinterpret_cast<uintptr_t>(pointer));
        if (found == pinned().end()) return CUDA_ERROR_INVALID_VALUE;
        if (found->second.token.use_count() > 1) {
            queue.fail({CUDA_ERROR_LAUNCH_FAILED, "cuMemFreeHost: a copy of the memory has not run yet"});
            return CUDA_ERROR_LAUNCH_FAILED;
        }
        pinned().erase(found);
        std::free(pointer);
        return CUDA_SUCCESS;
    });
}

// Page-locked memory is read when the copy runs; other memory is staged at once, as the driver may do.
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (const CUresult refused = queue.refuse_capture(stream); refused != CUDA_SUCCESS) return refused;
        if (bytes == 0) return CUDA_SUCCESS;
        if (source == nullptr || !is_device(target, bytes)) return CUDA_ERROR_INVALID_VALUE;
        const std::shared_ptr<int> direct = pinned_token(source, bytes);
        const uint64_t expected = direct ? fingerprint(source, bytes) : 0;
        std::vector<uint8_t> staged;
        if (!direct) staged.assign(static_cast<const uint8_t*>(source), static_cast<const uint8_t*>(source) + bytes);
        queue.issue(stream, "cuMemcpyHtoDAsync", [=, staged = std::move(staged)] {
            if (direct && fingerprint(source, bytes) != expected) {
                return Failure{CUDA_ERROR_LAUNCH_FAILED,
                               "cuMemcpyHtoDAsync: the host memory was changed before the copy had run"};
            }
            Failure failure = checked("cuMemcpyHtoDAsync", target, bytes, true);
            if (failure.code == CUDA_SUCCESS) std::memcpy(memory_of(target), direct ? source : staged.data(), bytes);
            return failure;
        });
        return CUDA_SUCCESS;
    });
}

// Page-locked memory is written when the copy runs, and until then holds nothing of use; for other memory the call
// waits.
CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (const CUresult refused = queue.refuse_capture(stream); refused != CUDA_SUCCESS) return refused;
        if (bytes == 0) return CUDA_SUCCESS;
        if (target == nullptr || !is_device(source, bytes)) return CUDA_ERROR_INVALID_VALUE;
        const std::shared_ptr<int> direct = pinned_token(target, bytes);
        if (direct) std::memset(target, 0xFF, bytes);
        const auto copy = queue.issue(stream, "cuMemcpyDtoHAsync", [target, source, bytes, direct] {
            Failure failure = checked("cuMemcpyDtoHAsync", source, bytes, false);
            if (failure.code == CUDA_SUCCESS) std::memcpy(target, memory_of(source), bytes);
            return failure;
        });
        if (!direct) queue.wait_for(copy);
        return CUDA_SUCCESS;
    });
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (bytes == 0) return CUDA_SUCCESS;
        if (!is_device(target, bytes) || !is_device(source, bytes)) return CUDA_ERROR_INVALID_VALUE;
        queue.issue(stream, "cuMemcpyDtoDAsync", [=] {
            Failure failure = checked("cuMemcpyDtoDAsync", source, bytes, false);
            if (failure.code == CUDA_SUCCESS) failure = checked("cuMemcpyDtoDAsync", target, bytes, true);
            if (failure.code == CUDA_SUCCESS) std::memmove(memory_of(target), memory_of(source), bytes);
            return failure;
        });
        return CUDA_SUCCESS;
    });
}

CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream) {
    return fill(target, &value, sizeof value, count, stream, "cuMemsetD8Async");
}

CUresult cuMemsetD32Async(CUdeviceptr target, unsigned int value, size_t count, CUstream stream) {
    return fill(target, &value, sizeof value, count, stream, "cuMemsetD32Async");
}

CUresult sposSimtIssue(CUstream stream, const char* name, void (*function)(void*), const void* context,
                       size_t context_bytes, const sposSimtRange* ranges, int range_count) {
    return guarded([&](Queue& queue) {
        stream = queue.find(stream);
        if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
        if (name == nullptr || function == nullptr || context == nullptr || ranges == nullptr || range_count < 0) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        const auto* bytes = static_cast<const uint8_t*>(context);
        const std::vector<sposSimtRange> checks(ranges, ranges + range_count);
        for (const sposSimtRange& range : checks) {
            if (!is_device(range.start, range.bytes)) return CUDA_ERROR_INVALID_VALUE;
        }
        queue.issue(stream, name,
                    [function, checks, call = std::string(name),
                     copy = std::vector<uint8_t>(bytes, bytes + context_bytes)]() mutable {
                        for (const sposSimtRange& range : checks) {
                            Failure failure = checked(call.c_str(), range.start, range.bytes, range.written != 0);
                            if (failure.code != CUDA_SUCCESS) return failure;
                        }
                        function(copy.data());
                        return Failure{};
                    });
        return CUDA_SUCCESS;
    });
}
