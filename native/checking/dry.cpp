#include "dry.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "checked_device.h"

namespace spos::checking {

bool is_dry() {
    static const bool dry = [] {
        const char* wanted = std::getenv("SPOS_CHECKING_DRY");
        return wanted != nullptr && std::strcmp(wanted, "1") == 0;
    }();
    return dry;
}

DryMemory& DryMemory::instance() { return CheckedDevice::current().dry_memory; }

size_t DryMemory::total_bytes() const { return size_t{80} << 30; }

CUresult DryMemory::allocate(CUdeviceptr* pointer, size_t bytes) {
    if (pointer == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (bytes > free_bytes()) return CUDA_ERROR_OUT_OF_MEMORY;
    void* const at = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    *pointer = reinterpret_cast<uintptr_t>(at);
    used_ += bytes;
    return CUDA_SUCCESS;
}

CUresult DryMemory::free(CUdeviceptr pointer, size_t bytes) {
    munmap(reinterpret_cast<void*>(pointer), bytes);
    used_ -= bytes;
    return CUDA_SUCCESS;
}

}  // namespace spos::checking
