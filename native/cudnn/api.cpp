// cuDNN's descriptors and convolutions: float, NHWC or NCHW, groups, any stride, padding and dilation. What is not done
// (alpha other than 1, beta other than 0, true convolution) is NOT_SUPPORTED; arguments that make no sense, and handles
// that are not live, are BAD_PARAM.
#include <climits>

#include "../driver/handles.h"
#include "convolution.h"

struct cudnnContext {
    std::unique_ptr<spos::cudnn::Backend> backend;
    CUstream stream = nullptr;
};

namespace {

using spos::handles;
using spos::cudnn::Operands;
using spos::cudnn::Pass;
using spos::cudnn::Problem;

template <class Body>
cudnnStatus_t guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (...) {
        return CUDNN_STATUS_INTERNAL_ERROR;
    }
}

template <class T>
cudnnStatus_t create(T** handle) noexcept {
    if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM;
    return guarded([&] {
        *handle = handles<T>().add(new T);
        return CUDNN_STATUS_SUCCESS;
    });
}

template <class T>
cudnnStatus_t destroy(T* handle) noexcept {
    if (!handles<T>().remove(handle)) return CUDNN_STATUS_BAD_PARAM;
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

template <class... T>
bool live(T*... handle) {
    return (handles<T>().contains(handle) && ...);
}

bool is_format(cudnnTensorFormat_t format) { return format == CUDNN_TENSOR_NHWC || format == CUDNN_TENSOR_NCHW; }

// Four sizes, of no more elements than an int counts, as cuDNN has it.
bool are_sizes(int a, int b, int c, int d) {
    if (a < 1 || b < 1 || c < 1 || d < 1) return false;
    long long elements = 1;
    for (int size : {a, b, c, d}) {
        elements *= size;
        if (elements > INT_MAX) return false;
    }
    return true;
}

int outputs(int size, int pad, int kernel, int dilation, int stride) {
    const long long span = (static_cast<long long>(kernel) - 1) * dilation + 1;
    const long long room = size + 2ll * pad - span;
    return room < 0 ? 0 : static_cast<int>(room / stride + 1);
}

cudnnTensorStruct output_of(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c) {
    return {x.format, x.n, w.k, outputs(x.h, c.pad_h, w.h, c.dilation_h, c.stride_h),
            outputs(x.w, c.pad_w, w.w, c.dilation_w, c.stride_w)};
}

bool make_problem(Problem* problem, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t y,
                  cudnnConvolutionDescriptor_t c) {
    if (!live(x, w, y, c) || c->stride_h < 1 || x->n < 1 || w->k < 1 || y->n < 1) return false;
    if (x->c != static_cast<long long>(w->c) * c->groups || w->k % c->groups != 0) return false;
    const cudnnTensorStruct expected = output_of(*x, *w, *c);
    if (y->n != expected.n || y->c != expected.c || y->h != expected.h || y->w != expected.w) return false;
    *problem = {*x, *w, *y, *c};
    return true;
}

bool is_one_and_zero(const void* alpha, const void* beta) {
    return *static_cast<const float*>(alpha) == 1.0f && *static_cast<const float*>(beta) == 0.0f;
}

template <class Algorithm, class Performance>
cudnnStatus_t list_algorithms(cudnnHandle_t handle, Pass pass, const Problem& problem, Algorithm algorithm, int wanted,
                              int* found, Performance* algorithms) {
    if (!live(handle) || wanted < 1 || found == nullptr || algorithms == nullptr) return CUDNN_STATUS_BAD_PARAM;
    return guarded([&] {
        algorithms[0] = {
            algorithm,           CUDNN_STATUS_SUCCESS, -1.0f, handle->backend->workspace_bytes(pass, problem),
            CUDNN_DETERMINISTIC, CUDNN_FMA_MATH,       {}};
        *found = 1;
        return CUDNN_STATUS_SUCCESS;
    });
}

cudnnStatus_t workspace_size(cudnnHandle_t handle, Pass pass, const Problem& problem, size_t* bytes) {
    if (!live(handle) || bytes == nullptr) return CUDNN_STATUS_BAD_PARAM;
    return guarded([&] {
        *bytes = handle->backend->workspace_bytes(pass, problem);
        return CUDNN_STATUS_SUCCESS;
    });
}

cudnnStatus_t convolve(cudnnHandle_t handle, const void* alpha, const void* beta, Pass pass, const Problem& problem,
                       const Operands& operands, size_t workspace_bytes) {
    if (!live(handle) || alpha == nullptr || beta == nullptr) return CUDNN_STATUS_BAD_PARAM;
    if (operands.x == nullptr || operands.w == nullptr || operands.y == nullptr) return CUDNN_STATUS_BAD_PARAM;
    if (!is_one_and_zero(alpha, beta)) return CUDNN_STATUS_NOT_SUPPORTED;
    return guarded([&] {
        const size_t needed = handle->backend->workspace_bytes(pass, problem);
        if (needed > workspace_bytes || (needed > 0 && operands.workspace == nullptr)) return CUDNN_STATUS_BAD_PARAM;
        return handle->backend->convolve(handle->stream, pass, problem, operands);
    });
}

void* data(const void* pointer) { return const_cast<void*>(pointer); }

}  // namespace

size_t cudnnGetVersion() { return 90000; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
    switch (status) {
        case CUDNN_STATUS_SUCCESS:
            return "CUDNN_STATUS_SUCCESS";
        case CUDNN_STATUS_NOT_INITIALIZED:
            return "CUDNN_STATUS_NOT_INITIALIZED";
        case CUDNN_STATUS_BAD_PARAM:
            return "CUDNN_STATUS_BAD_PARAM";
        case CUDNN_STATUS_NOT_SUPPORTED:
            return "CUDNN_STATUS_NOT_SUPPORTED";
        case CUDNN_STATUS_INTERNAL_ERROR:
            return "CUDNN_STATUS_INTERNAL_ERROR";
        case CUDNN_STATUS_EXECUTION_FAILED:
            return "CUDNN_STATUS_EXECUTION_FAILED";
    }
    return "CUDNN_UNKNOWN_STATUS";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM;
    return guarded([&] {
        auto* context = new cudnnContext{spos::cudnn::make_backend()};
        *handle = handles<cudnnContext>().add(context);
        return CUDNN_STATUS_SUCCESS;
    });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, CUstream stream) {
    if (!live(handle)) return CUDNN_STATUS_BAD_PARAM;
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
    if (!live(descriptor) || !is_format(format) || !are_sizes(n, c, h, w)) return CUDNN_STATUS_BAD_PARAM;
    if (type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {format, n, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    if (!live(descriptor) || !is_format(format) || !are_sizes(k, c, h, w)) return CUDNN_STATUS_BAD_PARAM;
    if (type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {format, k, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute_type) {
    if (!live(descriptor) || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h < 1 ||
        dilation_w < 1) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    if (mode != CUDNN_CROSS_CORRELATION || compute_type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, descriptor->groups};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups) {
    if (!live(descriptor) || groups < 1) return CUDNN_STATUS_BAD_PARAM;
    descriptor->groups = groups;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t type) {
    if (!live(descriptor) || (type != CUDNN_DEFAULT_MATH && type != CUDNN_FMA_MATH)) return CUDNN_STATUS_BAD_PARAM;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t x,
                                                    cudnnFilterDescriptor_t w, int* n, int* c, int* h, int* width) {
    if (!live(convolution, x, w) || n == nullptr || c == nullptr || h == nullptr || width == nullptr ||
        convolution->stride_h < 1 || x->n < 1 || w->k < 1) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    const cudnnTensorStruct y = output_of(*x, *w, *convolution);
    *n = y.n;
    *c = y.c;
    *h = y.h;
    *width = y.w;
    return y.h < 1 || y.w < 1 ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t convolution,
                                                     cudnnTensorDescriptor_t y, int wanted, int* found,
                                                     cudnnConvolutionFwdAlgoPerf_t* algorithms) {
    Problem p;
    if (!make_problem(&p, x, w, y, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return list_algorithms(handle, Pass::kForward, p, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, wanted, found,
                           algorithms);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t convolution,
                                                          cudnnTensorDescriptor_t dx, int wanted, int* found,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* algorithms) {
    Problem p;
    if (!make_problem(&p, dx, w, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return list_algorithms(handle, Pass::kBackwardData, p, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, wanted, found,
                           algorithms);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t convolution,
                                                            cudnnFilterDescriptor_t dw, int wanted, int* found,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* algorithms) {
    Problem p;
    if (!make_problem(&p, x, dw, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return list_algorithms(handle, Pass::kBackwardFilter, p, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, wanted, found,
                           algorithms);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t convolution,
                                                      cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t,
                                                      size_t* bytes) {
    Problem p;
    if (!make_problem(&p, x, w, y, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return workspace_size(handle, Pass::kForward, p, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t convolution,
                                                           cudnnTensorDescriptor_t dx, cudnnConvolutionBwdDataAlgo_t,
                                                           size_t* bytes) {
    Problem p;
    if (!make_problem(&p, dx, w, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return workspace_size(handle, Pass::kBackwardData, p, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t dy,
                                                             cudnnConvolutionDescriptor_t convolution,
                                                             cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t, size_t* bytes) {
    Problem p;
    if (!make_problem(&p, x, dw, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return workspace_size(handle, Pass::kBackwardFilter, p, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                      const void* x_data, cudnnFilterDescriptor_t w, const void* w_data,
                                      cudnnConvolutionDescriptor_t convolution, cudnnConvolutionFwdAlgo_t,
                                      void* workspace, size_t bytes, const void* beta, cudnnTensorDescriptor_t y,
                                      void* y_data) {
    Problem p;
    if (!make_problem(&p, x, w, y, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return convolve(handle, alpha, beta, Pass::kForward, p, {data(x_data), data(w_data), y_data, workspace}, bytes);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w,
                                           const void* w_data, cudnnTensorDescriptor_t dy, const void* dy_data,
                                           cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdDataAlgo_t,
                                           void* workspace, size_t bytes, const void* beta, cudnnTensorDescriptor_t dx,
                                           void* dx_data) {
    Problem p;
    if (!make_problem(&p, dx, w, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return convolve(handle, alpha, beta, Pass::kBackwardData, p, {dx_data, data(w_data), data(dy_data), workspace},
                    bytes);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                             const void* x_data, cudnnTensorDescriptor_t dy, const void* dy_data,
                                             cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdFilterAlgo_t,
                                             void* workspace, size_t bytes, const void* beta,
                                             cudnnFilterDescriptor_t dw, void* dw_data) {
    Problem p;
    if (!make_problem(&p, x, dw, dy, convolution)) return CUDNN_STATUS_BAD_PARAM;
    return convolve(handle, alpha, beta, Pass::kBackwardFilter, p, {data(x_data), dw_data, data(dy_data), workspace},
                    bytes);
}
