// What a compiled module says of its kernels: an ELF file of NVIDIA's, read within its bounds. The layout of its
// sections is not published; the attributes below are those that NVIDIA's cuobjdump prints as "EIATTR_…".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spos::checking {

struct Parameter {
    size_t offset, bytes;
};

struct CompiledKernel {
    std::string name;
    std::vector<Parameter> parameters;  // in their order
    size_t parameter_bytes = 0;         // of all of them, with what lies between
    unsigned most_threads = 0;          // of a block, as its launch bounds say; 0 if they say nothing
    unsigned registers = 0;             // of a thread
    size_t shared_bytes = 0;            // of a block, without what a launch adds
};

struct Cubin {
    unsigned architecture = 0;  // 90 for sm_90
    std::map<std::string, CompiledKernel> kernels;
};

// Reads a cubin in memory. Its size is not known, as cuModuleLoadData is not told it: it is what the ELF header says.
// Throws std::runtime_error with what is wrong with it.
Cubin read_cubin(const void* image);

}  // namespace spos::checking
