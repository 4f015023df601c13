// Launches. A block has one thread; blocks are spread over the device's thread pool.
#include "../driver/modules.h"

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

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                        unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,
                        CUstream stream, void** parameters, void** extra) {
    return spos::guarded([&] {
        if (!spos::is_own(function) || !spos::is_stream(stream)) {
            return CUDA_ERROR_INVALID_HANDLE;
        }
        if (grid_x == 0 || grid_x > 0x7FFFFFFF || grid_y == 0 || grid_y > 65535 || grid_z != 1) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if (block_x != 1 || block_y != 1 || block_z != 1 || shared_bytes != 0) return CUDA_ERROR_INVALID_VALUE;
        if (static_cast<unsigned long long>(grid_x) * grid_y > 0xFFFFFFFFull - 4096) return CUDA_ERROR_INVALID_VALUE;
        if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
        if (parameters == nullptr && function->kernel->parameter_count != 0) return CUDA_ERROR_INVALID_VALUE;
        for (int i = 0; i < function->kernel->parameter_count; ++i) {
            if (parameters[i] == nullptr) return CUDA_ERROR_INVALID_VALUE;
        }
        Launch launch{function->kernel, parameters, grid_x, grid_y};
        spos::ThreadPool::of(spos::current_device()).run(grid_x * grid_y, run_block, &launch);
        return CUDA_SUCCESS;
    });
}
