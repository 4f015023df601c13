// Modules, functions and launches. A module's image is a text, "spos-module NAME": the kernels themselves are in the
// library of the CPU's instruction set. A block has one thread; blocks are spread over the thread pool.
#include "driver.h"
#include "thread_pool.h"

namespace {

struct Launch {
    const SposKernelEntry* kernel;
    void** parameters;
    unsigned grid_x, grid_y;
};

void run_block(void* context, unsigned index) {
    const Launch& launch = *static_cast<const Launch*>(context);
    launch.kernel->invoke(launch.parameters, launch.grid_x, launch.grid_y, index % launch.grid_x,
                          index / launch.grid_x);
}

}  // namespace

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    return spos::guarded([&] {
        if (module == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
        bool known = false;
        const char* name = spos::KernelLibrary::instance().module_of_image(image, &known);
        if (!known) return CUDA_ERROR_INVALID_IMAGE;
        if (name == nullptr) return CUDA_ERROR_NOT_FOUND;
        *module = spos::handles<CUmod_st>().add(new CUmod_st{name});
        return CUDA_SUCCESS;
    });
}

CUresult cuModuleUnload(CUmodule module) {
    return spos::guarded([&] {
        if (!spos::handles<CUmod_st>().remove(module)) return CUDA_ERROR_INVALID_HANDLE;
        delete module;
        return CUDA_SUCCESS;
    });
}

// Functions live as long as the process: there is one per kernel and request, a few bytes each.
CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    return spos::guarded([&] {
        if (function == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
        if (!spos::handles<CUmod_st>().contains(module)) return CUDA_ERROR_INVALID_HANDLE;
        const SposKernelEntry* kernel = spos::KernelLibrary::instance().find(module->name, name);
        if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
        *function = spos::handles<CUfunc_st>().add(new CUfunc_st{kernel});
        return CUDA_SUCCESS;
    });
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                        unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,
                        CUstream stream, void** parameters, void** extra) {
    return spos::guarded([&] {
        if (!spos::handles<CUfunc_st>().contains(function) || !spos::is_stream(stream)) {
            return CUDA_ERROR_INVALID_HANDLE;
        }
        if (grid_x == 0 || grid_x > 0x7FFFFFFF || grid_y == 0 || grid_y > 65535 || grid_z != 1) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if (block_x != 1 || block_y != 1 || block_z != 1 || shared_bytes != 0) return CUDA_ERROR_INVALID_VALUE;
        if (static_cast<unsigned long long>(grid_x) * grid_y > 0xFFFFFFFFull - 4096) return CUDA_ERROR_INVALID_VALUE;
        if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
        if (parameters == nullptr && function->kernel->parameter_count != 0) return CUDA_ERROR_INVALID_VALUE;
        Launch launch{function->kernel, parameters, grid_x, grid_y};
        spos::ThreadPool::instance().run(grid_x * grid_y, run_block, &launch);
        return CUDA_SUCCESS;
    });
}
