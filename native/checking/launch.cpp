#include "launch.h"

#include <cstring>

#include "ledger.h"

namespace spos::checking {
namespace {

constexpr unsigned kMostThreads = 1024, kMostRegisters = 65536, kWarp = 32, kRegisterUnit = 8;
constexpr size_t kMostSharedBytes = 48 << 10;  // without asking for more

}  // namespace

Fault fault_of(const CompiledKernel& kernel, const Launch& l) {
    const std::string grid =
        std::to_string(l.grid_x) + " x " + std::to_string(l.grid_y) + " x " + std::to_string(l.grid_z);
    const std::string block =
        std::to_string(l.block_x) + " x " + std::to_string(l.block_y) + " x " + std::to_string(l.block_z);
    if (l.grid_x == 0 || l.grid_y == 0 || l.grid_z == 0 || l.block_x == 0 || l.block_y == 0 || l.block_z == 0) {
        return {CUDA_ERROR_INVALID_VALUE, "an empty grid of " + grid + " blocks of " + block + " threads"};
    }
    if (l.grid_x > 0x7FFFFFFF || l.grid_y > 65535 || l.grid_z > 65535) {
        return {CUDA_ERROR_INVALID_VALUE,
                "the grid is too large: " + grid + " blocks, of at most 2147483647 x 65535 x 65535"};
    }
    const uint64_t threads = l.threads();
    if (l.block_x > kMostThreads || l.block_y > kMostThreads || l.block_z > 64 || threads > kMostThreads) {
        return {CUDA_ERROR_INVALID_VALUE, "the block is too large: " + block + " threads"};
    }
    if (kernel.most_threads != 0 && threads > kernel.most_threads) {
        return {CUDA_ERROR_INVALID_VALUE, "a block of " + std::to_string(threads) +
                                              " threads, where the launch bounds say " +
                                              std::to_string(kernel.most_threads)};
    }
    const uint64_t warps = (threads + kWarp - 1) / kWarp;
    const uint64_t registers = (kernel.registers + kRegisterUnit - 1) / kRegisterUnit * kRegisterUnit * kWarp * warps;
    if (registers > kMostRegisters) {
        return {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
                "a block needs " + std::to_string(registers) + " registers, of " + std::to_string(kMostRegisters)};
    }
    if (kernel.shared_bytes + l.shared_bytes > kMostSharedBytes) {
        return {CUDA_ERROR_INVALID_VALUE, "a block needs " + std::to_string(kernel.shared_bytes + l.shared_bytes) +
                                              " bytes of shared memory, of " + std::to_string(kMostSharedBytes)};
    }
    return {CUDA_SUCCESS, {}};
}

std::string fault_of(const CompiledKernel& kernel, void* const* arguments) {
    const size_t count = kernel.parameters.size();
    if (arguments == nullptr && count != 0) return "no arguments";
    for (size_t i = 0; i < count; ++i) {
        const std::string argument = "argument " + std::to_string(i) + " of " + std::to_string(count);
        if (arguments[i] == nullptr) return argument + " is missing";
        const auto start = reinterpret_cast<uintptr_t>(arguments[i]);
        const size_t bytes = kernel.parameters[i].bytes;
        for (size_t j = 0; j < count; ++j) {
            const auto other = reinterpret_cast<uintptr_t>(arguments[j]);
            if (other <= start || other - start >= bytes) continue;
            return argument + " takes " + std::to_string(bytes) + " bytes, but argument " + std::to_string(j) +
                   " begins after " + std::to_string(other - start);
        }
        if (bytes != sizeof(CUdeviceptr)) continue;
        CUdeviceptr value;
        std::memcpy(&value, arguments[i], sizeof value);
        const std::string fault = Ledger::instance().fault_of_argument(value);
        if (!fault.empty()) return argument + " is " + fault;
    }
    return {};
}

}  // namespace spos::checking
