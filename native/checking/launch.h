// What a launch asks for, held against what the compiled kernel says and what a GPU can do.
#pragma once

#include <cstdint>
#include <string>

#include "../abi/cuda_driver.h"
#include "module_image.h"

namespace spos::checking {

struct Launch {
    unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;

    uint64_t threads() const { return uint64_t{block_x} * block_y * block_z; }
};

// What is wrong with a launch, and the code that the driver gives for it; success if nothing is.
struct Fault {
    CUresult code;
    std::string text;
};

Fault fault_of(const CompiledKernel& kernel, const Launch& launch);

// What is wrong with the arguments, which lie where cuLaunchKernel is told; an empty text if nothing is.
std::string fault_of(const CompiledKernel& kernel, void* const* arguments);

}  // namespace spos::checking
