// cuDNN's convolutions over oneDNN, on the CPU: float, NHWC or NCHW, groups, any stride, padding and dilation.
// What oneDNN is not asked to do (alpha other than 1, beta other than 0, true convolution) is NOT_SUPPORTED.
#include "../abi/cudnn.h"

#include <dnnl.hpp>

struct cudnnContext {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
};

struct cudnnTensorStruct {
    cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC;
    int n = 0, c = 0, h = 0, w = 0;
};

struct cudnnFilterStruct {
    cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC;
    int k = 0, c = 0, h = 0, w = 0;
};

struct cudnnConvolutionStruct {
    int pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0, dilation_h = 1, dilation_w = 1, groups = 1;
};

namespace {

using dnnl::algorithm;
using dnnl::memory;

template <class Body>
cudnnStatus_t guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (const dnnl::error& error) {
        return error.status == dnnl_unimplemented ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_EXECUTION_FAILED;
    } catch (...) {
        return CUDNN_STATUS_INTERNAL_ERROR;
    }
}

template <class T>
cudnnStatus_t create(T** handle) noexcept {
    if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM;
    return guarded([&] {
        *handle = new T;
        return CUDNN_STATUS_SUCCESS;
    });
}

template <class T>
cudnnStatus_t destroy(T* handle) noexcept {
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

bool is_format(cudnnTensorFormat_t format) { return format == CUDNN_TENSOR_NHWC || format == CUDNN_TENSOR_NCHW; }

memory::desc describe(const cudnnTensorStruct& t) {
    return {{t.n, t.c, t.h, t.w},
            memory::data_type::f32,
            t.format == CUDNN_TENSOR_NHWC ? memory::format_tag::nhwc : memory::format_tag::nchw};
}

memory::desc describe(const cudnnFilterStruct& f, int groups) {
    const bool nhwc = f.format == CUDNN_TENSOR_NHWC;
    if (groups == 1) {
        return {
            {f.k, f.c, f.h, f.w}, memory::data_type::f32, nhwc ? memory::format_tag::ohwi : memory::format_tag::oihw};
    }
    const memory::dims sizes{groups, f.k / groups, f.c, f.h, f.w};
    if (!nhwc) return {sizes, memory::data_type::f32, memory::format_tag::goihw};
    const memory::dim pixel = f.c, row = pixel * f.w, filter = row * f.h;
    return {sizes, memory::data_type::f32, memory::dims{filter * (f.k / groups), filter, 1, row, pixel}};
}

// The same sizes in whatever layout oneDNN likes best.
memory::desc any_layout(const memory::desc& given) {
    return {given.dims(), memory::data_type::f32, memory::format_tag::any};
}

struct Problem {
    memory::desc x, w, y;
    memory::dims strides, dilations, padding;
};

bool make_problem(Problem* problem, const cudnnTensorStruct* x, const cudnnFilterStruct* w, const cudnnTensorStruct* y,
                  const cudnnConvolutionStruct* c) {
    if (x == nullptr || w == nullptr || y == nullptr || c == nullptr) return false;
    if (c->stride_h < 1 || x->n < 1 || w->k < 1 || y->n < 1) return false;
    if (x->c != w->c * c->groups || w->k % c->groups != 0 || y->c != w->k || y->n != x->n) return false;
    *problem = {describe(*x),
                describe(*w, c->groups),
                describe(*y),
                {c->stride_h, c->stride_w},
                {c->dilation_h - 1, c->dilation_w - 1},
                {c->pad_h, c->pad_w}};
    return true;
}

bool is_one_and_zero(const void* alpha, const void* beta) {
    return alpha != nullptr && beta != nullptr && *static_cast<const float*>(alpha) == 1.0f &&
           *static_cast<const float*>(beta) == 0.0f;
}

// A buffer in the caller's layout beside what the primitive wants; data moves between them only if they differ.
class Argument {
 public:
    Argument(cudnnContext& context, const memory::desc& given, const memory::desc& wanted, const void* data)
        : context_(context), user_(given, context.engine, const_cast<void*>(data)), own_(user_) {
        if (given != wanted) own_ = memory(wanted, context.engine);
    }
    memory& load() {
        if (own_.get() != user_.get()) dnnl::reorder(user_, own_).execute(context_.stream, user_, own_);
        return own_;
    }
    memory& target() { return own_; }
    void store() {
        if (own_.get() != user_.get()) dnnl::reorder(own_, user_).execute(context_.stream, own_, user_);
    }

 private:
    cudnnContext& context_;
    memory user_, own_;
};

dnnl::convolution_forward::primitive_desc forward_of(const Problem& p, const dnnl::engine& engine) {
    return {{dnnl::prop_kind::forward_training, algorithm::convolution_direct, any_layout(p.x), any_layout(p.w),
             any_layout(p.y), p.strides, p.dilations, p.padding, p.padding},
            engine};
}

cudnnStatus_t workspace_free(const void* handle, size_t* bytes) {
    if (handle == nullptr || bytes == nullptr) return CUDNN_STATUS_BAD_PARAM;
    *bytes = 0;  // oneDNN brings its own scratch memory
    return CUDNN_STATUS_SUCCESS;
}

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

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }

// Work runs at once, whatever the stream.
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, CUstream) {
    return handle == nullptr ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
    if (descriptor == nullptr || !is_format(format) || n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    if (type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {format, n, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    if (descriptor == nullptr || !is_format(format) || k < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    if (type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {format, k, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) { return destroy(descriptor); }

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute_type) {
    if (descriptor == nullptr || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h < 1 ||
        dilation_w < 1) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    if (mode != CUDNN_CROSS_CORRELATION || compute_type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
    *descriptor = {pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, descriptor->groups};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups) {
    if (descriptor == nullptr || groups < 1) return CUDNN_STATUS_BAD_PARAM;
    descriptor->groups = groups;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t x,
                                                    cudnnFilterDescriptor_t w, int* n, int* c, int* h, int* width) {
    if (convolution == nullptr || x == nullptr || w == nullptr || n == nullptr || c == nullptr || h == nullptr ||
        width == nullptr || convolution->stride_h < 1) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    const auto outputs = [](int size, int pad, int kernel, int dilation, int stride) {
        return (size + 2 * pad - ((kernel - 1) * dilation + 1)) / stride + 1;
    };
    *n = x->n;
    *c = w->k;
    *h = outputs(x->h, convolution->pad_h, w->h, convolution->dilation_h, convolution->stride_h);
    *width = outputs(x->w, convolution->pad_w, w->w, convolution->dilation_w, convolution->stride_w);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t,
                                                      cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
                                                      cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t,
                                                      size_t* bytes) {
    return workspace_free(handle, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t,
                                                           cudnnTensorDescriptor_t, cudnnConvolutionDescriptor_t,
                                                           cudnnTensorDescriptor_t, cudnnConvolutionBwdDataAlgo_t,
                                                           size_t* bytes) {
    return workspace_free(handle, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t,
                                                             cudnnTensorDescriptor_t, cudnnConvolutionDescriptor_t,
                                                             cudnnFilterDescriptor_t, cudnnConvolutionBwdFilterAlgo_t,
                                                             size_t* bytes) {
    return workspace_free(handle, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                      const void* x_data, cudnnFilterDescriptor_t w, const void* w_data,
                                      cudnnConvolutionDescriptor_t convolution, cudnnConvolutionFwdAlgo_t, void*,
                                      size_t, const void* beta, cudnnTensorDescriptor_t y, void* y_data) {
    return guarded([&] {
        Problem p;
        if (handle == nullptr || x_data == nullptr || w_data == nullptr || y_data == nullptr ||
            !make_problem(&p, x, w, y, convolution)) {
            return CUDNN_STATUS_BAD_PARAM;
        }
        if (!is_one_and_zero(alpha, beta)) return CUDNN_STATUS_NOT_SUPPORTED;
        const auto primitive = forward_of(p, handle->engine);
        Argument source(*handle, p.x, primitive.src_desc(), x_data);
        Argument weights(*handle, p.w, primitive.weights_desc(), w_data);
        Argument result(*handle, p.y, primitive.dst_desc(), y_data);
        dnnl::convolution_forward(primitive).execute(
            handle->stream,
            {{DNNL_ARG_SRC, source.load()}, {DNNL_ARG_WEIGHTS, weights.load()}, {DNNL_ARG_DST, result.target()}});
        result.store();
        handle->stream.wait();
        return CUDNN_STATUS_SUCCESS;
    });
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w,
                                           const void* w_data, cudnnTensorDescriptor_t dy, const void* dy_data,
                                           cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdDataAlgo_t,
                                           void*, size_t, const void* beta, cudnnTensorDescriptor_t dx, void* dx_data) {
    return guarded([&] {
        Problem p;
        if (handle == nullptr || dx_data == nullptr || w_data == nullptr || dy_data == nullptr ||
            !make_problem(&p, dx, w, dy, convolution)) {
            return CUDNN_STATUS_BAD_PARAM;
        }
        if (!is_one_and_zero(alpha, beta)) return CUDNN_STATUS_NOT_SUPPORTED;
        const dnnl::convolution_backward_data::primitive_desc primitive(
            {algorithm::convolution_direct, any_layout(p.x), any_layout(p.w), any_layout(p.y), p.strides, p.dilations,
             p.padding, p.padding},
            handle->engine, forward_of(p, handle->engine));
        Argument gradient(*handle, p.y, primitive.diff_dst_desc(), dy_data);
        Argument weights(*handle, p.w, primitive.weights_desc(), w_data);
        Argument result(*handle, p.x, primitive.diff_src_desc(), dx_data);
        dnnl::convolution_backward_data(primitive).execute(handle->stream, {{DNNL_ARG_DIFF_DST, gradient.load()},
                                                                            {DNNL_ARG_WEIGHTS, weights.load()},
                                                                            {DNNL_ARG_DIFF_SRC, result.target()}});
        result.store();
        handle->stream.wait();
        return CUDNN_STATUS_SUCCESS;
    });
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x,
                                             const void* x_data, cudnnTensorDescriptor_t dy, const void* dy_data,
                                             cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdFilterAlgo_t,
                                             void*, size_t, const void* beta, cudnnFilterDescriptor_t dw,
                                             void* dw_data) {
    return guarded([&] {
        Problem p;
        if (handle == nullptr || x_data == nullptr || dw_data == nullptr || dy_data == nullptr ||
            !make_problem(&p, x, dw, dy, convolution)) {
            return CUDNN_STATUS_BAD_PARAM;
        }
        if (!is_one_and_zero(alpha, beta)) return CUDNN_STATUS_NOT_SUPPORTED;
        const dnnl::convolution_backward_weights::primitive_desc primitive(
            {algorithm::convolution_direct, any_layout(p.x), any_layout(p.w), any_layout(p.y), p.strides, p.dilations,
             p.padding, p.padding},
            handle->engine, forward_of(p, handle->engine));
        Argument source(*handle, p.x, primitive.src_desc(), x_data);
        Argument gradient(*handle, p.y, primitive.diff_dst_desc(), dy_data);
        Argument result(*handle, p.w, primitive.diff_weights_desc(), dw_data);
        dnnl::convolution_backward_weights(primitive).execute(handle->stream,
                                                              {{DNNL_ARG_SRC, source.load()},
                                                               {DNNL_ARG_DIFF_DST, gradient.load()},
                                                               {DNNL_ARG_DIFF_WEIGHTS, result.target()}});
        result.store();
        handle->stream.wait();
        return CUDNN_STATUS_SUCCESS;
    });
}
