// Modules, functions and launches. Kernels are the emulator's, found by the names in the image.
#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>

#include "../abi/cuda_driver_12_4.h"
#include "../driver/kernel_library.h"
#include "call.h"
#include "checked_device.h"
#include "launch.h"
#include "module_image.h"

using namespace spos::checking;

struct CUfunc_st {
    int device;  // whose context the module was loaded in
    CUfunction emulated;
    CompiledKernel kernel;
};

struct CUmod_st {
    int device;
    CUmodule emulated;
    ModuleImage image;
    std::vector<std::unique_ptr<CUfunc_st>> functions;
};

namespace {

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

}  // namespace

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    return checked("cuModuleLoadData", [&](const Emulator& emulator) {
        if (module == nullptr || image == nullptr) {
            return found(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData without an image");
        }
        auto loaded = std::make_unique<CUmod_st>();
        loaded->device = CheckedDevice::current().number;
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
        made->device = module->device;
        made->kernel = at->second;
        const CUresult result = emulator.cuModuleGetFunction(&made->emulated, module->emulated, name);
        if (result != CUDA_SUCCESS) return result;
        *function = made.get();
        functions().insert(made.get());
        module->functions.push_back(std::move(made));
        return result;
    });
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes) {
    std::lock_guard lock(mutex());
    if (functions().count(function) == 0) {
        return found(CUDA_ERROR_INVALID_HANDLE, "cuFuncGetParamInfo of what is no function");
    }
    const std::vector<Parameter>& parameters = function->kernel.parameters;
    if (offset == nullptr) return found(CUDA_ERROR_INVALID_VALUE, "cuFuncGetParamInfo without a place for the offset");
    // The driver refuses it and does no harm, but compute-sanitizer counts it as an error of the program.
    if (index >= parameters.size()) {
        return found(CUDA_ERROR_INVALID_VALUE, "cuFuncGetParamInfo: " + function->kernel.name + " has " +
                                                   std::to_string(parameters.size()) + " parameters and no number " +
                                                   std::to_string(index));
    }
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
        const std::string strange = stranger(stream);
        if (!strange.empty()) return found(CUDA_ERROR_INVALID_HANDLE, launch + "on " + strange);
        if (const int here = CheckedDevice::current().number; function->device != here) {
            return found(CUDA_ERROR_INVALID_HANDLE, launch + "it was loaded on device " +
                                                        std::to_string(function->device) + ", where device " +
                                                        std::to_string(here) + " is current");
        }
        const Fault fault =
            fault_of(function->kernel, Launch{grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes});
        if (fault.code != CUDA_SUCCESS) return found(fault.code, launch + fault.text);
        if (extra != nullptr)
            return found(CUDA_ERROR_NOT_SUPPORTED, launch + "arguments in a buffer are not read here");
        const std::string wrong = fault_of(function->kernel, parameters);
        if (!wrong.empty()) return found(CUDA_ERROR_INVALID_VALUE, launch + wrong);
        if (is_dry()) return CUDA_SUCCESS;
        return emulator.cuLaunchKernel(function->emulated, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                                       shared_bytes, stream, parameters, extra);
    });
}
