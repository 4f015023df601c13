// The emulated GPU, which does the work: the entry points of libspos_simt, which have the names of this driver's own.
#pragma once

#include "../abi/cuda_driver.h"
#include "../abi/cuda_graphs.h"
#include "../abi/spos_kernels.h"
#include "../abi/spos_simt.h"

namespace spos::checking {

#define SPOS_FORWARDED(each)                                                                                           \
    each(sposSetDeviceCount) each(cuInit) each(cuDeviceGetCount) each(cuDeviceGet) each(cuDeviceGetName)               \
        each(cuDeviceGetAttribute) each(cuDeviceTotalMem_v2) each(cuDevicePrimaryCtxRetain)                            \
            each(cuDevicePrimaryCtxRelease_v2) each(cuDevicePrimaryCtxReset_v2) each(cuCtxSetCurrent)                  \
                each(cuCtxSynchronize) each(cuMemGetInfo_v2) each(cuMemAlloc_v2) each(cuMemFree_v2)                    \
                    each(cuMemAllocAsync) each(cuMemFreeAsync) each(cuMemHostAlloc) each(cuMemFreeHost)                \
                        each(cuMemcpyHtoDAsync_v2) each(cuMemcpyDtoHAsync_v2) each(cuMemcpyDtoDAsync_v2)               \
                            each(cuMemsetD8Async) each(cuMemsetD32Async) each(cuStreamCreate) each(cuStreamDestroy_v2) \
                                each(cuStreamQuery) each(cuStreamSynchronize) each(cuStreamWaitEvent)                  \
                                    each(cuEventCreate) each(cuEventDestroy_v2) each(cuEventRecord) each(cuEventQuery) \
                                        each(cuEventSynchronize) each(cuEventElapsedTime) each(cuModuleLoadData)       \
                                            each(cuModuleUnload) each(cuModuleGetFunction) each(cuLaunchKernel)        \
                                                each(sposSimtGetReport) each(cuStreamBeginCapture_v2)                  \
                                                    each(cuStreamEndCapture) each(cuGraphInstantiateWithFlags)         \
                                                        each(cuGraphLaunch) each(cuGraphExecDestroy)                   \
                                                            each(cuGraphDestroy)

struct Emulator {
    // Null if libspos_simt is not in the folder above this library's, which is then told of.
    static const Emulator* instance();

#define SPOS_DECLARE(name) decltype(&::name) name = nullptr;
    SPOS_FORWARDED(SPOS_DECLARE)
#undef SPOS_DECLARE
};

}  // namespace spos::checking
