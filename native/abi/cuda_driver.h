// The part of the CUDA driver API that Spos binds: names, values and signatures as in NVIDIA's CUDA Driver API
// reference (docs.nvidia.com/cuda/cuda-driver-api). Every target's library exports exactly this.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPOS_API __attribute__((visibility("default")))

typedef enum : int {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_DEINITIALIZED = 4,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_IMAGE = 200,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
    CUDA_ERROR_INVALID_HANDLE = 400,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
    CUDA_ERROR_MISALIGNED_ADDRESS = 716,
    CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_NOT_SUPPORTED = 801,
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
    CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905,
    CUDA_ERROR_UNKNOWN = 999
} CUresult;

typedef enum : int {
    CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
    CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X = 2,
    CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y = 3,
    CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z = 4,
    CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X = 5,
    CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y = 6,
    CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z = 7,
    CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
    CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
    CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76
} CUdevice_attribute;

typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;
typedef struct CUevent_st* CUevent;

SPOS_API CUresult cuInit(unsigned int flags);
SPOS_API CUresult cuDriverGetVersion(int* version);
SPOS_API CUresult cuGetErrorName(CUresult error, const char** text);
SPOS_API CUresult cuGetErrorString(CUresult error, const char** text);

SPOS_API CUresult cuDeviceGetCount(int* count);
SPOS_API CUresult cuDeviceGet(CUdevice* device, int ordinal);
SPOS_API CUresult cuDeviceGetName(char* name, int length, CUdevice device);
SPOS_API CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device);
SPOS_API CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device);
SPOS_API CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device);
SPOS_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
SPOS_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice device);
SPOS_API CUresult cuCtxSetCurrent(CUcontext context);
SPOS_API CUresult cuCtxSynchronize(void);

SPOS_API CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes);
SPOS_API CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes);
SPOS_API CUresult cuMemFree_v2(CUdeviceptr pointer);
SPOS_API CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream);
SPOS_API CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream);
SPOS_API CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned int flags);
SPOS_API CUresult cuMemFreeHost(void* pointer);
SPOS_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void* source, size_t bytes, CUstream stream);
SPOS_API CUresult cuMemcpyDtoHAsync_v2(void* target, CUdeviceptr source, size_t bytes, CUstream stream);
SPOS_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, CUstream stream);
SPOS_API CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream);
SPOS_API CUresult cuMemsetD32Async(CUdeviceptr target, unsigned int value, size_t count, CUstream stream);

SPOS_API CUresult cuStreamCreate(CUstream* stream, unsigned int flags);
SPOS_API CUresult cuStreamDestroy_v2(CUstream stream);
SPOS_API CUresult cuStreamQuery(CUstream stream);
SPOS_API CUresult cuStreamSynchronize(CUstream stream);
SPOS_API CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags);
SPOS_API CUresult cuEventCreate(CUevent* event, unsigned int flags);
SPOS_API CUresult cuEventDestroy_v2(CUevent event);
SPOS_API CUresult cuEventRecord(CUevent event, CUstream stream);
SPOS_API CUresult cuEventQuery(CUevent event);
SPOS_API CUresult cuEventSynchronize(CUevent event);
SPOS_API CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end);

SPOS_API CUresult cuModuleLoadData(CUmodule* module, const void* image);
SPOS_API CUresult cuModuleUnload(CUmodule module);
SPOS_API CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name);
SPOS_API CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                                 unsigned int block_x, unsigned int block_y, unsigned int block_z,
                                 unsigned int shared_bytes, CUstream stream, void** parameters, void** extra);

#ifdef __cplusplus
}
#endif
