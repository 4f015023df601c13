// The part of cuDNN that Spos binds: descriptors and the three convolutions, names and values as in NVIDIA's cuDNN
// API reference (docs.nvidia.com/deeplearning/cudnn: the cudnn_ops and cudnn_cnn libraries).
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum : int {
    CUDNN_STATUS_SUCCESS = 0,
    CUDNN_STATUS_NOT_INITIALIZED = 1001,
    CUDNN_STATUS_BAD_PARAM = 2000,
    CUDNN_STATUS_NOT_SUPPORTED = 3000,
    CUDNN_STATUS_INTERNAL_ERROR = 4000,
    CUDNN_STATUS_EXECUTION_FAILED = 5000
} cudnnStatus_t;

typedef enum : int { CUDNN_DATA_FLOAT = 0 } cudnnDataType_t;
typedef enum : int { CUDNN_TENSOR_NCHW = 0, CUDNN_TENSOR_NHWC = 1 } cudnnTensorFormat_t;
typedef enum : int { CUDNN_CONVOLUTION = 0, CUDNN_CROSS_CORRELATION = 1 } cudnnConvolutionMode_t;
typedef enum : int { CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1 } cudnnConvolutionFwdAlgo_t;
typedef enum : int { CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1 } cudnnConvolutionBwdDataAlgo_t;
typedef enum : int { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1 } cudnnConvolutionBwdFilterAlgo_t;
typedef enum : int { CUDNN_NON_DETERMINISTIC = 0, CUDNN_DETERMINISTIC = 1 } cudnnDeterminism_t;
// FMA_MATH keeps to single precision; the default may round inputs to TF32.
typedef enum : int { CUDNN_DEFAULT_MATH = 0, CUDNN_FMA_MATH = 3 } cudnnMathType_t;

// One algorithm for a convolution, best first in a list of them.
typedef struct {
    cudnnConvolutionFwdAlgo_t algo;
    cudnnStatus_t status;
    float time;
    size_t memory;
    cudnnDeterminism_t determinism;
    cudnnMathType_t mathType;
    int reserved[3];
} cudnnConvolutionFwdAlgoPerf_t;

typedef struct {
    cudnnConvolutionBwdDataAlgo_t algo;
    cudnnStatus_t status;
    float time;
    size_t memory;
    cudnnDeterminism_t determinism;
    cudnnMathType_t mathType;
    int reserved[3];
} cudnnConvolutionBwdDataAlgoPerf_t;

typedef struct {
    cudnnConvolutionBwdFilterAlgo_t algo;
    cudnnStatus_t status;
    float time;
    size_t memory;
    cudnnDeterminism_t determinism;
    cudnnMathType_t mathType;
    int reserved[3];
} cudnnConvolutionBwdFilterAlgoPerf_t;

typedef struct cudnnContext* cudnnHandle_t;
typedef struct cudnnTensorStruct* cudnnTensorDescriptor_t;
typedef struct cudnnFilterStruct* cudnnFilterDescriptor_t;
typedef struct cudnnConvolutionStruct* cudnnConvolutionDescriptor_t;

SPOS_API size_t cudnnGetVersion(void);
SPOS_API const char* cudnnGetErrorString(cudnnStatus_t status);
SPOS_API cudnnStatus_t cudnnCreate(cudnnHandle_t* handle);
SPOS_API cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
SPOS_API cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, CUstream stream);

SPOS_API cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor);
SPOS_API cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                                  cudnnDataType_t type, int n, int c, int h, int w);
SPOS_API cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor);

// NHWC filters lie as [k][h][w][c]; c is the number of input channels of one group.
SPOS_API cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor);
SPOS_API cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                                  cudnnTensorFormat_t format, int k, int c, int h, int w);
SPOS_API cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor);

SPOS_API cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor);
SPOS_API cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                                                       int stride_h, int stride_w, int dilation_h, int dilation_w,
                                                       cudnnConvolutionMode_t mode, cudnnDataType_t compute_type);
SPOS_API cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups);
SPOS_API cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t type);
SPOS_API cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor);
SPOS_API cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t convolution,
                                                             cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                                                             int* n, int* c, int* h, int* width);

SPOS_API cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                              cudnnFilterDescriptor_t w,
                                                              cudnnConvolutionDescriptor_t convolution,
                                                              cudnnTensorDescriptor_t y, int wanted, int* found,
                                                              cudnnConvolutionFwdAlgoPerf_t* algorithms);
SPOS_API cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                               cudnnFilterDescriptor_t w,
                                                               cudnnConvolutionDescriptor_t convolution,
                                                               cudnnTensorDescriptor_t y,
                                                               cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes);
SPOS_API cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                               const void* x_data, cudnnFilterDescriptor_t w, const void* w_data,
                                               cudnnConvolutionDescriptor_t convolution,
                                               cudnnConvolutionFwdAlgo_t algorithm, void* workspace, size_t bytes,
                                               const void* beta, cudnnTensorDescriptor_t y, void* y_data);

SPOS_API cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                                   cudnnTensorDescriptor_t dy,
                                                                   cudnnConvolutionDescriptor_t convolution,
                                                                   cudnnTensorDescriptor_t dx, int wanted, int* found,
                                                                   cudnnConvolutionBwdDataAlgoPerf_t* algorithms);
SPOS_API cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                                    cudnnTensorDescriptor_t dy,
                                                                    cudnnConvolutionDescriptor_t convolution,
                                                                    cudnnTensorDescriptor_t dx,
                                                                    cudnnConvolutionBwdDataAlgo_t algorithm,
                                                                    size_t* bytes);
SPOS_API cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w,
                                                    const void* w_data, cudnnTensorDescriptor_t dy, const void* dy_data,
                                                    cudnnConvolutionDescriptor_t convolution,
                                                    cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                                    size_t bytes, const void* beta, cudnnTensorDescriptor_t dx,
                                                    void* dx_data);

SPOS_API cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                                     cudnnTensorDescriptor_t dy,
                                                                     cudnnConvolutionDescriptor_t convolution,
                                                                     cudnnFilterDescriptor_t dw, int wanted, int* found,
                                                                     cudnnConvolutionBwdFilterAlgoPerf_t* algorithms);
SPOS_API cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                                      cudnnTensorDescriptor_t dy,
                                                                      cudnnConvolutionDescriptor_t convolution,
                                                                      cudnnFilterDescriptor_t dw,
                                                                      cudnnConvolutionBwdFilterAlgo_t algorithm,
                                                                      size_t* bytes);
SPOS_API cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x, const void* x_data, cudnnTensorDescriptor_t dy,
    const void* dy_data, cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdFilterAlgo_t algorithm,
    void* workspace, size_t bytes, const void* beta, cudnnFilterDescriptor_t dw, void* dw_data);

#ifdef __cplusplus
}
#endif
