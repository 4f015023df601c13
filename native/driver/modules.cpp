// Modules and functions. A module's image is a text, "spos-module NAME": the kernels themselves are in the driver's
// library of kernels.
#include "modules.h"

#include "call.h"
#include "handles.h"

using spos::handles;
using spos::is_own;

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    return spos::guarded([&] {
        if (module == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
        bool known = false;
        const char* name = spos::KernelLibrary::instance().module_of_image(image, &known);
        if (!known) return CUDA_ERROR_INVALID_IMAGE;
        if (name == nullptr) return CUDA_ERROR_NOT_FOUND;
        *module = handles<CUmod_st>().add(new CUmod_st{name, spos::current_device()});
        return CUDA_SUCCESS;
    });
}

CUresult cuModuleUnload(CUmodule module) {
    return spos::guarded([&] {
        if (!is_own(module) || !handles<CUmod_st>().remove(module)) return CUDA_ERROR_INVALID_HANDLE;
        delete module;
        return CUDA_SUCCESS;
    });
}

// Functions live as long as the process: there is one per kernel and request, a few bytes each.
CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    return spos::guarded([&] {
        if (function == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
        if (!is_own(module)) return CUDA_ERROR_INVALID_HANDLE;
        const SposKernelEntry* kernel = spos::KernelLibrary::instance().find(module->name, name);
        if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
        *function = handles<CUfunc_st>().add(new CUfunc_st{kernel, module->device});
        return CUDA_SUCCESS;
    });
}
