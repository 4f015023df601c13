// Modules, functions and launches: what a launch asks for is held against what the cubin says, and then the emulator's
// kernel of that name runs.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>

#include "../abi/cuda_driver_12_4.h"
#include "../driver/kernel_library.h"
#include "call.h"
#include "ledger.h"
#include "module_image.h"

using namespace spos::checking;

struct CUfunc_st {
    CUfunction emulated;
    CompiledKernel kernel;
};

struct CUmod_st {
    CUmodule emulated;
    ModuleImage image;
    std::vector<std::unique_ptr<CUfunc_st>> functions;
};

namespace {

constexpr unsigned kMostThreads = 1024, kMostRegisters = 65536, kWarp = 32, kRegisterUnit = 8;
constexpr size_t kMostSharedBytes = 48 << 10;  // without asking for more

std::map<CUmodule, std::unique_ptr<CUmod_st>>& modules() {
    static auto* const live = new std::map<CUmodule, std::unique_ptr<CUmod_st>>;
    return *live;
}

std::set<CUfunction>& functions() {
    static auto* const live = new std::set<CUfunction>;
    return *live;
}

// The name of the emulator's module with the same kernels, of the same parameters.
std::string module_of(const ModuleImage& image) {
    std::string module;
    for (const SposKernelEntry* entry : spos::KernelLibrary::instance().kernels()) {
        if (image.kernels.count(entry->name) != 0) module = entry->module;
    }
    if (module.empty()) throw std::runtime_error("the emulated GPU has no module with " + image.kernels.begin()->first);
    size_t known = 0;
    for (const SposKernelEntry* entry : spos::KernelLibrary::instance().kernels()) {
        if (entry->module != module) continue;
        const auto at = image.kernels.find(entry->name);
        if (at == image.kernels.end()) throw std::runtime_error("the module lacks " + std::string(entry->name));
        ++known;
        const std::vector<Parameter>& parameters = at->second.parameters;
        if (!std::equal(parameters.begin(), parameters.end(), entry->parameter_sizes,
                        entry->parameter_sizes + entry->parameter_count,
                        [](const Parameter& a, int b) { return a.bytes == static_cast<size_t>(b); })) {
            throw std::runtime_error("the module's " + std::string(entry->name) +
                                     " has other parameters than the emulated GPU's");
        }
    }
    if (known != image.kernels.size()) throw std::runtime_error("the image has kernels of more than module " + module);
    return module;
}

bool runs_here(const ModuleImage& image) {
    int major = 0, minor = 0;
    cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0);
    cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0);
    return image.runs_on(static_cast<unsigned>(10 * major + minor));
}

struct Launch {
    unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;

    uint64_t threads() const { return uint64_t{block_x} * block_y * block_z; }
};

// What is wrong with the sizes of a launch, and the code that the driver gives for it.
struct Fault {
    CUresult code;
    std::string text;
};

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

// What is wrong with the arguments, or an empty text.
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
            if (j == i || other < start || other - start >= bytes) continue;
            return argument + " takes " + std::to_string(bytes) + " bytes, but argument " + std::to_string(j) +
                   " begins after " + std::to_string(other - start);
        }
        if (bytes != sizeof(CUdeviceptr)) continue;
        const std::string fault = Ledger::instance().fault_of_argument(*static_cast<const CUdeviceptr*>(arguments[i]));
        if (!fault.empty()) return argument + " is " + fault;
    }
    return {};
}

}  // namespace

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    return checked("cuModuleLoadData", [&](const Emulator& emulator) {
        if (module == nullptr || image == nullptr) {
            return found(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData without an image");
        }
        auto loaded = std::make_unique<CUmod_st>();
        std::string name;
        try {
            loaded->image = read_image(image);
            name = "spos-module " + module_of(loaded->image);
        } catch (const std::runtime_error& error) {
            return found(CUDA_ERROR_INVALID_IMAGE, std::string("cuModuleLoadData: ") + error.what());
        }
        if (!runs_here(loaded->image)) {
            return found(CUDA_ERROR_NO_BINARY_FOR_GPU, std::string("cuModuleLoadData of ") +
                                                           (loaded->image.is_ptx ? "PTX" : "a cubin") + " for sm_" +
                                                           std::to_string(loaded->image.architecture));
        }
        const CUresult result = emulator.cuModuleLoadData(&loaded->emulated, name.c_str());
        if (result != CUDA_SUCCESS) return result;
        *module = loaded.get();
        modules()[loaded.get()] = std::move(loaded);
        return result;
    });
}

CUresult cuModuleUnload(CUmodule module) {
    return checked("cuModuleUnload", [&](const Emulator& emulator) {
        const auto at = modules().find(module);
        if (at == modules().end()) return found(CUDA_ERROR_INVALID_HANDLE, "cuModuleUnload of what is no module");
        const CUresult result = emulator.cuModuleUnload(module->emulated);
        for (const auto& function : module->functions) functions().erase(function.get());
        modules().erase(at);
        return result;
    });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    return checked("cuModuleGetFunction", [&](const Emulator& emulator) {
        if (function == nullptr || name == nullptr) {
            return found(CUDA_ERROR_INVALID_VALUE, "cuModuleGetFunction without a name");
        }
        if (modules().count(module) == 0) {
            return found(CUDA_ERROR_INVALID_HANDLE, "cuModuleGetFunction of what is no module");
        }
        const auto at = module->image.kernels.find(name);
        if (at == module->image.kernels.end()) {
            return found(CUDA_ERROR_NOT_FOUND, "cuModuleGetFunction: the module has no kernel " + std::string(name));
        }
        auto made = std::make_unique<CUfunc_st>();
        made->kernel = at->second;
        const CUresult result = emulator.cuModuleGetFunction(&made->emulated, module->emulated, name);
        if (result != CUDA_SUCCESS) return result;
        *function = made.get();
        functions().insert(made.get());
        module->functions.push_back(std::move(made));
        return result;
    });
}

// That the index is past the last is no fault: so callers count the parameters.
CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes) {
    std::lock_guard lock(mutex());
    if (functions().count(function) == 0) {
        return found(CUDA_ERROR_INVALID_HANDLE, "cuFuncGetParamInfo of what is no function");
    }
    const std::vector<Parameter>& parameters = function->kernel.parameters;
    if (offset == nullptr || index >= parameters.size()) return CUDA_ERROR_INVALID_VALUE;
    *offset = parameters[index].offset;
    if (bytes != nullptr) *bytes = parameters[index].bytes;
    return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                        unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,
                        CUstream stream, void** parameters, void** extra) {
    return checked("cuLaunchKernel", [&](const Emulator& emulator) {
        if (functions().count(function) == 0) {
            return found(CUDA_ERROR_INVALID_HANDLE,
                         "cuLaunchKernel of what is no function, or one of a module that ended");
        }
        const std::string launch = "cuLaunchKernel of " + function->kernel.name + ": ";
        if (stream != nullptr && Ledger::instance().streams.count(stream) == 0) {
            return found(CUDA_ERROR_INVALID_HANDLE, launch + "on a stream that there is not");
        }
        const Fault fault =
            fault_of(function->kernel, Launch{grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes});
        if (fault.code != CUDA_SUCCESS) return found(fault.code, launch + fault.text);
        if (extra != nullptr)
            return found(CUDA_ERROR_NOT_SUPPORTED, launch + "arguments in a buffer are not read here");
        const std::string wrong = fault_of(function->kernel, parameters);
        if (!wrong.empty()) return found(CUDA_ERROR_INVALID_VALUE, launch + wrong);
        return emulator.cuLaunchKernel(function->emulated, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                                       shared_bytes, stream, parameters, extra);
    });
}
