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
    unsigned registers = 0;             // of a thread; 0 if it is not known
    size_t shared_bytes = 0;            // of a block, without what a launch adds; 0 if it is not known
};

struct ModuleImage {
    bool is_ptx = false;
    unsigned architecture = 0;  // 90 for sm_90
    std::map<std::string, CompiledKernel> kernels;

    // A cubin runs on devices of its major version, and not of a lower minor one; PTX on its own and all later ones.
    bool runs_on(unsigned device) const;
};

// Reads what cuModuleLoadData is given. Its size is not known: of a cubin it is what the ELF header says, of PTX the
// text ends with a zero. Throws std::runtime_error with what is wrong with it.
ModuleImage read_image(const void* image);

ModuleImage read_cubin(const void* image);
ModuleImage read_ptx(const char* text);

}  // namespace spos::checking
